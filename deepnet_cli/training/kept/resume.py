"""Where a run that ended goes on, or another one begins with what it reached."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import resolved_config
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.restoring import CHANGEABLE, FORKABLE, load_progress
from deepnet_cli.training.kept.run_directory import checkpoint, checkpoints, updates
from deepnet_cli.training.kept.sealed import open_sealed

if TYPE_CHECKING:
    from deepnet_cli.config.code import Code


def newest_progress(
    run: Path, job: Job, *, strict: bool = False, may_change: Sequence[str] = CHANGEABLE
) -> tuple[Progress, list[str]]:
    """The newest checkpoint that verifies, and warnings: why newer ones were passed over, and
    what is not as it was when it was written.

    A run that ended before its first checkpoint starts again.  Raises DataError where
    there are checkpoints and none can be used, ConfigError where the config has changed, or
    where it is `strict` anything that the last bits may depend on.
    """
    skipped: list[str] = []
    for path in checkpoints(run):
        try:
            progress, told = _progress(path, run, job, strict=strict, may_change=may_change)
        except DataError as error:
            skipped.append(str(error))
        else:
            return progress, [f"{reason}; using an older checkpoint" for reason in skipped] + told
    if skipped:
        raise DataError("\n".join([*skipped, f"{run}: no checkpoint can be used"]))
    return Progress.start(job), []


def progress_at(
    run: Path, at: str, job: Job, *, strict: bool = False
) -> tuple[Progress, list[str]]:
    """What a run had reached: "newest", "best", or after so many updates; and warnings.

    Raises DataError and ConfigError as `newest_progress`, and where it kept no such checkpoint.
    """
    begun = newest_progress(run, job, strict=strict, may_change=FORKABLE)
    watch = begun[0].watch
    if at == "newest":
        return begun
    if at == "best" and watch is None:
        raise ConfigError(f"{run}: no figure says which of its states is the best")
    iteration = watch.iteration + 1 if at == "best" and watch is not None else int(at)
    if not checkpoint(run, iteration).exists():
        kept = ", ".join(str(updates(path)) for path in checkpoints(run))
        raise DataError(f"{run}: keeps no state after {iteration} updates (kept: {kept})")
    path = checkpoint(run, iteration)
    return _progress(path, run, job, strict=strict, may_change=FORKABLE)


def _progress(
    path: Path, run: Path, job: Job, *, strict: bool, may_change: Sequence[str]
) -> tuple[Progress, list[str]]:
    progress, changed = load_progress(path, job, resolved_config(job, run), may_change)
    if not changed:
        return progress, []
    told = f"{path}: was written with {'; '.join(changed)}"
    if strict:
        raise ConfigError(f"{told}; without --strict it goes on from there")
    return progress, [f"{told}: the last bits may be others"]


def check_code(run: Path, code: "Code | None") -> None:
    """Raise ConfigError where the code of --code is not that which the run was begun with.

    With another one the numbers would differ.
    """
    given = code.sha256 if code is not None else None
    for path in checkpoints(run):
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
                f"{run}: the run was begun with code of your own; give it: --code {begun['file']}"
            )
        if not begun:
            raise ConfigError(f"--code {code.file}: the run was begun without it; leave it out")
        raise ConfigError(
            f"--code {code.file}: is not the code that the run was begun with, {begun['file']} "
            f"with the sha256 {begun['sha256'][:12]}... (this one's is {code.sha256[:12]}...); "
            "give that file, or start a new run"
        )
