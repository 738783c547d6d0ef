"""From what a data file holds to choices for a config."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deepnet_cli.config.starting.choices import Choices, Chosen, choices
from deepnet_cli.config.starting.facts import facts_of
from deepnet_cli.data.describing.inspection import Found, Inspection
from deepnet_cli.data.reading.words import X_WORDS, Y_WORDS
from deepnet_cli.errors import DataError, one_line


@dataclass(frozen=True)
class Beside:
    """What datasets beside x and y are called, and what they serve for."""

    words: tuple[str, ...]
    serves: str


BESIDE = {
    "weights": Beside(("weights", "sample_weights", "sample_weight"), "some count more"),
    "groups": Beside(("groups", "group"), "those of a group stay on one side of a split"),
}
TRAIN_PATTERNS = ("{}", "{}_train", "train_{}", "train/{}")

SERVES = {"validation": "to choose by", "test": "to judge by, at the end"}


def start(inspection: Inspection, place: Path) -> Choices:
    """For a config in the directory `place`.  Raises DataError where there is nothing to learn."""
    if inspection.problem is not None:
        raise inspection.problem
    train, *others = inspection.found
    _check(train, inspection.path)
    file, told = _from(place, Path(inspection.path)), f"{train.profile.m:,} rows"
    named = _named(train, "train", file)
    if beside := _beside(inspection, train):
        named = (named if isinstance(named, dict) else {"file": file}) | beside
        told += "".join(f"; {BESIDE[key].serves}" for key in beside)
    data = {"train": Chosen(named, _told(train, told))}
    for other in others:
        alike = other.y is not None and other.profile.n == train.profile.n
        if alike and other.last == train.last:
            named = _named(other, other.part, file)
            data[other.part] = Chosen(named, _told(other, SERVES[other.part]))
    return _with_axis(choices(facts_of(train), data), train)


def _check(train: Found, path: str) -> None:
    """There is a y, and something in it to learn; x is finite but for NaN.  Raises DataError."""
    target = train.profile.target
    if target is None:
        raise DataError(f"{path}: {train.problem}")
    where = f"{path}: '{train.y}'"
    if target.kind in ("constant", "text"):
        raise DataError(f"{where}: {target.why}; there is nothing to learn; name another: --y NAME")
    if target.missing:
        rows = f"{target.missing:,} rows have none, the first is row {target.first_missing}"
        raise DataError(f"{where}: {rows}; remove these rows")
    if infinite := int(train.profile.columns.statistics.infinite.sum()):
        what = f"{infinite:,} values are infinite; write NaN where they mean that one is missing"
        raise DataError(f"{path}: '{train.x}': {what}")


def _with_axis(choices: Choices, train: Found) -> Choices:
    """With data.examples, where they are on the last axis of x."""
    data = choices["data"]
    if not train.last or not isinstance(data, Mapping):
        return choices
    axis = Chosen("last", f"x counts examples on its last axis: {train.shape[-1]:,}")
    return {**choices, "data": {**data, "examples": axis}}


def _beside(inspection: Inspection, train: Found) -> dict[str, str]:
    """The datasets that say more of each training example, by the key of data.train."""
    found: dict[str, str] = {}
    for key, beside in BESIDE.items():
        known = {pattern.format(word) for word in beside.words for pattern in TRAIN_PATTERNS}
        for entry, _ in inspection.datasets:
            if entry.name.casefold() in known and entry.shape == (train.profile.m,):
                found.setdefault(key, entry.name)
    return found


def _named(found: Found, part: str, file: str) -> object:
    """How a config names a part: its datasets too, where their names do not say what they are."""
    if found.part == part and _says(found.x, X_WORDS) and _says(str(found.y), Y_WORDS):
        return file
    return {"file": file, "x": found.x, "y": found.y}


def _says(name: str, words: tuple[str, ...]) -> bool:
    """Whether a word stands in a name by itself: x_train, train_set_x, train/x."""
    return bool(set(name.casefold().replace("/", "_").split("_")) & set(words))


def _told(found: Found, serves: str) -> str:
    return f"{one_line(found.x)} {found.shape}, {one_line(str(found.y))}: {serves}"


def _from(place: Path, data: Path) -> str:
    """A path as it is written in a config: from the directory that the config is in."""
    file = Path(os.path.relpath(os.path.realpath(data), os.path.realpath(place))).as_posix()
    return f"./{file}" if file.startswith("~") else file
