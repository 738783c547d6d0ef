"""Where a run that ended goes on."""

from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import resolved_config
from deepnet_cli.errors import DataError
from deepnet_cli.training.progress import Progress, load_progress
from deepnet_cli.training.run_directory import RunDirectory


def newest_progress(directory: RunDirectory, job: Job) -> tuple[Progress, list[str]]:
    """The newest checkpoint that verifies, and why newer ones were passed over.

    A run that ended before its first checkpoint starts again.  Raises DataError where
    there are checkpoints and none can be used, ConfigError where the config has changed.
    """
    skipped: list[str] = []
    config = resolved_config(job, directory.path)
    for path in directory.checkpoints():
        try:
            return load_progress(path, job, config), skipped
        except DataError as error:
            skipped.append(str(error))
    if skipped:
        raise DataError("\n".join([*skipped, f"{directory.path}: no checkpoint can be used"]))
    return Progress.start(job), []
