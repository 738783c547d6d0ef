"""What the features are made of, from rows x (m, columns) in float64 in which NaN is missing.

    X = [ numbers | categories | indicators ]        side by side, n[0] in all

numbers     of the columns that name no categories: what is missing is filled in, then all scaled
categories  of each other column a 1 where it has this value, else 0
indicators  of columns that miss a value in the training part a 1 where it is missing, else 0
"""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np

from deepnet_cli.data.encoding.scaling import Scaling
from deepnet_cli.nn.types import Array

UNKNOWN = {"refuse": np.nan, "zeros": 0.0}
"""What stands in place of ones and zeros where a value is none of the categories, nor is NaN."""


class Encoder(Protocol):
    """A part of X."""

    def encode(self, x: Array) -> Array:
        """Its features (m, k) of the rows; NaN or infinite where they do not fit."""


def no_columns() -> Array:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class Numbers(Encoder):
    """Columns that are scaled, what is missing being `fill` (n,) where there is such."""

    columns: Array | slice
    scaling: Scaling
    fill: Array | None

    def encode(self, x: Array) -> Array:
        x = x[:, self.columns]
        return self.scaling(x if self.fill is None else np.where(np.isnan(x), self.fill, x))


@dataclass(frozen=True)
class Categories(Encoder):
    """The column and the value of each category (K,), both ascending; what unknown ones become."""

    column: Array = field(default_factory=no_columns)
    value: Array = field(default_factory=lambda: np.zeros(0))
    unknown: str = "refuse"

    @cached_property
    def columns(self) -> Array:
        """Those that have categories."""
        first: Array = self.column[np.diff(self.column, prepend=-1) > 0]
        return first

    def of(self, column: int) -> Array:
        """The categories of a column."""
        values: Array = self.value[self.column == column]
        return values

    def encode(self, x: Array) -> Array:
        X = np.empty((len(x), len(self.value)))
        starts = np.searchsorted(self.column, self.columns)
        ends = pairwise([*starts, len(self.column)])
        for j, (a, b) in zip(self.columns, ends, strict=True):
            ones = x[:, j, np.newaxis] == self.value[a:b]
            X[:, a:b] = ones
            if np.count_nonzero(ones) < len(x):
                X[~ones.any(axis=1), a:b] = UNKNOWN[self.unknown]
        return X


@dataclass(frozen=True)
class Indicators(Encoder):
    """Columns of which it is told whether a value is missing."""

    columns: Array = field(default_factory=no_columns)

    def encode(self, x: Array) -> Array:
        return np.isnan(x[:, self.columns])


def marked(block: Array, missing: tuple[float, ...]) -> Array:
    """Rows (m, columns) as they stand in a file, with NaN for those values: in float64, or the
    block itself where there are none.
    """
    if not missing:
        return block
    x = block.astype(np.float64)
    for value in missing:
        x[block == value] = np.nan
    return x
