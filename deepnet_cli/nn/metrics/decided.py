"""Metrics of decisions alone: figures of the confusion matrix C (R, K, K).

C[i, j] is the weight of the examples of class i that were taken for class j; n = sum of C,
t[i] = sum over j of C[i, j], p[j] = sum over i.  Of several binary outputs (multilabel) all
entries are taken together.
"""

from collections.abc import Callable

import numpy as np

from deepnet_cli.nn.metrics.statistic import State, Statistic, ratio
from deepnet_cli.nn.types import Array


def decisions(A: Array, target: str) -> Array:
    """Class indices (m,): class 1 if A > 0.5 for one output, else the largest."""
    if target == "binary":
        above: Array = A[0] > 0.5
        return above.astype(np.int64)
    largest: Array = A.argmax(axis=0)
    return largest


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


def confusion(A: Array, Y: Array, w: Array) -> State:
    """C, by class 1 of one output or the largest of several."""
    binary = len(A) == 1
    true = Y[0].astype(np.int64) if binary else Y.argmax(axis=0)
    decided = decisions(A, "binary" if binary else "class")
    return (np.stack([confusion_matrix(true, decided, max(2, len(A)), row) for row in w]),)


def accuracy(C: Array) -> Array:
    """sum of C[i, i] / n"""
    return ratio(_right(C).sum(axis=-1), C.sum(axis=(-2, -1)))


def balanced_accuracy(C: Array) -> Array:
    """The mean recall of the classes that Y has (Brodersen et al., 2010)."""
    return mean_where(C.sum(axis=-1) > 0, recall(C))


def precision(C: Array) -> Array:
    """C[k, k] / p[k], for each class; 0/0 is 0"""
    return ratio(_right(C), C.sum(axis=-2))


def recall(C: Array) -> Array:
    """C[k, k] / t[k], for each class; 0/0 is 0"""
    return ratio(_right(C), C.sum(axis=-1))


def f1(C: Array) -> Array:
    """2 C[k, k] / (t[k] + p[k]), for each class: the harmonic mean of the two; 0/0 is 0"""
    return ratio(2 * _right(C), C.sum(axis=-2) + C.sum(axis=-1))


def mcc(C: Array) -> Array:
    """(n sum C[k, k] - t p) / sqrt((n^2 - p p) (n^2 - t t)); 0 where that is 0/0.

    Matthews' correlation of two classes, of K classes Gorodkin's (2004).
    """
    n, t, p = C.sum(axis=(-2, -1)), C.sum(axis=-1), C.sum(axis=-2)
    together = n * _right(C).sum(axis=-1) - (t * p).sum(axis=-1)
    apart = (n**2 - (p**2).sum(axis=-1)) * (n**2 - (t**2).sum(axis=-1))
    return ratio(together, np.sqrt(np.maximum(apart, 0)))


def cohen_kappa(C: Array) -> Array:
    """1 - (n - sum C[k, k]) / (n - t p / n): what accuracy is beyond chance (Cohen, 1960).

    nan where there is one class alone.
    """
    n, chance = C.sum(axis=(-2, -1)), (C.sum(axis=-1) * C.sum(axis=-2)).sum(axis=-1)
    return 1 - ratio((n - _right(C).sum(axis=-1)) * n, n**2 - chance, np.nan)


def of_class_1(each: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The figure of class 1 of two."""
    return lambda C: each(C)[..., 1]


def macro(each: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The mean over the classes in Y or among the decisions, each counting once."""
    return lambda C: mean_where((C.sum(axis=-1) + C.sum(axis=-2)) > 0, each(C))


def mean_where(counts: Array, figures: Array) -> Array:
    """The mean over the last axis of those that count; nan where none does."""
    return ratio(np.where(counts, figures, 0).sum(axis=-1), counts.sum(axis=-1), np.nan)


def _right(C: Array) -> Array:
    return np.diagonal(C, axis1=-2, axis2=-1).astype(np.float64)


def _read(state: State) -> Array:
    return state[0]


CLASSES = Statistic("confusion", confusion, _read)
FLAGS = Statistic("confusion", flat(confusion), _read)
