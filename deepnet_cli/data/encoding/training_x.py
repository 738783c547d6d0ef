"""What is known of the columns of x in the training part, found when it is asked for.

The statistics are of all rows.  Quantiles are of one row out of each of up to ROWS equal runs of
them, drawn with a seed, so that they take no more memory than that: exact where there are no more
rows, else off by about 0.5 / sqrt(ROWS) of the values, 0.14 %.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deepnet_cli.data.encoding.statistics import Statistics, statistics_of
from deepnet_cli.data.reading.rows import Rows, in_blocks
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import bits

ROWS = 2**17
"""The most that quantiles are taken of."""

VALUES = 2**24
"""The most values that these have: of more than 128 columns there are fewer rows."""


def as_they_are(block: Array) -> Array:
    return block


@dataclass(frozen=True)
class Columns:
    """The rows (m, n), seen through a function of a block of them (m_b, n): NaN is missing."""

    rows: Rows
    seen: Callable[[Array], Array] = as_they_are

    def through(self, f: Callable[[Array], Array]) -> "Columns":
        """f of the same."""
        return Columns(self.rows, lambda block: f(self.seen(block).astype(np.float64)))

    @cached_property
    def statistics(self) -> Statistics:
        """From one pass."""
        return statistics_of(self.seen(block) for _, block in in_blocks(self.rows))

    @property
    def known(self) -> Statistics | None:
        """The statistics, where they have been asked for."""
        return self.statistics if "statistics" in vars(self) else None

    def quantile(self, q: float) -> Array:
        """(n,), interpolated between the two values next to it; NaN of no values."""
        ordered, count = self._ordered
        place = q * (count - 1)
        below = np.maximum(np.floor(place), 0).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(count - 1, 0))
        a, b = (np.take_along_axis(ordered, k[np.newaxis], axis=0)[0] for k in (below, above))
        value: Array = a + (b.astype(np.float64) - a) * (place - below)
        return value

    @cached_property
    def _ordered(self) -> tuple[Array, Array]:
        """The sample (s, n), each column in ascending order, NaN last; how many values (n,)."""
        m, n = self.rows.shape
        s = min(m, ROWS, max(1, VALUES // n))
        ends = np.arange(s + 1) * m // s
        drawn = bits(0, "quantiles").random_raw(s) % np.diff(ends).astype(np.uint64)
        chosen = ends[:-1] + drawn.astype(np.int64)
        taken = []
        for i, block in in_blocks(self.rows):
            first, last = np.searchsorted(chosen, (i.start, i.stop))
            x = self.seen(block[chosen[first:last] - i.start])
            taken.append(x.astype(np.result_type(x.dtype, np.float32)))
        sample = np.concatenate(taken)
        sample[~np.isfinite(sample)] = np.nan
        sample.sort(axis=0)
        return sample, np.isfinite(sample).sum(axis=0)

    def distinct(self, columns: Sequence[int], most: int) -> list[Array]:
        """The values of each of some columns in ascending order, without NaN.  Where there are
        more than `most`, not all.
        """
        found = [np.zeros(0) for _ in columns]
        for _, block in in_blocks(self.rows):
            x = self.seen(block)
            for k, j in enumerate(columns):
                if len(found[k]) <= most:
                    values = x[:, j].astype(np.float64)
                    found[k] = np.union1d(found[k], values[~np.isnan(values)])
        return found
