"""From figures to places between 0 and 1, and the round figures that are marked there."""

from dataclasses import dataclass
from itertools import product
from math import ceil, floor, log10

import numpy as np

from deepnet_cli.nn.types import Array

TINY, HUGE = 5e-324, 1.7976931348623157e308
"""The ends of what there is above 0."""

ROUND = (1, 2, 5, 10)
MARKS, MOST = 5, 8
"""About how many figures are marked; and of a logarithmic scale at most."""

BASE = 0.4
"""Of the largest value: an axis begins at 0 where the smallest is not above that."""


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, both finite, low < high; of a logarithmic one 0 < low."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, values: Array, *, log: bool = False) -> "Scale":
        """One that has all finite values (of a logarithmic one, above 0) with a little room."""
        values = values[np.isfinite(values) & ((values > 0) | (not log))]
        if not values.size:
            return cls(1.0, 10.0, log) if log else cls(0.0, 1.0)
        low, high = float(values.min()), float(values.max())
        if log:
            return cls(low / 1.1, min(high * 1.1 + TINY, HUGE), log)
        if 0 <= low <= BASE * high:
            low = 0.0
        room = 0.04 * (high / 2 - low / 2) or 0.01 * abs(high) or 1.0
        return cls(low and max(low - room, -HUGE), min(high + room, HUGE))

    @classmethod
    def exactly(cls, values: Array) -> "Scale":
        """One from the smallest to the largest of finite values."""
        low, high = float(values.min()), float(values.max())
        return cls(low, high if high > low else low + 1)

    def place(self, values: Array) -> Array:
        """Where values (k,) stand: 0 is low, 1 is high.  NaN has no place, on a logarithmic scale
        what is not above 0 neither.
        """
        with np.errstate(all="ignore"):
            if self.log:
                low, high = log10(self.low), log10(self.high)
                where = np.log10(np.where(values > 0, values, np.nan))
                return (where - low) / (high - low)
            size = max(abs(self.low), abs(self.high))  # high - low may be too large a number
            low, high = self.low / size, self.high / size
            return (values / size - low) / (high - low)

    def marks(self) -> list[float]:
        """Round figures on it, from low to high."""
        found = self._decades() if self.log else []
        return found if len(found) > 1 else self._steps()

    def _steps(self) -> list[float]:
        """Multiples of 1, 2 or 5 times a power of ten."""
        rough = self.high / MARKS - self.low / MARKS
        power = 10.0 ** floor(log10(rough))
        step = next(k * power for k in ROUND if k * power >= rough * (1 - 1e-9))
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [float(f"{k * step:.10g}") for k in range(first, last + 1)]

    def _decades(self) -> list[float]:
        """Powers of ten, every so many; with twice and five times them, where there are few."""
        first, last = floor(log10(self.low)), ceil(log10(self.high))
        each = ceil((last - first) / MARKS)
        for parts in ((1, 2, 5), (1,)):
            powers = range(first, last + 1, each)
            found = [float(f"{k}e{p}") for p, k in product(powers, parts)]
            found = [value for value in found if self.low <= value <= self.high]
            if len(found) <= MOST and each == 1:
                return found
        return found
