"""Tables of several files as one: their rows one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from deepnet_cli.data.reading.stored import Stored
from deepnet_cli.data.reading.tables import Origin, Table
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

COUNTED: tuple[tuple[str, Callable[[Table], str]], ...] = (
    ("x_at", lambda table: _counted(table.rows.shape[1], "feature")),
    ("y_at", lambda table: f"holds {_kind(table.y)}"),
    ("y_at", lambda table: _counted(0 if table.y is None else prod(table.y.shape[1:]), "column")),
    ("x_at", lambda table: f"has groups that are {_kind(table.groups)}"),
    ("x_at", lambda table: f"has times that are {_kind(table.times)}"),
    ("x_at", lambda table: f"has examples of shape {table.example}"),
)
NAMED: tuple[tuple[str, str, Callable[[Table], Any]], ...] = (
    ("x_at", "features", lambda table: table.feature_names),
    ("x_at", "categories", lambda table: table.categories),
    ("y_at", "classes", lambda table: (table.class_names, table.class_values)),
)
"""What rows that belong together have in common, and whose matter it is, x's or y's."""


def joined(tables: Sequence[Table]) -> Table:
    """The table of all rows, which stay in their files.

    Raises DataError where two tables are not of the same kind.
    """
    first, *others = tables
    if not others:
        return first
    for table in others:
        for at, told in COUNTED:
            if (here := told(table)) != (there := told(first)):
                raise DataError(f"{getattr(table, at)} {here} but {getattr(first, at)} {there}")
        for at, what, of in NAMED:
            if of(table) != of(first):
                other = f"has other names of its {what} than"
                raise DataError(f"{getattr(table, at)} {other} {getattr(first, at)}")
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
        origins=tuple(Origin(table.x_at, table.y_at, table.m) for table in tables),
        told=f"{_at([table.told for table in tables])}: {sum(t.m for t in tables)} rows",
    )


def _one(arrays: Any) -> Array | None:
    found = list(arrays)
    return None if any(array is None for array in found) else np.concatenate(found)


def _at(places: list[str]) -> str:
    """How messages call all of them."""
    more = f"{len(places) - 1} more file{'s' * (len(places) > 2)}"
    return places[0] and f"{places[0]} and {more}"


def _counted(n: int, what: str) -> str:
    return f"has {n} {what}{'s' * (n != 1)}"


def _kind(values: Array | None) -> str:
    if values is None:
        return "none"
    return {"M": "dates"}.get(
        values.dtype.kind, "numbers" if values.dtype.kind in "biuf" else "text"
    )
