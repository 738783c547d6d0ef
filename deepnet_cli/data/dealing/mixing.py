"""How well batches are mixed: do they differ from each other more than chance makes them?

    ratio = sum over batches b and rows k of Y of (mean_b[k] - mean[k])^2
            / (batches * sum over k of var[k] / size * (m - size) / (m - 1))

Of batches of `size` examples that are drawn without looking, as a perfect shuffle has them, it is
1; of a file that is sorted by class and dealt as it is, about `size`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from deepnet_cli.nn.types import Array

MOST = 32
"""Rows of Y that are looked at."""


@dataclass
class Mixing:
    """mean and var (K,) of Y over m examples; of the batches so far, what they differ by."""

    mean: Array
    var: Array
    m: int
    apart: float = 0.0  # in units of what chance makes
    batches: int = 0

    @classmethod
    def of(cls, labels: Iterable[Array]) -> "Mixing":
        """Before the first batch, of examples whose Y (K, m) is told in blocks."""
        m, total, squares = 0, np.zeros(1), np.zeros(1)
        for Y in labels:
            wide = Y[:MOST].astype(np.float64)
            m, total = m + wide.shape[1], total + wide.sum(axis=1)
            squares = squares + (wide * wide).sum(axis=1)
        mean = total / m
        return cls(mean, squares / m - mean**2, m)

    def see(self, Y: Array, size: int) -> None:
        """Take in batches of `size`, one after the other in Y (K, m); not what is over."""
        count = Y.shape[1] // size
        chance = self.var.sum() / size * (self.m - size) / max(1, self.m - 1)
        if not count or not chance > 0:
            return
        by_batch = Y[:MOST, : count * size].reshape(-1, count, size).mean(axis=2, dtype=np.float64)
        self.apart += float(((by_batch.T - self.mean) ** 2).sum() / chance)
        self.batches += count

    @property
    def ratio(self) -> float:
        """1 is a perfect shuffle; nan before the first batch."""
        return self.apart / self.batches if self.batches else float("nan")
