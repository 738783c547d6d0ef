"""How a run begins, whoever asks for it: anew, where it stopped, or with what another has reached.

What a run holds while it lasts, the threads that suit it and its directory, is released with
the stack that it is given.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepnet_cli.config.job import Job, load_job
from deepnet_cli.config.load import resolved
from deepnet_cli.config.overrides import among, key_of
from deepnet_cli.errors import ConfigError
from deepnet_cli.threads import limited
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.restoring import CHANGEABLE, FORKABLE
from deepnet_cli.training.kept.resume import check_code, newest_progress, progress_at
from deepnet_cli.training.kept.run_directory import CONFIG, RunDirectory, check_begun
from deepnet_cli.training.run.session import Session
from deepnet_cli.training.run.stopping import Ending, ending

if TYPE_CHECKING:
    from deepnet_cli.config.code import Code


@dataclass(frozen=True)
class Beginning:
    """A job and where it stands before the next update; of a run that goes on its directory."""

    job: Job
    progress: Progress
    warnings: list[str]
    directory: RunDirectory | None = None

    def session(self, run_dir: Path | None, held: ExitStack) -> Session:
        """The run: in its own directory, in `run_dir`, or in the next free one."""
        directory = self.directory
        if directory is None:
            directory = _new_directory(self.job, run_dir)
            held.callback(directory.close)
        return Session(self.job, directory, self.progress)


def new(job: Job, held: ExitStack) -> Beginning:
    """A run of a job, before its first update."""
    held.enter_context(limited(job.threads))
    return Beginning(job, Progress.start(job), job.warnings)


def resumed(
    run: Path, settings: tuple[str, ...], code: "Code | None", held: ExitStack, *, strict: bool
) -> Beginning:
    """A run that goes on where it stopped.  Raises ConfigError where it has come to its end."""
    directory = RunDirectory.existing(run)
    held.callback(directory.close)
    job = _job_of(directory.path, settings, code, held, "a resumed run", CHANGEABLE)
    progress, warnings = newest_progress(directory.path, job, strict=strict)
    made = progress.state.iteration
    if (end := ending(job, progress)) and directory.complete(made, job.config.output.plots):
        raise ConfigError(f"{run}: {_over(end, job, made)}")
    return Beginning(job, progress, warnings + job.warnings, directory)


def forked(
    origin: str, settings: tuple[str, ...], code: "Code | None", held: ExitStack, *, strict: bool
) -> Beginning:
    """A new run with what another, RUN or RUN@N, had reached.  The other one may be going on."""
    name, _, at = origin.rpartition("@")
    if not (at.isdecimal() or at in ("best", "newest")):
        if name and Path(name).is_dir() and not Path(origin).exists():
            wanted = "best, newest or a number of updates"
            raise ConfigError(f"--from {origin}: expected {wanted} behind the @, found '{at}'")
        name, at = origin, "newest"
    run = Path(name)
    check_begun(run)
    job = _job_of(run, settings, code, held, "what begins with another run", FORKABLE)
    progress, warnings = progress_at(run, at, job, strict=strict)
    if end := ending(job, progress):
        raise ConfigError(f"--from {origin}: {_over(end, job, progress.state.iteration)}")
    return Beginning(job, progress, warnings + job.warnings)


def _new_directory(job: Job, run_dir: Path | None) -> RunDirectory:
    if run_dir is not None:
        return RunDirectory.at(run_dir)
    base = resolved(job.config.output.directory, job.directory)
    return RunDirectory.create(base, str(job.config.name))


def _job_of(
    run: Path,
    settings: tuple[str, ...],
    code: "Code | None",
    held: ExitStack,
    what: str,
    may_change: Sequence[str],
) -> Job:
    """The job of a run's own config, with settings that it may have."""
    for setting in settings:
        if not among(key_of(setting), may_change):
            raise ConfigError(
                f"--set {setting}: {what} may change {', '.join(may_change)} only; "
                "for anything else start a new run"
            )
    check_code(run, code)
    job = load_job(run / CONFIG, settings, code)
    held.enter_context(limited(job.threads))
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
