"""Examples and labels as they stand in a file: found, read, one row an example."""

import warnings
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.finding import Apart, find_x, find_y, part_of, part_to_predict
from deepnet_cli.data.hdf5 import Source, open_hdf5
from deepnet_cli.data.labels import examples_first
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

NAMES = ("list_classes", "class_names")
"""Datasets that name the classes by index; the first is the well-known course's."""


@dataclass(frozen=True)
class Location:
    """A file, and the datasets in it where they are named; weights, groups and times only where
    they are.  `others` are more that are neither x nor y.

    `hints` are the names of x and y elsewhere, for a file where no name says what it is.
    """

    file: Path
    x: str | None = None
    y: str | None = None
    hints: tuple[str | None, str | None] = (None, None)
    weights: str | None = None
    groups: str | None = None
    times: str | None = None
    others: Apart = ()

    @property
    def apart(self) -> Apart:
        """What is neither x nor y."""
        return self.weights, self.groups, self.times, *self.others


class Selection(NamedTuple):
    """Some of the rows of a file."""

    numbers: Array  # (m,), from 0
    of: int  # how many rows there are

    def take(self, chosen: Array) -> "Selection":
        """Some of these."""
        return Selection(self.numbers[chosen], self.of)


@dataclass(frozen=True)
class Table:
    """rows (m, n[0]) and y (m,) or (m, K) as the file has them, with names for messages;
    weights (m,) in float64 and the number (m,) of each one's group and moment, where examples have
    them; which rows of the file were taken, where not all were.
    """

    rows: Array
    y: Array | None
    x_at: str  # "digits.h5: 'x_train'"
    y_at: str
    class_names: tuple[str, ...] = ()
    weights: Array | None = None
    groups: Array | None = None
    times: Array | None = None
    selection: Selection | None = None

    @property
    def m(self) -> int:
        return len(self.rows)

    def output_names(self, K: int) -> tuple[str, ...]:
        """Of K numbers in y: those that the file has, or their places, from 1."""
        named = len(self.class_names) == K
        return self.class_names if named else tuple(str(k) for k in range(1, K + 1))

    def take(self, chosen: Array) -> "Table":
        """The table of some rows."""
        y = None if self.y is None else self.y[chosen]
        weights = None if self.weights is None else self.weights[chosen]
        groups = None if self.groups is None else self.groups[chosen]
        times = None if self.times is None else self.times[chosen]
        whole = self.selection or Selection(np.arange(self.m), self.m)
        return replace(
            self,
            rows=self.rows.take(chosen, axis=0),
            y=y,
            weights=weights,
            groups=groups,
            times=times,
            selection=whole.take(chosen),
        )

    def number(self, row: int) -> int:
        """That of a row of this table in the file."""
        return row if self.selection is None else int(self.selection.numbers[row])


def read_table(location: Location, part: str, *, last: bool, labelled: bool = True) -> Table:
    """Read x, and y if `labelled`, of a part ("train", "validation", "test", or "any").

    `last`: the file counts examples on the last axis of x.  Raises DataError.
    """
    with open_hdf5(location.file) as source:
        if named := location.x or location.y:
            part = part_of(source, named, default="train" if part == "any" else part)
        elif part == "any":
            part = part_to_predict(source)
        apart = location.apart
        x = location.x or find_x(source, part, location.hints[0], apart)
        rows = _rows(source, x, last=last)
        x_at, y_at, y = f"{source.path}: '{x}'", "", None
        if labelled:
            y_name = location.y or find_y(source, part, x, len(rows), location.hints[1], apart)
            y_at = f"{source.path}: '{y_name}'"
            m, n = rows.shape
            y = examples_first(source.read(y_name), m, y_at, last=last, features=n)
        weights = groups = times = None
        if labelled and location.weights:
            weights = _weights(source, location.weights, len(rows))
        if labelled and location.groups:
            groups = _groups(source, location.groups, len(rows))
        if labelled and location.times:
            times = _times(source, location.times, len(rows))
        return Table(rows, y, x_at, y_at, _class_names(source), weights, groups, times)


def x_size(location: Location, part: str) -> tuple[int, int]:
    """How many values x has and how many bytes each, before it is read."""
    with open_hdf5(location.file) as source:
        x = location.x or find_x(source, part, apart=location.apart)
        dataset = source.dataset(x)
        return prod(dataset.shape), int(dataset.dtype.itemsize)


def _rows(source: Source, name: str, *, last: bool) -> Array:
    """x as (m, n[0]): the axes that do not count examples are flattened in C order."""
    where = f"{source.path}: '{name}'"
    x = source.read(name)
    if x.dtype.kind not in "biuf":
        raise DataError(f"{where} holds text; deepnet needs numbers")
    if x.ndim < 2:
        raise DataError(
            f"{where} has shape {x.shape}; x needs at least 2 dimensions, examples and features"
        )
    if last:
        x = np.moveaxis(x, -1, 0)
    if x.size == 0:
        raise DataError(f"{where} has no {'examples' if len(x) == 0 else 'features'} {x.shape}")
    return np.ascontiguousarray(x.reshape(len(x), -1))


def _one_each(source: Source, name: str, m: int, what: str) -> tuple[str, Array]:
    """Where a dataset is, and its values (m,).  Raises DataError."""
    where, values = f"{source.path}: '{name}'", source.read(name)
    if values.size != m or max(values.shape, default=0) != m:
        raise DataError(f"{where} has shape {values.shape}; expected {what} for each of {m} rows")
    return where, values.reshape(m)


def _groups(source: Source, name: str, m: int) -> Array:
    """The number of each example's group (m,), from 0, in the order of the groups' values."""
    where, values = _one_each(source, name, m, "a group")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(f"{where}: the group at row {bad} is {values[bad]}")
    if values.dtype.kind == "O":
        values = values.astype(str)
    return np.unique(values, return_inverse=True)[1].reshape(m)


def _times(source: Source, name: str, m: int) -> Array:
    """The number of each example's moment (m,), from 0, in order of time."""
    where, values = _one_each(source, name, m, "a time")
    if values.dtype.kind not in "biuf":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # NumPy's, of time zones
                values = values.astype(str).astype(np.datetime64)
        except (ValueError, UserWarning, DeprecationWarning):
            raise DataError(
                f"{where}: expected numbers, or dates such as 2024-01-31 or 2024-01-31T12:30:00 "
                "(no time zone)"
            ) from None
    bad = np.flatnonzero(np.isnat(values) if values.dtype.kind == "M" else ~np.isfinite(values))
    if len(bad):
        raise DataError(f"{where}: the time at row {bad[0]} is {values[bad[0]]}")
    return np.unique(values, return_inverse=True)[1].reshape(m)


def _weights(source: Source, name: str, m: int) -> Array:
    """How much each example counts, (m,)."""
    where, values = _one_each(source, name, m, "a number")
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where} holds text; expected a number for each of {m} rows")
    weights = values.astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise DataError(
            f"{where}: the weight at row {bad[0]} is {weights[bad[0]]:g}; "
            "expected a finite number >= 0"
        )
    if not weights.any():
        raise DataError(f"{where}: every weight is 0; there is nothing to learn from")
    return weights


def _class_names(source: Source) -> tuple[str, ...]:
    for name in NAMES:
        if source.has(name):
            values = source.read(name)
            if values.ndim == 1:
                return tuple(str(value) for value in values)
    return ()
