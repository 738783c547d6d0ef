"""deepnet train"""

from contextlib import ExitStack
from pathlib import Path
from textwrap import fill

import click

from deepnet_cli.cli.code_option import code_given, code_option
from deepnet_cli.cli.progress import Display
from deepnet_cli.cli.say import last_words, say, tell, typed, warn
from deepnet_cli.config.job import load_job
from deepnet_cli.errors import listed
from deepnet_cli.files import json_text
from deepnet_cli.report.curves import drawn_in_room
from deepnet_cli.report.figures import figures_text
from deepnet_cli.report.flow import flow_text
from deepnet_cli.report.plan import outline, plan, plan_text
from deepnet_cli.training.kept.run_directory import check_free
from deepnet_cli.training.run import beginning
from deepnet_cli.training.run.listening import Listening
from deepnet_cli.training.run.running import finish, run_to_end
from deepnet_cli.training.run.session import Session


@click.command(no_args_is_help=True)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Write the run here.")
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run that ended."
)
@click.option(
    "--from",
    "origin",
    metavar="RUN[@N]",
    help="Begin a new run with what RUN had reached after N updates, or where it was @best.",
)
@click.option(
    "--strict", is_flag=True, help="Go on only where versions and threads are the same, too."
)
@click.option("--dry-run", is_flag=True, help="Show shapes, parameters and memory; train nothing.")
@code_option
@click.option("--no-check", is_flag=True, help="Train even where --code has wrong derivatives.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Every so often, the health of each layer, too."
)
@click.pass_context
def train(
    ctx: click.Context,
    config: Path | None,
    settings: tuple[str, ...],
    run_dir: Path | None,
    resume: Path | None,
    origin: str | None,
    strict: bool,
    dry_run: bool,
    no_check: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Train the network that CONFIG describes, or go on with a run.

    What comes of it is in a run directory, runs/NAME-001 and so on.

    \b
    Example:
        deepnet train config.yaml --set training.learning_rate=0.05
        deepnet train --resume runs/digits-001 --set training.iterations=5000
        deepnet train --from runs/cats-001@best --set training.learning_rate=0.001
    """
    if sum(given is not None for given in (config, resume, origin)) != 1:
        raise click.UsageError("give a CONFIG, --resume RUN or --from RUN, one of them")
    if resume is not None and (run_dir is not None or dry_run):
        raise click.UsageError("--resume goes with neither --run-dir nor --dry-run")
    if quiet and verbose:
        raise click.UsageError("-q goes not with -v")
    if config is not None and strict:
        raise click.UsageError("--strict goes with --resume or --from")
    if origin is not None and dry_run:
        raise click.UsageError("--from does not go with --dry-run")
    code = code_given()
    if code is not None and not no_check:
        code.check()
    if run_dir is not None:
        check_free(run_dir)  # before data are read
    held = ctx.with_resource(ExitStack())
    if resume is not None:
        begun = beginning.resumed(resume, settings, code, held, strict=strict)
    elif origin is not None:
        begun = beginning.forked(origin, settings, code, held, strict=strict)
    elif config is not None:
        job = load_job(config, settings, code)
        if dry_run:
            warn(job.warnings)
            tell(json_text(plan(job)) if as_json else plan_text(job))
            say(f"next: {typed('train', config, settings)}")
            return
        begun = beginning.new(job, held)

    warn(begun.warnings)
    with Listening() as interruption:
        session = begun.session(run_dir, held)
        interruption.go_on = typed("train --resume", session.directory.path)
        if not quiet:
            _announce(session)
        with Display(session, quiet=quiet, verbose=verbose) as display:
            diverged = run_to_end(session, interruption, display.show)
        draw = drawn_in_room(lambda told: warn([told]))
        result = finish(session, draw if session.job.config.output.plots else None)
        interrupted = session.ending.stopped == "interrupted" and interruption.signal
        with last_words(needed=not interrupted):
            if as_json:
                tell(json_text(result))
            elif diverged is None:
                tell(_result(session))
        if diverged is not None:
            raise diverged
        if session.ending.stopped in ("interrupted", "time"):
            say(f"go on: {interruption.go_on}")
        if interrupted:
            ctx.exit(128 + interrupted)
        say(f"next: {typed('report', session.directory.path)}")


def _announce(session: Session) -> None:
    say(outline(session.job))
    if made := session.progress.state.iteration:
        say(f"going on after {made:,} update{'s' * (made != 1)}")
    say(f"writing to {session.directory.path}")


def _result(session: Session) -> str:
    lines, average = list[str](), session.job.average
    if session.figures:
        lines.append(figures_text(session.figures))
    if missing := session.job.dataset.parts.keys() - session.figures:
        told = f"not measured, as that takes long: {listed(sorted(missing))}"
        lines.append(f"{told}; 'deepnet evaluate' does")
    averaged = f" averaged by {average.name}" if average else ""
    if session.monitor:
        best = f"with the best {session.monitor} (*), after {session.kept:,} updates"
        lines.append(fill(f"of the parameters{averaged} {best}", 80))
    elif averaged:
        lines.append(f"of the parameters{averaged}")
    if flow := session.job.batches.part.flow:
        lines.append(flow_text(flow, session.seconds))
    made = session.progress.state.iteration
    lines.append(
        f"{session.directory.path}: {made:,} iteration{'s' * (made != 1)}, {session.seconds:.1f} s"
    )
    lines.append(fill(f"{session.ending.stopped}: {session.ending.reason}", 80))
    return "\n".join(lines)
