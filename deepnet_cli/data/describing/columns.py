"""What is known of the columns of x, from one pass over blocks of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from deepnet_cli.data.describing.tallies import Digests, Fills, Missing, Rising, Values
from deepnet_cli.data.encoding.statistics import Statistics, pooled
from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.types import Array

VALUES = 2**16
"""About how many are looked at together."""

FAR = 5.0
"""Deviations that a fill value is away from the mean of the others, at least."""

OFFSET = 10.0
"""Deviations between 0 and a mean, from which on it hides what varies."""


@dataclass(frozen=True)
class Columns:
    """Of n columns, each (n,): statistics of the finite values, and

    first_missing  the first row with NaN or infinity; -1 where there is none
    whole          whether all finite values are whole numbers
    distinct       how many different ones there are; 0 for more than MOST_VALUES
    values         these, ascending (MOST_VALUES, n), then NaN
    fill, fills    a number that seems to stand for a missing value, and how often; NaN and 0
    rising         whether each value is above the one of the row before
    digest         equal for equal columns
    """

    statistics: Statistics
    first_missing: Array
    rows_missing: int  # rows with any missing value
    whole: Array
    distinct: Array
    values: Array
    fill: Array
    fills: Array
    rising: Array
    digest: Array

    @property
    def missing(self) -> Array:
        """How many values are NaN or infinite."""
        return self.statistics.nan + self.statistics.infinite

    @property
    def empty(self) -> Array:
        """Whether there is no finite value at all."""
        none: Array = self.statistics.count == 0
        return none

    @property
    def fill_values(self) -> list[float]:
        """Those of all columns, ascending."""
        return [float(value) for value in np.unique(self.fill[self.fills > 0])]

    @property
    def fills_are_safe(self) -> bool:
        """Whether each is beyond what other columns hold: in none of them is it a number."""
        s = self.statistics
        within = [(s.low <= v) & (v <= s.high) & (self.fill != v) for v in self.fill_values]
        return not np.any(within)

    @property
    def constant(self) -> Array:
        """Whether no two values that are there differ: the column says nothing."""
        return self.statistics.constant

    @property
    def deviation(self) -> Array:
        """Of the values that are there; 0 where they are one, however rounded."""
        return np.where(self.constant, 0.0, self.statistics.deviation)

    @property
    def offset(self) -> Array:
        """Whether the mean is far from 0 beside the spread."""
        return ~self.constant & (np.abs(self.statistics.mean) > OFFSET * self.deviation)

    @property
    def ranges(self) -> Array:
        """The largest value less the smallest; NaN where that is 0."""
        with np.errstate(all="ignore"):
            return np.where(self.constant, np.nan, self.statistics.high - self.statistics.low)

    @property
    def flags(self) -> bool:
        """Whether every value is 0 or 1."""
        s = self.statistics
        return bool(s.low.min() >= 0 and s.high.max() <= 1 and self.whole.all())

    @property
    def equal(self) -> list[list[int]]:
        """Groups of columns that vary and are equal to each other."""
        groups: dict[int, list[int]] = {}
        for j in np.flatnonzero(~self.constant):
            groups.setdefault(int(self.digest[j]), []).append(int(j))
        return [group for group in groups.values() if len(group) > 1]

    @property
    def categorical(self) -> Array:
        """The columns whose few whole numbers may be names of categories: three of them or more."""
        return np.flatnonzero(self.whole & (self.distinct > 2))


class Look:
    """Takes the rows in, block by block."""

    def __init__(self, n: int, dtype: np.dtype[Any]) -> None:
        self._rows = 0
        self._statistics: list[Statistics] = []  # of all rows, once there were some
        self.missing, self.values, self.rising = Missing(n), Values(n), Rising(n)
        self.fills, self.digests = Fills(n, dtype), Digests(n)

    def add(self, block: Array) -> None:
        """Take in the next rows (m_b, n)."""
        for i in blocks(len(block), max(1, VALUES // block.shape[1])):
            x = block[i].astype(np.float64)
            finite = np.isfinite(x)
            self.missing.add(self._rows, finite)
            self.values.add(x, finite)
            for tally in (self.rising, self.fills, self.digests):
                tally.add(x)
            self._rows += len(x)
        self._statistics = [pooled([*self._statistics, Statistics.of(block)])]

    def columns(self) -> Columns:
        """What they all are like."""
        statistics = self._statistics[0]
        fill, fills = _fills(statistics, self.fills)
        return Columns(
            statistics,
            self.missing.first,
            self.missing.rows,
            self.values.whole & (statistics.count > 0),
            np.where(self.values.few, self.values.count, 0),
            np.sort(np.where(self.values.few, self.values.known, np.nan), axis=0),
            fill,
            fills,
            self.rising.rises & (self._rows > 2),
            self.digests.sums,
        )


def _fills(statistics: Statistics, tally: Fills) -> tuple[Array, Array]:
    """The fill value (n,) of each column that has one, and its count."""
    n = len(statistics.count)
    fill, fills = np.full(n, np.nan), np.zeros(n, np.int64)
    for value, count in zip(tally.values, tally.count, strict=True):
        others = statistics.count - count
        extreme = (value == statistics.low) | (value == statistics.high)
        with np.errstate(all="ignore"):
            mean = statistics.mean + (statistics.mean - value) * count / others
            M2 = statistics.M2 - (value - mean) ** 2 * others * count / statistics.count
            far = np.abs(value - mean) > FAR * np.sqrt(np.maximum(M2, 0) / others)
        found = (others > 0) & extreme & far & (count > np.maximum(fills, 1))
        fill[found], fills[found] = value, count[found]
    return fill, fills
