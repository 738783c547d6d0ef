"""The units of numbers to predict: Y' = (Y - shift) / divisor is what the network learns.

`standardize`: the mean and the standard deviation (over m) of each output in the training part.  A
constant has divisor 1.
"""

from dataclasses import dataclass

import numpy as np

from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

SAME = 1e-6
"""By how much of a divisor another machine's sums may move units."""


@dataclass(frozen=True)
class Units:
    """shift and divisor (K,) in float64."""

    shift: Array
    divisor: Array

    def scaled(self, Y: Array) -> Array:
        """Y' (K, m)"""
        scaled: Array = (Y - self.shift[:, np.newaxis]) / self.divisor[:, np.newaxis]
        return scaled

    def restored(self, A: Array) -> Array:
        """What A (K, m), outputs or Y', stand for, in float64."""
        restored: Array = A * self.divisor[:, np.newaxis] + self.shift[:, np.newaxis]
        return restored


def same_units(a: Units | None, b: Units | None) -> bool:
    """Whether both are the same but for rounding."""
    if a is None or b is None:
        return a is b
    alike = a.shift.shape == b.shift.shape
    return alike and bool(
        (np.abs(a.shift - b.shift) <= SAME * a.divisor).all()
        and (np.abs(a.divisor - b.divisor) <= SAME * a.divisor).all()
    )


def units_of(Y: Array, where: str) -> Units:
    """The units of training numbers Y (K, m).  Raises DataError."""
    with np.errstate(over="ignore", invalid="ignore"):
        shift, divisor = Y.mean(axis=1), Y.std(axis=1)
    if not (np.isfinite(shift).all() and np.isfinite(divisor).all()):
        raise DataError(f"{where}: its values are too large to standardize")
    constant = Y.min(axis=1) == Y.max(axis=1)  # its rounded deviation need not be 0
    return Units(shift, np.where(constant | (divisor == 0), 1.0, divisor))
