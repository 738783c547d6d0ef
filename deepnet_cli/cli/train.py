"""deepnet train"""

import json
from pathlib import Path

import click

from deepnet_cli.cli.progress import Display
from deepnet_cli.cli.say import say, warn
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.config.load import resolved
from deepnet_cli.errors import ConfigError, DivergedError
from deepnet_cli.report.curves import cost_picture
from deepnet_cli.report.figures import figures_text
from deepnet_cli.report.plan import outline, plan, plan_text
from deepnet_cli.training.checkpoint import Progress
from deepnet_cli.training.resume import CHANGEABLE, newest_progress
from deepnet_cli.training.run_directory import CONFIG, PICTURE, RunDirectory
from deepnet_cli.training.session import Session
from deepnet_cli.training.stopping import Interruption


@click.command(no_args_is_help=True)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Write the run here.")
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run that ended."
)
@click.option("--dry-run", is_flag=True, help="Show shapes, parameters and memory; train nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.pass_context
def train(
    ctx: click.Context,
    config: Path | None,
    settings: tuple[str, ...],
    run_dir: Path | None,
    resume: Path | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train the network that CONFIG describes and write a run directory.

    \b
    Example:
        deepnet train config.yaml --set training.learning_rate=0.05
        deepnet train --resume runs/digits-001 --set training.iterations=5000
    """
    if (config is None) == (resume is None):
        raise click.UsageError("give a CONFIG, or --resume RUN")
    if resume is not None:
        if run_dir is not None:
            raise click.UsageError("--resume goes on in the run's own directory; drop --run-dir")
        job, directory, progress = _resumed(resume, settings)
    elif config is not None:
        job = load_job(config, settings)
        if dry_run:
            warn(job.warnings)
            click.echo(json.dumps(plan(job)) if as_json else plan_text(job))
            say(f"next: deepnet train {config}")
            return
        directory, progress = _new_directory(job, run_dir), Progress.start(job)

    warn(job.warnings)
    if not quiet:
        say(outline(job))
        say(f"writing to {directory.path}")
    session = Session(job, directory, progress)
    interruption = Interruption()
    diverged: DivergedError | None = None
    target, start = job.network.loss.target, progress.state.iteration
    with Display(start, job.iterations, target, quiet=quiet) as display:
        try:
            for event in interruption.stop(session.steps()):
                display.show(event)
        except DivergedError as error:
            diverged = error
    if interruption.signal is not None:
        session.stopped = f"interrupted by {interruption.signal.name}"

    result = session.finish()
    if job.config.output.plots:
        directory.write(PICTURE, cost_picture(session.progress.history, str(job.config.name)))
    if diverged is not None:
        raise _advised(diverged, session)
    if as_json:
        click.echo(json.dumps(result))
    else:
        click.echo(figures_text(session.figures))
        click.echo(f"{directory.path}: {session.stopped} after {job_time(session)}")
    if interruption.signal is not None:
        say(f"go on: deepnet train --resume {directory.path}")
        ctx.exit(128 + interruption.signal)
    say(f"next: deepnet predict {directory.path} DATA.h5")


def job_time(session: Session) -> str:
    """How much was done and how long it took."""
    return f"{session.progress.state.iteration:,} iterations, {session.seconds:.1f} s"


def _new_directory(job: Job, run_dir: Path | None) -> RunDirectory:
    if run_dir is not None:
        return RunDirectory.at(run_dir)
    base = resolved(job.config.output.directory, job.directory)
    return RunDirectory.create(base, str(job.config.name))


def _resumed(run: Path, settings: tuple[str, ...]) -> tuple[Job, RunDirectory, Progress]:
    directory = RunDirectory.existing(run)
    for setting in settings:
        if setting.partition("=")[0].strip() not in CHANGEABLE:
            raise ConfigError(
                f"--set {setting}: a resumed run may change {', '.join(CHANGEABLE)} only; "
                "for anything else start a new run"
            )
    job = load_job(directory.path / CONFIG, settings)
    progress, skipped = newest_progress(directory, job)
    for reason in skipped:
        say(f"warning: {reason}; using an older checkpoint")
    if progress.state.iteration >= job.iterations:
        raise ConfigError(
            f"{run}: has made all of its {job.iterations} iterations; "
            f"to train on: --set training.iterations={2 * job.iterations}"
        )
    return job, directory, progress


def _advised(error: DivergedError, session: Session) -> DivergedError:
    rate = session.job.config.training.learning_rate
    return DivergedError(
        f"{error}, with learning rate {rate:g}; the last good parameters, of iteration "
        f"{session.progress.state.iteration}, are in {session.directory.path}\n"
        f"try: --set training.learning_rate={rate / 10:g}, "
        "or data.scale: standardize where features differ much in size"
    )
