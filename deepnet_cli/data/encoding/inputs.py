"""How x becomes the input of the network: fitted on the training part, kept with the model.

A function of a block of rows, so that it is the same for one row and for a file that does not fit
in memory.  Whatever cannot be encoded is not finite in X, and refused with its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise

import numpy as np

from deepnet_cli.data.encoding.features import Categories, Encoder, Indicators, Numbers, marked
from deepnet_cli.data.encoding.imputation import Imputation
from deepnet_cli.data.encoding.scaling import SAME, Rule, Scaling, Unscaled
from deepnet_cli.data.encoding.statistics import Statistics
from deepnet_cli.data.encoding.training_x import Columns
from deepnet_cli.data.encoding.unfit import unfit, unlike
from deepnet_cli.data.reading.rows import in_blocks
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DataError
from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.types import Array

VALUES = 2**14
"""About how many are encoded at a time: in float64 they stay in the cache."""

MOST = 1000
"""Categories that a column may have."""


@dataclass(frozen=True)
class Inputs:
    """The scaling of the numbers, and what the missing ones become (`fill`), if they are taken;
    the values that mean missing; the rest of the features; the names of the columns, if any, and
    those of the values 0, 1, ... of a column (`words`); and the shape of an example in the file.
    """

    scaling: Scaling
    fill: Array | None = None
    missing: tuple[float, ...] = ()
    categories: Categories = field(default_factory=Categories)
    indicators: Indicators = field(default_factory=Indicators)
    names: tuple[str, ...] = ()
    words: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    example: tuple[int, ...] = ()

    @property
    def columns(self) -> int:
        """How many x has."""
        return len(self.scaling.shift) + len(self.categories.columns)

    @property
    def features(self) -> int:
        """n[0]"""
        return len(self.sources)

    @property
    def told(self) -> str:
        """What X has, in a line; nothing where that is what x has."""
        K, k = len(self.categories.value), len(self.indicators.columns)
        parts = [f"{len(self.scaling.shift)} numbers"]
        parts += ["what is missing filled in"] if self.fill is not None else []
        parts += [f"{K} categories"] if K else []
        parts += [f"{k} indicators"] if k else []
        return f"X: {', '.join(parts)}" if len(parts) > 1 else ""

    @cached_property
    def sources(self) -> Array:
        """The column of x (n[0],) that each feature is made of."""
        numbers = np.delete(np.arange(self.columns), self.categories.columns)
        return np.concatenate([numbers, self.categories.column, self.indicators.columns])

    @cached_property
    def _parts(self) -> list[tuple[slice, Encoder]]:
        """Where each part of X stands, and what makes it; none that is empty."""
        n, K = len(self.scaling.shift), len(self.categories.value)
        numbers = Numbers(self.sources[:n] if K else slice(None), self.scaling, self.fill)
        encoders: list[Encoder] = [numbers, self.categories, self.indicators]
        ends = pairwise([0, n, n + K, self.features])
        return [(slice(a, b), part) for (a, b), part in zip(ends, encoders, strict=True) if a < b]

    @cached_property
    def _changes_nothing(self) -> bool:
        plain = self.fill is None and not self.missing and len(self._parts) == 1
        return plain and not len(self.categories.value) and self.scaling.changes_nothing

    def same(self, other: "Inputs") -> bool:
        """Whether both make the same features of x but for rounding."""
        if not self.scaling.same(other.scaling) or (self.fill is None) != (other.fill is None):
            return False
        exact = [
            (mine.sources, mine.categories.value, sorted(mine.missing)) for mine in (self, other)
        ]
        filled = [np.zeros(0) if mine.fill is None else mine.fill for mine in (self, other)]
        moved = np.abs(filled[0] - filled[1]) > SAME * self.scaling.divisor[: len(filled[0])]
        return all(map(np.array_equal, *exact)) and not moved.any()

    def apply(self, rows: Array, dtype: np.dtype[np.generic], out: Array | None = None) -> Array:
        """X for rows (m, columns), as rows (m, n[0]) in the network's precision: in `out`, or in a
        new array unless nothing is to be done.
        """
        if self._changes_nothing and (out is None or out is rows):
            return np.ascontiguousarray(rows, dtype)
        X = np.empty((len(rows), self.features), dtype) if out is None else out
        if self._changes_nothing:
            X[...] = rows
            return X
        widest = max(1, *X.shape[1:], *rows.shape[1:])
        for i in blocks(len(rows), max(1, VALUES // widest)):
            x = marked(rows[i], self.missing).astype(np.float64)
            for j, part in self._parts:
                X[i, j] = part.encode(x)
        return X

    def rows(
        self,
        table: Table,
        dtype: np.dtype[np.generic],
        i: slice = slice(None),
        out: Array | None = None,
    ) -> Array:
        """X as rows (m, n[0]), all of it finite, in `out` or an array of its own; of all rows of a
        table or of those in `i`.  Raises DataError.
        """
        self.check_columns(table)
        x = table.at(i, out if self._changes_nothing else None)
        return self.finite(x, table, dtype, i.start or 0, out)

    def check_columns(self, table: Table) -> None:
        """Raise DataError where a table has other columns than these inputs are made of."""
        if table.rows.shape[1] != self.columns:
            raise DataError(
                f"{table.x_at} has {table.rows.shape[1]} features an example "
                f"but the network takes {self.columns}"
            )
        if problem := unlike(self, table):
            raise DataError(f"{table.x_at}: {problem}")

    def finite(
        self,
        rows: Array,
        table: Table,
        dtype: np.dtype[np.generic],
        first: int = 0,
        out: Array | None = None,
    ) -> Array:
        """`apply` to rows that stand in a table from row `first` on.  Raises DataError."""
        with np.errstate(all="ignore"):
            X = self.apply(rows, dtype, out)
            finite = np.isfinite(X.sum())
        if not finite and not np.isfinite(X).all():
            row, k = (int(at) for at in np.argwhere(~np.isfinite(X))[0])
            raise DataError(unfit(self, table, first + row, int(self.sources[k]), dtype))
        return X


@dataclass(frozen=True)
class Recipe:
    """What a config asks to be done to x; without `impute` nothing may be missing.

    `one_hot` columns name categories; `unknown` says what becomes of one that has none.
    """

    scale: Rule = field(default_factory=Unscaled)
    impute: Imputation | None = None
    missing: tuple[float, ...] = ()
    one_hot: tuple[int, ...] = ()
    unknown: str = "refuse"

    def fit(self, table: Table) -> tuple[Inputs, list[str]]:
        """The inputs of the training part, and what in it is likely a mistake.

        Raises DataError.
        """
        x = Columns(table.rows, partial(marked, missing=self.missing))
        categories = self._categories(x, table)
        numbers = np.delete(np.arange(table.rows.shape[1]), categories.columns)
        with np.errstate(all="ignore"):
            scaling = self.scale.fit(x).of(numbers)
        if not (np.isfinite(scaling.shift).all() and np.isfinite(scaling.divisor).all()):
            raise DataError(f"{table.x_at}: its values are too large to scale by {scaling.name}")
        fill, indicators = None, Indicators()
        if self.impute is not None:
            fill = self.impute.fill(x)[numbers]
            if len(none := np.flatnonzero(np.isnan(fill))):
                column = table.column(int(numbers[none[0]]))
                raise DataError(
                    f"{table.x_at}: {column} has no value in the training part; "
                    "leave it out, or set data.impute: {constant: 0}"
                )
            if self.impute.indicators:
                indicators = Indicators(np.flatnonzero(x.statistics.nan))
        inputs = Inputs(
            scaling,
            fill,
            self.missing,
            categories,
            indicators,
            table.feature_names,
            table.categories,
            table.example,
        )
        known = x.known if self.impute is None else x.statistics
        return inputs, [] if known is None else self._doubts(inputs, known, table)

    def _doubts(self, inputs: Inputs, known: Statistics, table: Table) -> list[str]:
        """What is likely a mistake.  Raises DataError where it is known that a value is refused."""
        if known.infinite.any() or (self.impute is None and known.nan.any()):
            for i, _ in in_blocks(table.rows):
                inputs.rows(table, np.dtype(np.float64), i)
        constant = int(known.constant.sum())
        told = f"{table.x_at}: {constant} features are constant; they teach nothing"
        return [told] if constant else []

    def _categories(self, x: Columns, table: Table) -> Categories:
        """Raises DataError where a column is none of categories."""
        columns = sorted(self.one_hot)
        found = x.distinct(columns, MOST) if columns else []
        for j, values in zip(columns, found, strict=True):
            if len(values) > MOST:
                problem = f"has more than {MOST} values"
            elif len(odd := values[~np.isfinite(values) | (values != np.floor(values))]):
                problem = f"holds {odd[0]:g}"
            elif not len(values):
                problem = "has no value in the training part"
            else:
                continue
            raise DataError(
                f"{table.x_at}: {table.column(j)} {problem}; "
                f"data.one_hot is for whole numbers that name at most {MOST} categories"
            )
        sizes = [len(values) for values in found]
        column = np.repeat(np.array(columns, np.int64), sizes)
        return Categories(column, np.concatenate([np.zeros(0), *found]), self.unknown)
