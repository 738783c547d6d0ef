"""deepnet train"""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

import click

from deepnet_cli.cli.code_option import code_given, code_option
from deepnet_cli.cli.progress import Display
from deepnet_cli.cli.say import last_words, say, tell, typed, warn
from deepnet_cli.cli.threads import suit_training
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.config.load import resolved
from deepnet_cli.errors import ConfigError, DeepnetError, DivergedError
from deepnet_cli.files import json_text
from deepnet_cli.report.curves import cost_picture
from deepnet_cli.report.figures import figures_text
from deepnet_cli.report.flow import flow_text
from deepnet_cli.report.plan import outline, plan, plan_text
from deepnet_cli.training.progress import Progress
from deepnet_cli.training.restoring import CHANGEABLE, FORKABLE, among
from deepnet_cli.training.resume import check_code, newest_progress, progress_at
from deepnet_cli.training.run_directory import CONFIG, RunDirectory, check_begun
from deepnet_cli.training.session import Session
from deepnet_cli.training.stopping import Ending, Interruption, ending


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
) -> None:
    """Train the network that CONFIG describes and write a run directory.

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
    if config is not None and strict:
        raise click.UsageError("--strict goes with --resume or --from")
    if origin is not None and dry_run:
        raise click.UsageError("--from does not go with --dry-run")
    code = code_given()
    if code is not None and not no_check:
        code.check()
    directory: RunDirectory | None = None
    if resume is not None:
        job, directory, progress = _resumed(ctx, resume, settings, strict=strict)
    elif origin is not None:
        job, progress = _forked(origin, settings, strict=strict)
    elif config is not None:
        job = load_job(config, settings, code)
        if dry_run:
            warn(job.warnings)
            tell(json_text(plan(job)) if as_json else plan_text(job))
            say(f"next: {typed('train', config, settings)}")
            return
        suit_training(job)
        progress = Progress.start(job)

    warn(job.warnings)
    with Interruption() as interruption:
        session = Session(job, directory or _new_directory(ctx, job, run_dir), progress)
        interruption.go_on = typed("train --resume", session.directory.path)
        diverged = _train(session, interruption, quiet=quiet)
        result = session.finish(cost_picture if job.config.output.plots else None)
    interrupted = session.ending.stopped == "interrupted" and interruption.signal
    with last_words(needed=not interrupted):
        if as_json:
            tell(json_text(result))
        elif diverged is None:
            tell(_result(session))
    if diverged is not None:
        raise _advised(diverged, session)
    if session.ending.stopped in ("interrupted", "time"):
        say(f"go on: {interruption.go_on}")
    if interrupted:
        ctx.exit(128 + interrupted)
    say(f"next: {typed('predict', session.directory.path)} DATA.h5")


def _train(session: Session, interruption: Interruption, *, quiet: bool) -> DivergedError | None:
    """Show what training does to its end, whichever it is; say whether it diverged."""
    if not quiet:
        say(outline(session.job))
        if made := session.progress.state.iteration:
            say(f"going on after {made:,} updates")
        say(f"writing to {session.directory.path}")
    session.begin()
    with Display(session, quiet=quiet) as display:
        try:
            for event in interruption.stop(session.steps()):
                display.show(event)
            session.end()
        except DivergedError as error:
            return error
        except DeepnetError as error:
            raise type(error)(f"{error}\ngo on: {interruption.go_on}") from None
    return None


def _result(session: Session) -> str:
    lines, average = [figures_text(session.figures)], session.job.average
    averaged = f" averaged by {average.name}" if average else ""
    if session.monitor:
        best = f"with the best {session.monitor} (*): {session.kept:,} updates"
        lines.append(f"of the parameters{averaged} {best}")
    elif averaged:
        lines.append(f"of the parameters{averaged}")
    if flow := session.job.batches.part.flow:
        lines.append(flow_text(flow, session.seconds))
    made = session.progress.state.iteration
    lines.append(f"{session.directory.path}: {made:,} iterations, {session.seconds:.1f} s")
    lines.append(fill(f"{session.ending.stopped}: {session.ending.reason}", 80))
    return "\n".join(lines)


def _new_directory(ctx: click.Context, job: Job, run_dir: Path | None) -> RunDirectory:
    if run_dir is not None:
        directory = RunDirectory.at(run_dir)
    else:
        base = resolved(job.config.output.directory, job.directory)
        directory = RunDirectory.create(base, str(job.config.name))
    ctx.call_on_close(directory.close)
    return directory


def _resumed(
    ctx: click.Context, run: Path, settings: tuple[str, ...], *, strict: bool
) -> tuple[Job, RunDirectory, Progress]:
    directory = RunDirectory.existing(run)
    ctx.call_on_close(directory.close)
    job = _job_of(directory.path, settings, "a resumed run", CHANGEABLE)
    progress, warnings = newest_progress(directory.path, job, strict=strict)
    warn(warnings)
    made = progress.state.iteration
    if (end := ending(job, progress)) and directory.complete(made, job.config.output.plots):
        raise ConfigError(f"{run}: {_over(end, job, made)}")
    return job, directory, progress


def _forked(origin: str, settings: tuple[str, ...], *, strict: bool) -> tuple[Job, Progress]:
    """The job of a new run, and what another had reached.  The other one may be going on."""
    name, _, at = origin.rpartition("@")
    if not (at.isdecimal() or at in ("best", "newest")):
        name, at = origin, "newest"
    run = Path(name)
    check_begun(run)
    job = _job_of(run, settings, "what begins with another run", FORKABLE)
    progress, warnings = progress_at(run, at, job, strict=strict)
    warn(warnings)
    made = progress.state.iteration
    if end := ending(job, progress):
        raise ConfigError(f"--from {origin}: {_over(end, job, made)}")
    return job, progress


def _job_of(run: Path, settings: tuple[str, ...], what: str, may_change: Sequence[str]) -> Job:
    """The job of a run's own config, with settings that it may have."""
    for setting in settings:
        if not among(setting.partition("=")[0].strip(), may_change):
            raise ConfigError(
                f"--set {setting}: {what} may change {', '.join(may_change)} only; "
                "for anything else start a new run"
            )
    code = code_given()
    check_code(run, code)
    job = load_job(run / CONFIG, settings, code)
    suit_training(job)
    return job


