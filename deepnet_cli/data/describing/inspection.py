"""What a data file holds: every dataset and how it lies there, and a profile of each part."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from deepnet_cli.data.describing.duplicates import found_in
from deepnet_cli.data.describing.profile import Profile, profile
from deepnet_cli.data.files.conventions import decoded
from deepnet_cli.data.files.hdf5 import Source, kept_open, open_hdf5
from deepnet_cli.data.files.storage import Storage
from deepnet_cli.data.files.survey import Entry
from deepnet_cli.data.reading.finding import (
    could_be_y,
    find_x,
    find_y,
    only_turned,
    part_of,
    parts_in,
)
from deepnet_cli.data.reading.tables import Location, read_table
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

BRIGHT = 64
"""What the brightest of uint8 pixels is above."""

Watch = Callable[[str, int], Callable[[int], object]]
"""Told of a part and its number of rows, gives what is told how many of them have been."""


@dataclass(frozen=True)
class Found:
    """The x and y of a part ("train", ...), and what they are like.

    `shape` is that of x in the file, which counts examples on its `last` axis, or else on the
    first.  `problem` says why there is no y, `likely` is what it could be, and `shared` how many of
    the rows stand in the training part too; `categories` are the names, by column, where the file
    has some.
    """

    part: str
    x: str
    y: str | None
    shape: tuple[int, ...]
    last: bool
    profile: Profile
    names: tuple[str, ...] = ()  # of the columns, where the file has them
    problem: str = ""
    likely: str = ""
    shared: int = 0
    categories: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def shape_of_one(self) -> tuple[int, ...]:
        """That of an example, before it is flattened."""
        return self.shape[:-1] if self.last else self.shape[1:]

    @property
    def categorical(self) -> Array:
        """The columns of three named categories or more."""
        found = [j for j, names in self.categories.items() if len(names) > 2]
        return np.array([j for j in found if not self.profile.columns.empty[j]], np.int64)

    @property
    def pixels(self) -> bool:
        """Whether x is images: of bytes, with axes, or in columns without names, most bright."""
        bright = self.profile.columns.statistics.high > BRIGHT
        images = bright.any() if len(self.shape) > 2 else bright.mean() > 0.5 and not self.names
        return self.profile.dtype == np.uint8 and bool(images)


@dataclass(frozen=True)
class Inspection:
    """`datasets` by name; `problem` is why no x has been looked at, where none has."""

    path: str
    size: int
    attributes: dict[str, str]
    datasets: list[tuple[Entry, Storage | None]]
    found: list[Found]
    problem: DataError | None = None

    def role(self, name: str) -> str:
        """What a dataset is used as: train x, ..., or nothing."""
        roles = [(found.x, f"{found.part} x") for found in self.found]
        roles += [(found.y or "", f"{found.part} y") for found in self.found]
        return ", ".join(role for used, role in roles if used == name)


def inspect_data(path: Path, x: str | None, y: str | None, watch: Watch) -> Inspection:
    """Look at all of a file; x and y are looked for, where they are not named.

    Raises DataError where it is no HDF5 file.
    """
    with kept_open(), open_hdf5(path) as source:
        datasets = [(entry, source.storage(entry.name)) for entry in source.entries]
        about = source.path, path.stat().st_size, _about(source), datasets
        found: list[Found] = []
        try:
            for part, x_name in _parts(source, x):
                found.append(_looked(path, source, part, x_name, y, watch))
        except DataError as error:
            return Inspection(*about, found, error)
    return Inspection(*about, _shared(found))


def _about(source: Source) -> dict[str, str]:
    """What the file says of itself: its attributes that are one text or number."""
    try:
        found = {name: decoded(value) for name, value in source.attributes().items()}
    except DataError:
        return {}
    return {k: str(v) for k, v in found.items() if isinstance(v, str | np.number | np.bool_)}


def _parts(source: Source, x: str | None) -> list[tuple[str, str]]:
    """Each part and the name of its x; of the x that is named alone, where one is."""
    if x is not None:
        return [(part_of(source, x, "train"), x)]
    own = [(part, find_x(source, part)) for part in parts_in(source)]
    if not own:
        return [("train", find_x(source, "train"))]
    with suppress(DataError):  # beside a test part that of training may have a plain name
        plain = find_x(source, "train")
        if plain not in dict(own).values():
            return [("train", plain), *own]
    return own


def _looked(path: Path, source: Source, part: str, x: str, y: str | None, watch: Watch) -> Found:
    """The profile of a part, without y where there is none or it cannot be read."""
    shape, problem, likely = source.layout(x).shape, "", ""
    last = len(shape) > 1 and only_turned(source, part, x, shape[0], shape[-1])
    table = read_table(Location(path, x), part, last=last, labelled=False)
    try:
        y = y or find_y(source, part, x, table.m)
        counted = source.layout(y).shape
        turned = shape[0] not in counted and shape[-1] in counted
        table, last = read_table(Location(path, x, y), part, last=turned), turned
    except DataError as error:
        problem, y = str(error).removeprefix(f"{source.path}: "), None
        likely = next(iter(could_be_y(source, part, x, table.m)), "")
    seen = profile(table, watch(part, table.m))
    names, dataset = table.feature_names, source.dataset(x)
    categories = {j: dataset.texts(f"categories.{name}") for j, name in enumerate(names)}
    categories = {j: words for j, words in categories.items() if words}
    return Found(part, x, y, shape, last, seen, names, problem, likely, categories=categories)


def _shared(found: list[Found]) -> list[Found]:
    """The same with how many rows of each part stand in that of training."""
    train = {(f.profile.n, f.profile.dtype): f.profile.hashes for f in found if f.part == "train"}
    told = []
    for each in found:
        own = each.profile.n, each.profile.dtype
        if own in train and each.part != "train":
            again, _ = found_in(each.profile.hashes, train[own])
            each = replace(each, shared=len(again))
        told.append(each)
    return told
