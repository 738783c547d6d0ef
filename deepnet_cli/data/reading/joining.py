"""Tables of several files as one: their rows one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from deepnet_cli.data.reading.stored import Stored
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

ALIKE: dict[str, Callable[[Table], Any]] = {
    "features": lambda table: table.rows.shape[1],
    "names of the features": lambda table: table.feature_names,
    "names of the categories": lambda table: table.categories,
    "axes of an example": lambda table: table.example,
    "names of the classes": lambda table: (table.class_names, table.class_values),
    "labels that are text, or not": lambda table: table.y is not None and _is_text(table.y),
    "columns in y": lambda table: None if table.y is None else table.y.shape[1:],
}
"""What rows that belong together have in common."""


def joined(tables: Sequence[Table]) -> Table:
    """The table of all rows, which stay in their files.

    Raises DataError where two tables are not of the same kind.
    """
    first, *others = tables
    if not others:
        return first
    for table in others:
        for what, of in ALIKE.items():
            if of(table) != of(first):
                raise DataError(f"{table.x_at}: other {what} than in {first.x_at}")
    pieces = [p for table in tables if isinstance(table.rows, Stored) for p in table.rows.pieces]
    return replace(
        first,
        rows=Stored(tuple(pieces)),
        y=_one(table.y for table in tables),
        x_at=_at([table.x_at for table in tables]),
        y_at=_at([table.y_at for table in tables]),
        weights=_one(table.weights for table in tables),
        groups=_one(table.groups for table in tables),
        times=_one(table.times for table in tables),
        told=f"{_at([table.told for table in tables])}: {sum(t.m for t in tables)} rows",
    )


def _one(arrays: Any) -> Array | None:
    found = list(arrays)
    return None if any(array is None for array in found) else np.concatenate(found)


def _at(places: list[str]) -> str:
    """How messages call all of them; rows are numbered through."""
    more = f"{len(places) - 1} more file{'s' * (len(places) > 2)}"
    return places[0] and f"{places[0]} and {more}"


def _is_text(y: Array) -> bool:
    return y.dtype.kind in "OSUT"
