"""What a missing value of x becomes, fitted on the training part alone, before x is scaled.

With `indicators` each feature that misses a value there has one more beside all others: 1 where
it is missing, else 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from deepnet_cli.data.encoding.training_x import Columns
from deepnet_cli.nn.types import Array


class Imputation(Protocol):
    """A rule, and whether what was missing is told apart."""

    indicators: bool

    def fill(self, x: Columns) -> Array:
        """The value (n,) for each column; NaN where none follows."""


@dataclass(frozen=True)
class Mean(Imputation):
    """mean of the values of the feature that are there"""

    indicators: bool = False

    def fill(self, x: Columns) -> Array:
        return np.where(x.statistics.count > 0, x.statistics.mean, np.nan)


@dataclass(frozen=True)
class Median(Imputation):
    """median of the values of the feature that are there"""

    indicators: bool = False

    def fill(self, x: Columns) -> Array:
        return x.quantile(0.5)


@dataclass(frozen=True)
class Constant(Imputation):
    """value, the same for every feature"""

    value: float = 0.0
    indicators: bool = False

    def fill(self, x: Columns) -> Array:
        return np.full(x.rows.shape[1], self.value)


IMPUTATIONS: dict[str, Callable[..., Imputation]] = {
    "mean": Mean,
    "median": Median,
    "constant": Constant,
}
