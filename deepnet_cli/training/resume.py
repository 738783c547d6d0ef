"""Where a run that ended goes on."""

import json
from typing import TYPE_CHECKING

from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import resolved_config
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.training.progress import Progress, load_progress
from deepnet_cli.training.run_directory import RunDirectory
from deepnet_cli.training.sealed import open_sealed

if TYPE_CHECKING:
    from deepnet_cli.config.code import Code


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


def check_code(directory: RunDirectory, code: "Code | None") -> None:
    """Raise ConfigError where the code of --code is not that which the run was begun with.

    With another one the numbers would differ.
    """
    given = code.sha256 if code is not None else None
    for path in directory.checkpoints():
        try:
            with open_sealed(path, "checkpoint") as source:
                text = str(source.read("code")) if source.has("code") else "{}"
        except DataError:  # an older one will do, or `newest_progress` says why none does
            continue
        begun = json.loads(text)
        if begun.get("sha256") == given:
            return
        if code is None:
            raise ConfigError(
                f"{directory.path}: the run was begun with code of your own; "
                f"give it: --code {begun['file']}"
            )
        if not begun:
            raise ConfigError(f"--code {code.file}: the run was begun without it; leave it out")
        raise ConfigError(
            f"--code {code.file}: is not the code that the run was begun with, {begun['file']} "
            f"with the sha256 {begun['sha256'][:12]}... (this one's is {code.sha256[:12]}...); "
            "give that file, or start a new run"
        )
