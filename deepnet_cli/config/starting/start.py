"""From what a data file holds to choices for a config."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deepnet_cli.config.starting.choices import Choices, Chosen, choices
from deepnet_cli.config.starting.facts import facts_of
from deepnet_cli.data.describing.inspection import Found, Inspection
from deepnet_cli.data.files.hdf5 import Source, open_hdf5
from deepnet_cli.data.reading.per_example import groups, weights
from deepnet_cli.data.reading.words import X_WORDS, Y_WORDS, says
from deepnet_cli.errors import DataError, one_line
from deepnet_cli.nn.types import Array

FEWEST_GROUPS = 3
"""One for each part that there may be."""


@dataclass(frozen=True)
class Beside:
    """What datasets beside x and y are called, what they serve for, and how they are read."""

    words: tuple[str, ...]
    serves: str
    read: Callable[[Source, str, int], Array]


def _groups(source: Source, name: str, m: int) -> Array:
    """Enough of them to be dealt to parts.  Raises DataError."""
    values = groups(source, name, m)
    if len(set(values.tolist())) < FEWEST_GROUPS:
        raise DataError(f"{source.path}: '{name}': fewer than {FEWEST_GROUPS} groups")
    return values


BESIDE = {
    "weights": Beside(("weights", "sample_weights", "sample_weight"), "some count more", weights),
    "groups": Beside(("groups", "group"), "those of a group stay on one side of a split", _groups),
}
TRAIN_PATTERNS = ("{}", "{}_train", "train_{}", "train/{}")

SERVES = {"validation": "to choose by", "test": "to judge by, at the end"}


def start(inspection: Inspection, place: Path, *, given: bool) -> Choices:
    """For a config in the directory `place`; `given`: x or y was named by who asks, and may be none
    that would be found.  Raises DataError where there is nothing to learn.
    """
    if inspection.problem is not None:
        raise inspection.problem
    train, *others = inspection.found
    _check(train, inspection.path)
    file, told = _from(place, Path(inspection.path)), f"{train.profile.m:,} rows"
    named = _named(train, "train", file, given=given)
    beside, unused = _beside(inspection, train)
    if beside:
        named = (named if isinstance(named, dict) else {"file": file}) | beside
        told += "".join(f"; {BESIDE[key].serves}" for key in beside)
    unused += [why for other in others if (why := _no_part(other, train))]
    told += "".join(f"; {why}" for why in unused)
    data = {"train": Chosen(named, _told(train, told))}
    for other in others:
        if not _no_part(other, train):
            named = _named(other, other.part, file, given=given)
            data[other.part] = Chosen(named, _told(other, SERVES[other.part]))
    return _with_axis(choices(facts_of(train), data), train)


def _no_part(other: Found, train: Found) -> str:
    """Why a part of the file is not used; empty where it is."""
    if other.y is None:
        return f"{other.part} is not used: it has no y"
    if other.profile.n != train.profile.n:
        return f"{other.part} is not used: it has {other.profile.n:,} features"
    return f"{other.part} is not used: its axes are turned" if other.last != train.last else ""


def _check(train: Found, path: str) -> None:
    """There is a y, and something in it to learn; x is finite but for NaN.  Raises DataError."""
    target = train.profile.target
    if target is None:
        raise DataError(f"{path}: {train.problem}")
    where = f"{path}: '{train.y}'"
    if target.kind in ("constant", "text"):
        raise DataError(f"{where}: {target.why}; there is nothing to learn; name another: --y NAME")
    if target.missing:
        what = f"{target.missing:,} of {train.profile.m:,} are missing, the first at row"
        raise DataError(f"{where}: {what} {target.first_missing}; remove these rows")
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


def _beside(inspection: Inspection, train: Found) -> tuple[dict[str, str], list[str]]:
    """The datasets that say more of each training example, by the key of data.train; and why others
    that are called so are not used.
    """
    found: dict[str, str] = {}
    unused: list[str] = []
    with open_hdf5(Path(inspection.path)) as source:
        for key, beside in BESIDE.items():
            known = {pattern.format(word) for word in beside.words for pattern in TRAIN_PATTERNS}
            for entry, _ in inspection.datasets:
                if entry.name.casefold() in known and entry.shape == (train.profile.m,):
                    try:
                        beside.read(source, entry.name, train.profile.m)
                        found.setdefault(key, entry.name)
                    except DataError as error:
                        problem = str(error).removeprefix(f"{source.path}: ")
                        unused.append(f"not used: {problem}")
    return found, unused


def _named(found: Found, part: str, file: str, *, given: bool) -> object:
    """How a config names a part: its datasets too, where their names do not say what they are."""
    if not given and found.part == part and says(found.x, X_WORDS) and says(str(found.y), Y_WORDS):
        return file
    return {"file": file, "x": found.x, "y": found.y}


def _told(found: Found, serves: str) -> str:
    return f"{one_line(found.x)} {found.shape}, {one_line(str(found.y))}: {serves}"


def _from(place: Path, data: Path) -> str:
    """A path as it is written in a config: from the directory that the config is in."""
    file = Path(os.path.relpath(os.path.realpath(data), os.path.realpath(place))).as_posix()
    return f"./{file}" if file.startswith("~") else file
