"""Where a run that ended goes on."""

from deepnet_cli.config.job import Job
from deepnet_cli.errors import DataError
from deepnet_cli.training.checkpoint import Progress, load_progress
from deepnet_cli.training.run_directory import RunDirectory

CHANGEABLE = ("training.iterations", "output.plots", "output.checkpoint_every")
"""What a resumed run may set: nothing that the numbers depend on."""


def newest_progress(directory: RunDirectory, job: Job) -> tuple[Progress, list[str]]:
    """The newest checkpoint that verifies, and why newer ones were passed over.

    A run that ended before its first checkpoint starts again.  Raises DataError where
    there are checkpoints and none can be used.
    """
    skipped: list[str] = []
    for path in directory.checkpoints():
        try:
            return load_progress(path, job), skipped
        except DataError as error:
            skipped.append(str(error))
    if skipped:
        raise DataError("\n".join([*skipped, f"{directory.path}: no checkpoint can be used"]))
    return Progress.start(job), []
