"""Metrics of decisions alone: figures of the confusion matrix C (R, K, K).

C[i, j] is the weight of the examples of class i that were taken for class j; n = sum of C,
t[i] = sum over j of C[i, j], p[j] = sum over i.  Of several binary outputs (multilabel) all
entries are taken together.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from deepnet_cli.nn.metrics.statistic import State, Statistic, ratio
from deepnet_cli.nn.types import Array

THRESHOLDS = {"binary": 0.5, "binary scores": 0.0}
"""What A of class 1 is above, where one output tells two classes apart."""


def decisions(A: Array, kind: str) -> Array:
    """Class indices (m,): class 1 where the one output is above the threshold, else the largest.
    For several binary outputs 0 or 1 each, (K, m).
    """
    if kind in THRESHOLDS:
        above: Array = np.greater(A, THRESHOLDS[kind]).astype(np.int64)
        return above[0] if len(above) == 1 else above
    largest: Array = A.argmax(axis=0)
    return largest


def unmixed(Y: Array, kind: str) -> Array:
    """Y (K, m) of mixed examples as that of the one with the larger share; numbers as they are."""
    if kind in THRESHOLDS:
        return (Y > 0.5).astype(Y.dtype)
    if not kind.startswith("class"):
        return Y
    one_hot = np.zeros_like(Y)
    np.put_along_axis(one_hot, Y.argmax(axis=0)[np.newaxis], 1, axis=0)
    return one_hot


def confusion_matrix(true: Array, decided: Array, K: int, weights: Array | None = None) -> Array:
    """C (K, K) of class indices (m,): whole numbers, or sums of weights (m,)."""
    return np.bincount(K * true + decided, weights, minlength=K * K).reshape(K, K)


def flat(
    of: Callable[[Array, Array, Array], State],
) -> Callable[[Array, Array, Array], State]:
    """Of binary outputs: every entry as an example, weighed as the one that it is of."""

    def of_entries(A: Array, Y: Array, w: Array) -> State:
        return of(A.reshape(1, -1), Y.reshape(1, -1), w if len(A) == 1 else np.tile(w, len(A)))

    return of_entries


def confusion(kind: str, A: Array, Y: Array, w: Array) -> State:
    """C, by class 1 of one output or the largest of several."""
    true, K = (Y[0].astype(np.int64), 2) if kind in THRESHOLDS else (Y.argmax(axis=0), len(A))
    decided = decisions(A, kind)
    return (np.stack([confusion_matrix(true, decided, K, row) for row in w]),)


class Margins(NamedTuple):
    """All that the figures need of C, each (R, K): C[k, k], t[k] and p[k]."""

    right: Array
    true: Array
    decided: Array

    @property
    def n(self) -> Array:
        """(R,)"""
        total: Array = self.true.sum(axis=-1)
        return total


def accuracy(C: Margins) -> Array:
    """sum of C[k, k] / n"""
    return ratio(C.right.sum(axis=-1), C.n)


def balanced_accuracy(C: Margins) -> Array:
    """The mean recall of the classes that Y has (Brodersen et al., 2010)."""
    return mean_where(C.true > 0, recall(C))


def precision(C: Margins) -> Array:
    """C[k, k] / p[k], for each class; 0/0 is 0"""
    return ratio(C.right, C.decided)


def recall(C: Margins) -> Array:
    """C[k, k] / t[k], for each class; 0/0 is 0"""
    return ratio(C.right, C.true)


def f1(C: Margins) -> Array:
    """2 C[k, k] / (t[k] + p[k]), for each class: the harmonic mean of the two; 0/0 is 0"""
    return ratio(2 * C.right, C.true + C.decided)


def mcc(C: Margins) -> Array:
    """(n sum C[k, k] - t p) / sqrt((n^2 - p p) (n^2 - t t)); 0 where that is 0/0.

    Matthews' correlation of two classes, of K classes Gorodkin's (2004).
    """
    together = C.n * C.right.sum(axis=-1) - (C.true * C.decided).sum(axis=-1)
    apart = (C.n**2 - (C.decided**2).sum(axis=-1)) * (C.n**2 - (C.true**2).sum(axis=-1))
    return np.clip(ratio(together, np.sqrt(np.maximum(apart, 0))), -1, 1)  # both are rounded


def cohen_kappa(C: Margins) -> Array:
    """1 - (n - sum C[k, k]) / (n - t p / n): what accuracy is beyond chance (Cohen, 1960).

    nan where there is one class alone.
    """
    wrong, chance = C.n - C.right.sum(axis=-1), (C.true * C.decided).sum(axis=-1)
    return 1 - ratio(wrong * C.n, C.n**2 - chance, np.nan)


def of_class_1(each: Callable[[Margins], Array]) -> Callable[[Margins], Array]:
    """The figure of class 1 of two."""
    return lambda C: each(C)[..., 1]


def macro(each: Callable[[Margins], Array]) -> Callable[[Margins], Array]:
    """The mean over the classes in Y or among the decisions, each counting once."""
    return lambda C: mean_where(C.true + C.decided > 0, each(C))


def mean_where(counts: Array, figures: Array) -> Array:
    """The mean over the last axis of those that count; nan where none does."""
    return ratio(np.where(counts, figures, 0).sum(axis=-1), counts.sum(axis=-1), np.nan)


def margins(state: State) -> Margins:
    """Of C (R, K, K)."""
    (C,) = (each.astype(np.float64) for each in state)
    return Margins(np.diagonal(C, axis1=-2, axis2=-1), C.sum(axis=-1), C.sum(axis=-2))


CLASSES = Statistic("confusion", partial(confusion, "class"), margins)
FLAGS = {
    kind: Statistic("confusion", flat(partial(confusion, kind)), margins) for kind in THRESHOLDS
}