def _over(end: Ending, job: Job, made: int) -> str:
    """Why no update is to be made, and how more are."""
    said = f"has ended: {end.reason}"
    if end.stopped == "completed" and made > job.iterations:
        said = f"{made:,} updates are made already, more than the {job.iterations:,} asked for"
    return f"{said}; to train on: {_longer(end, job, made)}"


def _longer(end: Ending, job: Job, made: int) -> str:
    """The setting with which a run that has ended goes on."""
    stopping = job.config.training.early_stopping
    if end.stopped == "early" and stopping is not None:
        return f"--set training.early_stopping.patience={2 * stopping.patience}"
    if end.stopped == "target":
        return "--set training.target=null"
    if end.stopped == "converged":
        return "begin a new run, in float64 or with another optimizer"
    return f"--set training.iterations={2 * made}"


def _advised(error: DivergedError, session: Session) -> DivergedError:
    if session.job.rule.sees == "objective":
        made = f"{session.progress.state.iteration:,}"
        return DivergedError(
            f"{error}; the last good parameters, after {made} updates, are in "
            f"{session.directory.path}\ntry: --set data.scale=standardize, or a smaller "
            "model.initialization"
        )
    key, rate = "training.learning_rate", session.rate(session.progress.state.iteration)
    scheduled, asked = session.job.config.training.learning_rate, rate
    if not isinstance(scheduled, float):
        key, asked = f"{key}.initial", scheduled.initial
    return DivergedError(
        f"{error}, with learning rate {rate:g}; the last good parameters, after "
        f"{session.progress.state.iteration:,} updates, are in {session.directory.path}\n"
        f"try: --set {key}={asked / 10:g}, "
        "or data.scale: standardize where features differ much in size"
    )
