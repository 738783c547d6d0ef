"""From what a data file holds to choices for a config."""

import os
from pathlib import Path

from deepnet_cli.config.starting.choices import Choices, Chosen, choices
from deepnet_cli.config.starting.facts import facts_of
from deepnet_cli.data.finding import X_WORDS, Y_WORDS
from deepnet_cli.data.inspection import Found, Inspection
from deepnet_cli.errors import DataError, one_line

SERVES = {"validation": "to choose by", "test": "to judge by, at the end"}


def start(inspection: Inspection, place: Path) -> Choices:
    """For a config in the directory `place`.  Raises DataError where there is nothing to learn."""
    if inspection.problem is not None:
        raise inspection.problem
    train, *others = inspection.found
    file = _from(place, Path(inspection.path))
    parts = {"train": Chosen(_named(train, file), _told(train, f"{train.profile.m:,} rows"))}
    for other in others:
        if other.y is not None and other.profile.n == train.profile.n:
            parts[other.part] = Chosen(_named(other, file), _told(other, SERVES[other.part]))
    _check(train, inspection.path)
    return choices(facts_of(train.profile), parts)


def _check(train: Found, path: str) -> None:
    """There is a y, and something in it to learn.  Raises DataError."""
    target = train.profile.target
    if target is None:
        raise DataError(train.problem)
    where = f"{path}: '{train.y}'"
    if target.kind in ("constant", "text"):
        raise DataError(f"{where}: {target.why}; there is nothing to learn; name another: --y")
    if target.missing:
        rows = f"of {target.missing:,} rows is missing, the first of row {target.first_missing}"
        raise DataError(f"{where}: the y {rows}; remove these rows")


def _named(found: Found, file: str) -> object:
    """How a config names a part: its datasets too, where their names do not say what they are."""
    if _says(found.x, X_WORDS) and _says(str(found.y), Y_WORDS):
        return file
    return {"file": file, "x": found.x, "y": found.y}


def _says(name: str, words: tuple[str, ...]) -> bool:
    """Whether a word stands in a name by itself: x_train, train_set_x, train/x."""
    return bool(set(name.casefold().replace("/", "_").split("_")) & set(words))


def _told(found: Found, serves: str) -> str:
    return f"{one_line(found.x)} {found.shape} and {one_line(str(found.y))}: {serves}"


def _from(place: Path, data: Path) -> str:
    """A path as it is written in a config: from the directory that the config is in."""
    file = Path(os.path.relpath(os.path.realpath(data), os.path.realpath(place))).as_posix()
    return f"./{file}" if file.startswith("~") else file
