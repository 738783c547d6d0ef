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


def calibration(A: Array, Y: Array, w: Array, target: str) -> Calibration:
    """Of probabilities A and Y (K, m), weighed by w (m,); multilabel: of all m K decisions."""
    A = A.astype(np.float64)
    if target == "binary":
        decided = (A > 0.5).reshape(-1)
        probability = np.maximum(A, 1 - A).reshape(-1)
        right, w = decided == (Y.reshape(-1) == 1), np.tile(w, len(A))
    else:
        probability, right = A.max(axis=0), A.argmax(axis=0) == Y.argmax(axis=0)
    ends = np.linspace(0, 1, BINS + 1)
    bins = np.searchsorted(ends[1:-1], probability)
    weight, of_probability, of_right = (
        np.bincount(bins, weights, minlength=BINS) for weights in (w, w * probability, w * right)
    )
    return Calibration(
        ends[:-1], ends[1:], weight, ratio(of_probability, weight), ratio(of_right, weight)
    )
