"""Scaling of the features, fitted on the training part alone: x' = (f(x) - shift) / divisor.

f(x) = x but for log1p.  A divisor that would be 0, that of a constant feature, is 1.  NaN and
infinities are left out.  The arithmetic is float64, whatever the network's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from deepnet_cli.data.encoding.statistics import ROUNDED
from deepnet_cli.data.encoding.training_x import Columns
from deepnet_cli.nn.types import Array

SAME = 1e-6
"""By how much of a divisor another machine's sums may move a scaling."""

IDENTITY, LOG1P = "identity", "log1p"

FUNCTIONS: dict[str, Callable[[Array], Array]] = {IDENTITY: lambda x: x, LOG1P: np.log1p}
"""What f may be."""


@dataclass(frozen=True)
class Scaling:
    """shift and divisor (n,) in float64, the name of the rule that made them, and that of f."""

    name: str
    shift: Array
    divisor: Array
    function: str = IDENTITY

    def __call__(self, x: Array) -> Array:
        """x' for rows (m, n) in float64; NaN or infinite where f is not defined."""
        scaled: Array = (FUNCTIONS[self.function](x) - self.shift) / self.divisor
        return scaled

    def restored(self, scaled: Array) -> Array:
        """x for x' (m, n), where f(x) = x."""
        x: Array = scaled * self.divisor + self.shift
        return x

    @property
    def changes_nothing(self) -> bool:
        """Whether x' = x."""
        plain = self.function == IDENTITY and not self.shift.any()
        return plain and bool((self.divisor == 1).all())

    def of(self, columns: Array | slice) -> "Scaling":
        """That of some of the features."""
        return replace(self, shift=self.shift[columns], divisor=self.divisor[columns])

    def same(self, other: "Scaling") -> bool:
        """Whether both are of the same features and equal but for rounding."""
        if self.shift.shape != other.shift.shape or self.function != other.function:
            return False
        with np.errstate(over="ignore"):
            moved = np.abs(self.shift - other.shift) > SAME * self.divisor
            stretched = np.abs(self.divisor - other.divisor) > SAME * self.divisor
        return not (moved | stretched).any()


class Rule(Protocol):
    """What shift and divisor follow from."""

    def fit(self, x: Columns) -> Scaling:
        """The scaling of the columns of the training part."""


@dataclass(frozen=True)
class Auto(Rule):
    """x' = x / 255 for uint8, else x' = x"""

    def fit(self, x: Columns) -> Scaling:
        rule = Divided(255) if x.rows.dtype == np.uint8 else Unscaled()
        return rule.fit(x)


@dataclass(frozen=True)
class Unscaled(Rule):
    """x' = x"""

    def fit(self, x: Columns) -> Scaling:
        n = x.rows.shape[1]
        return Scaling("none", np.zeros(n), np.ones(n))


@dataclass(frozen=True)
class Divided(Rule):
    """x' = x / NUMBER"""

    number: float

    def fit(self, x: Columns) -> Scaling:
        n = x.rows.shape[1]
        return Scaling(f"{self.number:g}", np.zeros(n), np.full(n, float(self.number)))


@dataclass(frozen=True)
class Standardize(Rule):
    """shift = mean, divisor = standard deviation over m of each feature"""

    def fit(self, x: Columns) -> Scaling:
        seen = x.statistics
        divisor = np.where(seen.constant | (seen.deviation == 0), 1, seen.deviation)
        return Scaling("standardize", seen.mean, divisor)


@dataclass(frozen=True)
class MinMax(Rule):
    """shift = smallest, divisor = largest - smallest of each feature"""

    def fit(self, x: Columns) -> Scaling:
        seen = x.statistics
        with np.errstate(over="ignore"):
            divisor = np.where(seen.constant, 1, seen.high - seen.low)
        return Scaling("minmax", np.where(seen.count > 0, seen.low, 0), divisor)


@dataclass(frozen=True)
class Robust(Rule):
    """shift = median, divisor = third less first quartile of each feature

    What is far out moves neither.  Quartiles as NumPy's: interpolated between two values.
    """

    def fit(self, x: Columns) -> Scaling:
        first, median, third = (x.quantile(q) for q in (0.25, 0.5, 0.75))
        with np.errstate(over="ignore"):
            divisor = third - first
        some = divisor > ROUNDED * np.finfo(np.float64).eps * np.maximum(abs(first), abs(third))
        return Scaling("robust", np.nan_to_num(median), np.where(some, divisor, 1))


@dataclass(frozen=True)
class MaxAbs(Rule):
    """shift = 0, divisor = largest |x| of each feature"""

    def fit(self, x: Columns) -> Scaling:
        largest = x.statistics.largest
        divisor = np.where(largest > 0, largest, 1)
        return Scaling("max_abs", np.zeros(len(divisor)), divisor)


@dataclass(frozen=True)
class Log1p(Rule):
    """f(x) = log(1 + x), then scaled by the rule that is named

    For what is counted, or spans orders of magnitude; x must be above -1.
    """

    then: Literal["none", "standardize", "minmax", "robust", "max_abs"] = "none"

    def fit(self, x: Columns) -> Scaling:
        with np.errstate(divide="ignore", invalid="ignore"):
            scaling = SCALINGS[self.then]().fit(x.through(FUNCTIONS[LOG1P]))
        name = LOG1P if self.then == "none" else f"{LOG1P}, {self.then}"
        return replace(scaling, name=name, function=LOG1P)


SCALINGS: dict[str, Callable[..., Rule]] = {
    "auto": Auto,
    "none": Unscaled,
    "standardize": Standardize,
    "minmax": MinMax,
    "robust": Robust,
    "max_abs": MaxAbs,
    "log1p": Log1p,
}
