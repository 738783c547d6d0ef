"""Calibration: of the decisions made with a probability of about p, is a share of p right?

Bins of equal width, each with its upper end; the expected calibration error is the mean, over
the examples, of |share right - mean probability| of their bin (Guo et al., 2017:
https://arxiv.org/abs/1706.04599).
"""

from dataclasses import dataclass

import numpy as np

from deepnet_cli.nn.metrics.statistic import ratio
from deepnet_cli.nn.types import Array

BINS = 10
ENDS = np.linspace(0, 1, BINS + 1)
Z = 1.959963984540054
"""Of a normal distribution 95 % lie within so many deviations."""


@dataclass(frozen=True)
class Calibration:
    """Each (BINS,): ends of the bins, the weight of the examples in them, and of these the mean
    probability of the decision and the share of right ones (0 where there are none).
    """

    low: Array
    high: Array
    weight: Array
    probability: Array
    right: Array

    @property
    def error(self) -> float:
        """The expected calibration error."""
        apart = self.weight * np.abs(self.right - self.probability)
        return float(apart.sum() / self.weight.sum())


def binned(A: Array, Y: Array, w: Array, target: str) -> Array:
    """What `calibration` reads, (3, BINS), of probabilities A and Y (K, m), weighed by w (m,): sums
    that add up over blocks.  Multilabel: of all m K decisions.
    """
    A = A.astype(np.float64)
    if target == "binary":
        decided = (A > 0.5).reshape(-1)
        probability = np.maximum(A, 1 - A).reshape(-1)
        right, w = decided == (Y.reshape(-1) == 1), np.tile(w, len(A))
    else:
        probability, right = A.max(axis=0), A.argmax(axis=0) == Y.argmax(axis=0)
    bins = np.searchsorted(ENDS[1:-1], probability)
    weights = w, w * probability, w * right
    return np.stack([np.bincount(bins, sums, minlength=BINS) for sums in weights])


def calibration(sums: Array) -> Calibration:
    """Of the sums (3, BINS) over all examples."""
    weight, probability, right = sums
    return Calibration(
        ENDS[:-1], ENDS[1:], weight, ratio(probability, weight), ratio(right, weight)
    )


def wilson(share: Array, n: Array) -> tuple[Array, Array]:
    """The 95 % interval of a chance of which a share is seen in n tries (Wilson, 1927):

    (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)
    """
    middle = share + Z**2 / (2 * n)
    apart = Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return (middle - apart) / (1 + Z**2 / n), (middle + apart) / (1 + Z**2 / n)
