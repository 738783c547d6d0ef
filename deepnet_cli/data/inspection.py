"""What a data file holds: every dataset and how it lies there, and a profile of each part."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepnet_cli.data.finding import find_x, find_y, part_of, parts_in
from deepnet_cli.data.hdf5 import Entry, Source, open_hdf5
from deepnet_cli.data.profile import Profile, profile
from deepnet_cli.data.storage import Storage, attributes_of, storage_of, texts_of
from deepnet_cli.data.tables import Location, read_table
from deepnet_cli.errors import DataError

Watch = Callable[[str, int], Callable[[int], object]]
"""Told of a part and its number of rows, gives what is told how many of them have been."""


@dataclass(frozen=True)
class Found:
    """The x and y of a part ("train", ...), and what they are like.

    `shape` is that of x in the file; `problem` says why there is no y, and `shared` how many of
    the rows stand in the training part too.
    """

    part: str
    x: str
    y: str | None
    shape: tuple[int, ...]
    profile: Profile
    names: tuple[str, ...] = ()  # of the columns, where the file has them
    problem: str = ""
    shared: int = 0


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
    with open_hdf5(path) as source:
        datasets = [(entry, storage_of(source, entry)) for entry in source.entries]
        about = source.path, path.stat().st_size, attributes_of(source), datasets
        found: list[Found] = []
        try:
            for part, x_name in _parts(source, x):
                y_name, problem = _y_of(source, part, x_name, y)
                found.append(_looked(path, source, part, x_name, y_name, problem, watch))
        except DataError as error:
            return Inspection(*about, found, error)
    return Inspection(*about, _shared(found))


def _parts(source: Source, x: str | None) -> list[tuple[str, str]]:
    """Each part and the name of its x; of the x that is named alone, where one is."""
    if x is not None:
        return [(part_of(source, x, "train"), x)]
    return [(part, find_x(source, part)) for part in parts_in(source) or ["train"]]


def _y_of(source: Source, part: str, x: str, y: str | None) -> tuple[str | None, str]:
    """The name of y, or why there is none."""
    if y is not None:
        return y, ""
    try:
        return find_y(source, part, x, source.dataset(x).shape[0]), ""
    except DataError:
        return None, "not clear which dataset it is, if there is one; name it: --y NAME"


def _looked(
    path: Path, source: Source, part: str, x: str, y: str | None, problem: str, watch: Watch
) -> Found:
    """The profile of a part, without y where that cannot be read."""
    table = None
    if y is not None:
        try:
            table = read_table(Location(path, x, y), part, last=False)
        except DataError as error:
            y, problem = None, str(error)
    if table is None:
        table = read_table(Location(path, x), part, last=False, labelled=False)
    seen = profile(table, watch(part, table.m))
    names = texts_of(source.dataset(x), "feature_names")
    named = names if len(names) == seen.n else ()
    return Found(part, x, y, source.dataset(x).shape, seen, named, problem)


def _shared(found: list[Found]) -> list[Found]:
    """The same with how many rows of each part stand in that of training."""
    train = {(f.profile.n, f.profile.dtype): f.profile.hashes for f in found if f.part == "train"}
    told = []
    for each in found:
        own = each.profile.n, each.profile.dtype
        shared = own in train and each.part != "train"
        rows = np.isin(each.profile.hashes, train[own]).sum() if shared else 0
        told.append(replace(each, shared=int(rows)))
    return told
