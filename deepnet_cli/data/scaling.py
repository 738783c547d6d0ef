"""Scaling of the features, fitted on the training part alone: x' = (x - shift) / divisor.

    standardize   shift = mean, divisor = standard deviation (over m) of each feature
    minmax        shift = smallest, divisor = largest - smallest
    NUMBER        shift = 0, divisor = NUMBER
    auto          255 for uint8, else none
    initial       that of the model whose parameters training starts from

A constant feature has divisor 1.  The arithmetic is float64, whatever the network's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.types import Array

ROWS = 2**14
"""About how many values are scaled at a time: in float64 they stay in the cache."""

SAME = 1e-6
"""By how much of a divisor another machine's sums may move a scaling."""


@dataclass(frozen=True)
class Scaling:
    """shift and divisor (n[0],) in float64, and the name of the rule that made them."""

    name: str
    shift: Array
    divisor: Array

    @property
    def changes_nothing(self) -> bool:
        """Whether x' = x."""
        return not self.shift.any() and bool((self.divisor == 1).all())

    def same(self, other: "Scaling") -> bool:
        """Whether both are of the same features and equal but for rounding."""
        if self.shift.shape != other.shift.shape:
            return False
        with np.errstate(over="ignore"):
            moved = np.abs(self.shift - other.shift) > SAME * self.divisor
            stretched = np.abs(self.divisor - other.divisor) > SAME * self.divisor
        return not (moved | stretched).any()

    def apply(self, rows: Array, dtype: np.dtype[np.generic]) -> Array:
        """The scaled rows (m, n[0]) in the network's precision; a new array unless none is due."""
        if self.changes_nothing:
            return np.ascontiguousarray(rows, dtype)
        scaled = np.empty(rows.shape, dtype)
        for i in blocks(len(rows), max(1, ROWS // max(1, rows.shape[1]))):
            scaled[i] = (rows[i].astype(np.float64) - self.shift) / self.divisor
        return scaled


def unscaled(rows: Array) -> tuple[Array, Array]:
    """shift = 0, divisor = 1"""
    return np.zeros(rows.shape[1]), np.ones(rows.shape[1])


def standardize(rows: Array) -> tuple[Array, Array]:
    """shift = mean, divisor = standard deviation over m of each feature"""
    return rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)


def minmax(rows: Array) -> tuple[Array, Array]:
    """shift = smallest, divisor = largest - smallest of each feature"""
    low = rows.min(axis=0).astype(np.float64)
    return low, rows.max(axis=0).astype(np.float64) - low


def fit(rule: str | float, rows: Array) -> Scaling:
    """The scaling that `rule` (a name of SCALINGS, "auto" or a number) gives training rows."""
    if rule == "auto":
        rule = 255.0 if rows.dtype == np.uint8 else "none"
    if isinstance(rule, str):
        shift, divisor = SCALINGS[rule](rows)
        constant = rows.min(axis=0) == rows.max(axis=0)  # its rounded deviation need not be 0
        return Scaling(rule, shift, np.where(constant, 1.0, divisor))
    shift, divisor = unscaled(rows)
    return Scaling(f"{rule:g}", shift, divisor * rule)


SCALINGS: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "none": unscaled,
    "standardize": standardize,
    "minmax": minmax,
}
