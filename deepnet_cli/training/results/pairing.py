"""Two models brought to the same rows: those that are the same in x and y, wherever they stand."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepnet_cli.data.describing.duplicates import Hashes, row_hashes
from deepnet_cli.data.reading.tables import Location
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept.model import Model
from deepnet_cli.training.results.outcomes import Outcomes, outcomes, outcomes_of


@dataclass(frozen=True)
class Side:
    """A model, and what it says of some rows."""

    path: Path
    model: Model
    outcomes: Outcomes

    @classmethod
    def of(cls, path: Path, model: Model, part: str | None, data: Path | None) -> "Side":
        """A model of a path, on a part of its run or on the examples in a file.  Raises
        DataError.
        """
        if data is None:
            return cls(path, model, outcomes(path, part))
        table = model.table(Location(data), labelled=True)
        return cls(path, model, outcomes_of(model, table))

    def take(self, rows: Array) -> "Side":
        """The same of some of the rows."""
        told = self.outcomes
        A, Y, costs = told.A[:, rows], told.Y[:, rows], told.costs[rows]
        return replace(
            self, outcomes=replace(told, table=told.table.take(rows), A=A, Y=Y, costs=costs)
        )


def in_common(a: Side, b: Side) -> tuple[list[Array], list[str]]:
    """The places in A and in B, in A's order, of rows that are the same in x and y; and what is to
    be said of it.
    """
    one, other = a.outcomes.table, b.outcomes.table
    if one.rows.shape[1] != other.rows.shape[1]:
        return _by_number(a, b)
    dtype = np.result_type(one.rows.dtype, other.rows.dtype)
    keys = [_keys(side, row_hashes(side.outcomes.table.rows, dtype)) for side in (a, b)]
    _, first, second = np.intersect1d(keys[0], keys[1], assume_unique=True, return_indices=True)
    if not len(first):
        raise DataError(
            f"{a.path} was measured on {one.x_at}, {b.path} on {other.x_at}: they have no row in "
            "common; name a file to measure both on: --data FILE.h5"
        )
    by_place = np.argsort(first)
    notes = []
    if len(first) < max(one.m, other.m):
        notes.append(
            f"A was measured on {one.m:,} rows, B on {other.m:,}: compared are the "
            f"{len(first):,} that are the same"
        )
    return [first[by_place], second[by_place]], notes


def _by_number(a: Side, b: Side) -> tuple[list[Array], list[str]]:
    """All rows, where those of a number have the same y, though their features are others."""
    told, other = a.outcomes, b.outcomes
    if not (np.array_equal(told.rows, other.rows) and np.array_equal(_truth(a), _truth(b))):
        raise DataError(
            f"{told.table.x_at} and {other.table.x_at} have other features, and not the same y in "
            "the same rows: nothing says which of them belong together"
        )
    note = "they have other features: rows of the same number are taken for the same, as is their y"
    return [np.arange(told.m)] * 2, [note]


def _keys(side: Side, hashes: Hashes) -> Hashes:
    """A number of each row by its x, its y, and how many like it came before."""
    keys = hashes * np.uint64(3) + row_hashes(_truth(side))
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    before = np.arange(len(keys)) - np.searchsorted(ordered, ordered)
    keys[order] += before.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return keys


def _truth(side: Side) -> Array:
    """y of each row (m, K), as the file has it where it holds numbers."""
    told = side.outcomes
    if told.form in ("classes", "labels"):
        return told.Y.T.astype(np.float64)
    return np.asarray(told.table.y, np.float64).reshape(told.m, -1)
