"""Metrics that are means over the examples of a cost of their probabilities A (K, m); of several
flags (multilabel) the mean over all entries.
"""

from functools import wraps

import numpy as np

from deepnet_cli.nn.metrics.statistic import Metric, mean_of
from deepnet_cli.nn.types import Array


def log_loss_of_flags(A: Array, Y: Array) -> Array:
    """-log of the probability of what is, A or 1 - A, kept from 0 and 1 by A's epsilon."""
    costs: Array = -_log(np.where(Y == 1, A, 1 - A)).mean(axis=0)
    return costs


def log_loss_of_classes(A: Array, Y: Array) -> Array:
    """-log of the probability of the true class, kept from 0 and 1 by A's epsilon."""
    return -_log(np.take_along_axis(A, Y.argmax(axis=0)[np.newaxis], axis=0)[0])


def brier_of_flags(A: Array, Y: Array) -> Array:
    """(A - Y)^2 (Brier, 1950)"""
    squares: Array = ((A.astype(np.float64) - Y) ** 2).mean(axis=0)
    return squares


def brier_of_classes(A: Array, Y: Array) -> Array:
    """The sum of (A - Y)^2 over the classes; of two classes half of it, as of one output."""
    squares: Array = ((A.astype(np.float64) - Y) ** 2).sum(axis=0)
    return squares / 2 if len(A) == 2 else squares


def among_top(k: int, A: Array, Y: Array) -> Array:
    """1 where the true class is among the k most probable; of equal ones the later is before."""
    true = Y.argmax(axis=0)
    above = A - np.take_along_axis(A, true[np.newaxis], axis=0)
    later = np.arange(len(A))[:, np.newaxis] > true
    ahead = ((above > 0) | ((above == 0) & later)).sum(axis=0)
    hits: Array = ahead < k
    return hits.astype(np.float64)


def top_k(k: int) -> Metric:
    """How often the true class is among the k most probable."""

    @wraps(among_top)
    def among(A: Array, Y: Array) -> Array:
        return among_top(k, A, Y)

    return mean_of(f"top_{k}", among)


def _log(P: Array) -> Array:
    least = np.finfo(P.dtype).eps
    return np.log(np.clip(P, least, 1 - least).astype(np.float64))


FLAGS = {
    "log_loss": mean_of("log_loss", log_loss_of_flags, smaller=True),
    "brier": mean_of("brier", brier_of_flags, smaller=True),
}
CLASSES = {
    "log_loss": mean_of("log_loss", log_loss_of_classes, smaller=True),
    "brier": mean_of("brier", brier_of_classes, smaller=True),
}
"""What wants probabilities: scores do not have it."""
