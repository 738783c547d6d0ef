"""Examples and labels as they stand in a file: found, read, one row an example."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.files.hdf5 import Source, kept_open, open_hdf5
from deepnet_cli.data.files.layout import Layout
from deepnet_cli.data.reading.finding import Apart, find_x, find_y, part_of, part_to_predict
from deepnet_cli.data.reading.labels import RowError, examples_first
from deepnet_cli.data.reading.naming import category_names, class_names, feature_names, target_names
from deepnet_cli.data.reading.per_example import groups, times, weights
from deepnet_cli.data.reading.stored import Piece, Stored
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array


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
    classes: str | None = None
    times: str | None = None
    others: Apart = ()

    @property
    def apart(self) -> Apart:
        """What is neither x nor y."""
        return self.weights, self.groups, self.classes, self.times, *self.others


class Origin(NamedTuple):
    """One of several files that are read as one."""

    x_at: str
    y_at: str
    m: int  # rows in it


class Selection(NamedTuple):
    """Some of the rows of a file."""

    numbers: Array  # (m,), from 0
    of: int  # how many rows there are

    def take(self, chosen: Array) -> "Selection":
        """Some of these."""
        return Selection(self.numbers[chosen], self.of)


@dataclass(frozen=True)
class Table:
    """rows (m, n[0]), in memory or in the file, and y (m,) or (m, K) as the file has them, with
    names for messages; weights (m,) in float64 and each one's group and time (m,), where examples
    have them; which rows of the file were taken, where not all were; its files, where they are
    several, whose rows are numbered through.

    class_names are those of class_values, or of 0, 1, ...  What has no names in the file has
    none here; `categories` are the names of the values 0, 1, ... of a column.  `example` is the
    shape of one as it stands in the file.  `told` is what was read, in a line.
    """

    rows: Array | Stored
    y: Array | None
    x_at: str  # "digits.h5: 'x_train'"
    y_at: str
    class_names: tuple[str, ...] = ()
    weights: Array | None = None
    groups: Array | None = None
    class_values: tuple[int, ...] = ()
    feature_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    told: str = ""
    times: Array | None = None
    selection: Selection | None = None
    origins: tuple[Origin, ...] = ()
    categories: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    example: tuple[int, ...] = ()

    @property
    def m(self) -> int:
        return len(self.rows)

    @property
    def held(self) -> bool:
        """Whether the rows are in memory."""
        return isinstance(self.rows, np.ndarray)

    @property
    def nbytes(self) -> int:
        """That the rows take in memory, as the file has them."""
        m, n = self.rows.shape
        return int(m * n * self.rows.dtype.itemsize)

    def at(self, i: slice, out: Array | None = None) -> Array:
        """The rows of a slice; in `out`, if it is given, where they can be read into it."""
        return self.rows[i] if isinstance(self.rows, np.ndarray) else self.rows.read(i, out)

    def loaded(self) -> "Table":
        """The table with its rows in memory.  Raises DataError and MachineError."""
        return replace(self, rows=self.rows[:])

    @property
    def label_names(self) -> dict[int, str]:
        """How the file calls the labels in y."""
        return dict(zip(self.class_values or count(), self.class_names, strict=False))

    def output_names(self, K: int) -> tuple[str, ...]:
        """Of K numbers in y: those that the file has, or their places, from 1."""
        for names in (self.target_names, self.class_names):
            if len(names) == K:
                return names
        return tuple(str(k) for k in range(1, K + 1))

    def column(self, j: int) -> str:
        """How a message calls a column of x."""
        named = f" ('{self.feature_names[j]}')" if self.feature_names else ""
        return f"column {j}{named}"

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

    def origin(self, row: int) -> tuple[Origin, int]:
        """The file that a row of this table is from, and its number there."""
        number = self.number(row)
        for origin in self.origins:
            if number < origin.m:
                return origin, number
            number -= origin.m
        return Origin(self.x_at, self.y_at, self.m), number

    @contextmanager
    def rows_of_y(self, first: int = 0) -> Iterator[None]:
        """What is found wrong in y from row `first` on is told of its place in its file."""
        try:
            yield
        except RowError as error:
            origin, number = self.origin(first + error.row)
            raise DataError(error.told(origin.y_at, number)) from None


def read_table(location: Location, part: str, *, last: bool, labelled: bool = True) -> Table:
    """Open x, and read y if `labelled`, of a part ("train", "validation", "test", or "any").

    The rows stay in the file.  `last`: it counts examples on the last axis of x.
    Raises DataError.
    """
    with kept_open(), open_hdf5(location.file) as source:
        if named := location.x or location.y:
            part = part_of(source, named, default="train" if part == "any" else part)
        elif part == "any":
            part = part_to_predict(source)
        apart = location.apart
        x = location.x or find_x(source, part, location.hints[0], apart)
        rows, layout = _rows(location.file, x, last=last), source.layout(x)
        example = layout.shape[:-1] if last else layout.shape[1:]
        table = Table(rows, None, f"{source.path}: '{x}'", "", example=example)
        table = _named(table, source, x, layout)
        if not labelled:
            return table
        y = location.y or find_y(source, part, x, table.m, location.hints[1], apart)
        other = layout.shape[0 if last else -1]
        return _labelled(table, source, location, y, last=last, other=other)


def _named(table: Table, source: Source, x: str, layout: Layout) -> Table:
    """With the names of its columns, and how x was understood."""
    m, n = table.rows.shape
    told = source.path if source.locked else f"{source.path} (on a file system without locks)"
    told += f": x '{x}' {layout}"
    told += f" as {(m, n)}" if layout.shape != (m, n) else ""
    told += " (from MATLAB: transposed)" if layout.turned else ""
    names = feature_names(source, x)
    if len(names) in (0, n):
        categories = category_names(source, x, names)
        return replace(table, feature_names=names, categories=categories, told=told)
    return replace(table, told=f"{told}, {len(names)} names for {n} features not used")


def _labelled(
    table: Table, source: Source, location: Location, y: str, *, last: bool, other: int
) -> Table:
    """With y, its names, and what belongs to each example; x has `other` on its other axis."""
    m, y_at, classes = table.m, f"{source.path}: '{y}'", class_names(source, y, location.classes)
    told = f"{table.told}, y '{y}' {source.layout(y)}"
    return replace(
        table,
        y=examples_first(source.meant(y), m, y_at, last=last, features=other),
        y_at=y_at,
        class_names=classes.names,
        class_values=classes.values,
        target_names=target_names(source, y),
        weights=weights(source, location.weights, m) if location.weights else None,
        groups=groups(source, location.groups, m) if location.groups else None,
        times=times(source, location.times, m) if location.times else None,
        told=told + (f", classes named in {classes.at}" if classes.at else ""),
    )


def _rows(file: Path, name: str, *, last: bool) -> Stored:
    """x as (m, n[0]).  Raises DataError where it cannot be such."""
    piece = Piece(file, name, last)
    shape, where = piece.layout.shape, piece.where
    if piece.layout.dtype.kind not in "biuf":
        raise DataError(f"{where} holds text; deepnet needs numbers")
    if len(shape) < 2:
        raise DataError(
            f"{where} has shape {shape}; x needs at least 2 dimensions, examples and features"
        )
    m, n = piece.shape
    if not m or not n:
        raise DataError(f"{where} has no {'features' if m else 'examples'} {shape}")
    return Stored((piece,))
