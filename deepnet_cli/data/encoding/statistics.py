"""What each column of the examples is like, from one pass over blocks of them.

    mean = 1/c sum x                                M2 = sum (x - mean)^2

of the c values that are there.  Of several parts, with their own c, mean and M2:

    mean' = sum c mean / sum c                       M2' = sum M2 + sum c (mean - mean')^2

(Chan, Golub and LeVeque, 1983, https://doi.org/10.1080/00031305.1983.10483115).  All of it is
float64, and a mean has a second number for what rounding leaves of it: a spread of 1 on a mean
of 1e8 keeps its digits, within a part and between parts.  NaN and infinities are not there:
they are counted apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.types import Array

VALUES = 2**17
"""About how many are looked at together: in float64 they stay in the cache."""

WIDTH = 1024
"""How many of them stand side by side where there are many rows: longer ones are cut, shorter
ones joined.
"""

ROUNDED = 4
"""Units in the last place that may lie between the values of one constant."""


@dataclass(frozen=True)
class Statistics:
    """Of n columns, each (n,): how many values are there; their mean, and what rounding left of it;
    M2, the smallest and the largest; how many are NaN and how many infinite.  Of no values mean
    and M2 are 0, low is inf and high -inf.
    """

    count: Array
    mean: Array
    rest: Array
    M2: Array
    low: Array
    high: Array
    nan: Array
    infinite: Array

    @classmethod
    def of(cls, block: Array) -> "Statistics":
        """Of rows (m, n) in memory, m > 0, of any type of number."""
        m, n = block.shape
        cut = [_of_columns(block[:, j]) for j in blocks(n, max(WIDTH, VALUES // m))]
        return cls(*(np.concatenate(fields) for fields in _by_field(cut)))

    def __add__(self, other: "Statistics") -> "Statistics":
        """Of both parts together."""
        return pooled([self, other])

    @property
    def deviation(self) -> Array:
        """The root of M2 / c; NaN of no values."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(self.M2 / self.count)

    @property
    def largest(self) -> Array:
        """max |x|; 0 of no values."""
        return np.maximum(0, np.maximum(self.high, -self.low))

    @property
    def constant(self) -> Array:
        """Whether there is no more than one value, but for rounding."""
        with np.errstate(over="ignore"):
            spread = self.high - self.low
        return spread <= ROUNDED * np.finfo(np.float64).eps * self.largest


def statistics_of(blocks: Iterable[Array]) -> Statistics:
    """Of the rows of all blocks (m_b, n) together, one at least."""
    return reduce(add, map(Statistics.of, blocks))


def pooled(parts: Iterable[Statistics]) -> Statistics:
    """Of several parts of the same columns together."""
    return _pooled(*(np.array(fields) for fields in _by_field(parts)))


def _pooled(
    count: Array,
    mean: Array,
    rest: Array,
    M2: Array,
    low: Array,
    high: Array,
    nan: Array,
    infinite: Array,
) -> Statistics:
    """Of parts that stand below each other, each field (k, n)."""
    c = count.sum(axis=0)
    with np.errstate(all="ignore"):
        near = (count / np.maximum(c, 1) * mean).sum(axis=0)
        apart = (mean - near) + rest
        moved = (count / np.maximum(c, 1) * apart).sum(axis=0)
        whole = near + moved
        left = (near - whole) + moved
        between = (count * (apart - moved) ** 2).sum(axis=0)
    return Statistics(
        c,
        whole,
        left,
        M2.sum(axis=0) + between,
        low.min(axis=0),
        high.max(axis=0),
        nan.sum(axis=0),
        infinite.sum(axis=0),
    )


def _by_field(parts: Iterable[Statistics]) -> Iterable[tuple[Array, ...]]:
    return zip(*(vars(part).values() for part in parts), strict=True)


def _of_columns(block: Array) -> Statistics:
    """Of rows (m, n) that are not too long.  NumPy is slow along short ones: so many are looked at
    as one long row, and what is found of it is pooled.
    """
    m, n = block.shape
    k = max(1, WIDTH // n)
    parts = []
    for i in blocks(m, k * max(1, VALUES // (k * n))):
        rows = block[i]
        long = len(rows) - len(rows) % k
        if long:
            found = _of_tile(rows[:long].astype(np.float64, order="C").reshape(-1, k * n))
            parts.append(_pooled(*(field.reshape(k, n) for field in vars(found).values())))
        if long < len(rows):
            parts.append(_of_tile(rows[long:].astype(np.float64)))
    return parts[0] if len(parts) == 1 else pooled(parts)


def _of_tile(x: Array) -> Statistics:
    """Of rows (m, n) in float64, which are overwritten."""
    m, n = x.shape
    there: Any = True
    count, nan = np.full(n, m), np.zeros(n, np.int64)
    with np.errstate(all="ignore"):
        if not np.isfinite(x.sum()):
            there = np.isfinite(x)
            count, nan = there.sum(axis=0), np.isnan(x).sum(axis=0)
        low = x.min(axis=0, where=there, initial=np.inf)
        high = x.max(axis=0, where=there, initial=-np.inf)
        c = np.maximum(count, 1)
        mean = x.sum(axis=0, where=there) / c
        x -= mean
        moved = x.sum(axis=0, where=there) / c
        x *= x
        M2 = x.sum(axis=0, where=there) - c * moved**2
        whole = mean + moved
        rest = (mean - whole) + moved
    return Statistics(count, whole, rest, M2, low, high, nan, m - count - nan)
