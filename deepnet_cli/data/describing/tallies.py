"""What is counted of all columns of x at once, block by block; the blocks change no answer.

Each takes in x (m_b, n) in float64, perhaps with which entries of it are finite.
"""

from typing import Any

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import bits

MOST_VALUES = 32
"""Different values that are kept of a column."""

FILLS = (-99999, -9999, -999, -99, 999, 9999, 99999, -1e20, 1e20, 9.969209968386869e36)
"""Numbers that often stand in for missing ones; the last is NetCDF's."""

LEAST_FILL = 99

MIX = np.uint64(0x9E3779B97F4A7C15)
"""Odd; 2^64 over the golden ratio."""


class Missing:
    """Where values are NaN or infinite."""

    def __init__(self, n: int) -> None:
        self.first = np.full(n, -1)  # row
        self.rows = 0  # with any such value

    def add(self, start: int, finite: Array) -> None:
        """Take in a block that begins with the row `start`."""
        columns = np.flatnonzero(~finite.all(axis=0))
        if len(columns):
            bad = ~finite[:, columns]
            self.rows += int(bad.any(axis=1).sum())
            new = self.first[columns] < 0
            self.first[columns[new]] = start + bad[:, new].argmax(axis=0)


class Values:
    """Whether all values are whole, and which different ones there are while they are few."""

    def __init__(self, n: int) -> None:
        self.whole = np.ones(n, bool)
        self.few = np.ones(n, bool)
        self.count = np.zeros(n, np.int64)  # of the different ones
        self.known = np.full((MOST_VALUES, n), np.nan)  # in any order

    def add(self, x: Array, finite: Array) -> None:
        """Take in a block."""
        columns = np.flatnonzero(self.whole)
        part = _of(x, columns)
        self.whole[columns] = ((part == np.floor(part)) | ~_of(finite, columns)).all(axis=0)

        columns = np.flatnonzero(self.few)
        part, new = _of(x, columns), _of(finite, columns).copy()
        for known in self.known[: self.count[columns].max(initial=0), columns]:
            new &= part != known
        for k in np.flatnonzero(new.any(axis=0)):
            self._add_values(columns[k], np.unique(part[new[:, k], k]))

    def _add_values(self, column: int, values: Array) -> None:
        count = self.count[column]
        if count + len(values) > MOST_VALUES:
            self.few[column] = False
            return
        self.known[count : count + len(values), column] = values
        self.count[column] += len(values)


class Fills:
    """How often each of FILLS stands in a column."""

    def __init__(self, n: int, dtype: np.dtype[Any]) -> None:
        self.values = np.array(sorted(_held(dtype)))
        self.count = np.zeros((len(self.values), n), np.int64)

    def add(self, x: Array) -> None:
        """Take in a block."""
        if not len(self.values):
            return
        columns = np.flatnonzero((np.abs(x) >= LEAST_FILL).any(axis=0))
        if len(columns):
            part = _of(x, columns)
            for count, fill in zip(self.count, self.values, strict=True):
                count[columns] += (part == fill).sum(axis=0)


class Rising:
    """Whether every value is above the one before."""

    def __init__(self, n: int) -> None:
        self.rises = np.ones(n, bool)
        self.last = np.full(n, -np.inf)

    def add(self, x: Array) -> None:
        """Take in a block."""
        columns = np.flatnonzero(self.rises)
        if len(columns):
            part = _of(x, columns)
            above = (part[1:] > part[:-1]).all(axis=0) & (part[0] > self.last[columns])
            self.rises[columns] = above
            self.last = x[-1].copy()


class Digests:
    """By which equal columns are known: sum over i of r[i] mix(bits of x[i]) mod 2^64.

    r[i] is odd and random, mix is a bijection.  Integers add up to the same in any order; two
    columns that differ have the same sum with a probability of about 2^-60.
    """

    def __init__(self, n: int) -> None:
        self.sums = np.zeros(n, np.uint64)
        self._random = bits(0, "column digests")

    def add(self, x: Array) -> None:
        """Take in a block."""
        r = self._random.random_raw(len(x)) | np.uint64(1)
        self.sums += np.einsum("i,ij->j", r, _mixed(x))


def _held(dtype: np.dtype[Any]) -> set[float]:
    """FILLS as they stand in an array of a type, which may have been one of float32."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            held = {float(np.array(fill).astype(of)) for fill in FILLS for of in (dtype, "f4")}
        return {fill for fill in held if abs(fill) <= float(np.finfo(dtype).max)}
    if dtype.kind == "b":
        return set()
    return {fill for fill in FILLS if np.iinfo(dtype).min <= fill <= np.iinfo(dtype).max}


def digest(column: Array) -> int:
    """That of one column (m,) of numbers, to be held against those of others."""
    tally = Digests(1)
    tally.add(column.astype(np.float64).reshape(-1, 1))
    return int(tally.sums[0])


def _mixed(x: Array) -> Array:
    """The bits of each value, mixed up: of small numbers those that differ are all on top."""
    h = (x + 0.0).view(np.uint64)  # of -0.0 as of 0.0
    h ^= h >> np.uint64(32)
    h *= MIX
    h ^= h >> np.uint64(32)
    return h


def _of(x: Array, columns: Array) -> Array:
    """Some columns of x, which are itself where they are all."""
    return x if len(columns) == x.shape[1] else x[:, columns]
