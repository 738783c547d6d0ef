"""Metrics that are means over the examples of a cost of their probabilities A (K, m)."""

from collections.abc import Callable

import numpy as np

from deepnet_cli.nn.metrics.decided import flat
from deepnet_cli.nn.metrics.statistic import Metric, State, Statistic, ratio
from deepnet_cli.nn.types import Array


def log_loss_of_flags(A: Array, Y: Array) -> Array:
    """-log of the probability of what is, A or 1 - A, kept from 0 and 1 by A's epsilon."""
    return -_log(np.where(Y == 1, A, 1 - A)[0])


def log_loss_of_classes(A: Array, Y: Array) -> Array:
    """-log of the probability of the true class, kept from 0 and 1 by A's epsilon."""
    return -_log(np.take_along_axis(A, Y.argmax(axis=0)[np.newaxis], axis=0)[0])


def brier_of_flags(A: Array, Y: Array) -> Array:
    """(A - Y)^2 (Brier, 1950)"""
    squares: Array = (A.astype(np.float64) - Y)[0] ** 2
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
    return Metric(mean_statistic(f"top_{k}", lambda A, Y: among_top(k, A, Y)), mean)


def mean_statistic(name: str, costs: Callable[[Array, Array], Array]) -> Statistic:
    """The weighted sum of the costs (m,), and of the weights."""

    def of(A: Array, Y: Array, w: Array) -> State:
        return w @ costs(A, Y), w.sum(axis=1)

    return Statistic(name, of, _read)


def mean(sums: State) -> Array:
    """sum of w cost / sum of w"""
    total, weight = sums
    return ratio(total, weight)


def _log(P: Array) -> Array:
    least = np.finfo(P.dtype).eps
    return np.log(np.clip(P, least, 1 - least).astype(np.float64))


def _read(state: State) -> State:
    return state


def _of_flags(known: Statistic) -> Statistic:
    return Statistic(known.name, flat(known.of), known.read)


FLAG_LOG_LOSS = _of_flags(mean_statistic("log_loss", log_loss_of_flags))
FLAG_BRIER = _of_flags(mean_statistic("brier", brier_of_flags))
CLASS_LOG_LOSS = mean_statistic("log_loss", log_loss_of_classes)
CLASS_BRIER = mean_statistic("brier", brier_of_classes)
