"""Figures of merit for outputs A (K, m) against Y (K, m), all but the confusion matrix floats.

    binary   class 1 where A is above a threshold, 0.5 for probabilities;  precision, recall
             and F1 are of class 1
    class    the largest A;  precision, recall and F1 are means over the classes present
             in Y or in the decisions, each class counting once ("macro")
    number   over all m K entries;  R2 is the mean of the K outputs' own;  count likewise
    quantiles  coverage is the share of Y between the lowest and the highest quantile, these
             included;  width is the mean distance between the two

0/0 in a precision, recall, F1 or R2 is 0 (R2 of a constant, matched exactly: 1).  The
definitions are scikit-learn's.
"""

from collections.abc import Callable

import numpy as np

from deepnet_cli.nn.types import Array

Figures = dict[str, float]


def decisions(A: Array, target: str, threshold: float = 0.5) -> Array:
    """Class indices (m,): class 1 where the one output is above the threshold, else the largest.
    For several binary outputs 0 or 1 each, (K, m).
    """
    if target == "binary":
        above: Array = np.greater(A, threshold).astype(np.int64)
        return above[0] if len(above) == 1 else above
    largest: Array = A.argmax(axis=0)
    return largest


def confusion_matrix(true: Array, decided: Array, K: int) -> Array:
    """C (K, K): C[i, j] examples of class i were taken for class j."""
    return np.bincount(K * true + decided, minlength=K * K).reshape(K, K)


def precision_recall_f1(C: Array) -> tuple[Array, Array, Array]:
    """For each class of a confusion matrix (K, K)."""
    right = np.diag(C).astype(np.float64)
    precision = _ratio(right, C.sum(axis=0))
    recall = _ratio(right, C.sum(axis=1))
    f1 = _ratio(2 * right, C.sum(axis=0) + C.sum(axis=1))
    return precision, recall, f1


def area_under_curve(true: Array, score: Array) -> float:
    """AUC (m,), (m,): the chance that a class 1 scores above a class 0; a tie counts half.

    nan where a class is missing.  By ranks (Mann and Whitney, 1947).
    """
    positives = int(true.sum())
    negatives = len(true) - positives
    if not positives or not negatives:
        return float("nan")
    _, places, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[places]
    return float(
        (ranks[true == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    )


def binary_figures(A: Array, Y: Array, threshold: float = 0.5) -> Figures:
    """Of one output, or of the entries of several (multilabel) taken together."""
    true, score = Y.reshape(-1).astype(np.int64), A.reshape(-1)
    C = confusion_matrix(true, decisions(A, "binary", threshold).reshape(-1), 2)
    precision, recall, f1 = precision_recall_f1(C)
    return {
        "accuracy": float(np.trace(C) / C.sum()),
        "precision": float(precision[1]),
        "recall": float(recall[1]),
        "f1": float(f1[1]),
        "auc": area_under_curve(true, score),
    }


def class_figures(A: Array, Y: Array) -> Figures:
    C = confusion_matrix(Y.argmax(axis=0), decisions(A, "class"), len(Y))
    present = (C.sum(axis=0) + C.sum(axis=1)) > 0
    precision, recall, f1 = (figure[present].mean() for figure in precision_recall_f1(C))
    return {
        "accuracy": float(np.trace(C) / C.sum()),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def number_figures(A: Array, Y: Array) -> Figures:
    A, Y = A.astype(np.float64), Y.astype(np.float64)
    error = A - Y
    residual = (error**2).sum(axis=1)
    total = ((Y - Y.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    total[Y.min(axis=1) == Y.max(axis=1)] = 0  # the mean of equal numbers is rounded
    r2 = np.where(total > 0, 1 - _ratio(residual, total), residual == 0)
    return {
        "mse": float((error**2).mean()),
        "mae": float(np.abs(error).mean()),
        "r2": float(r2.mean()),
    }


def quantile_figures(A: Array, Y: Array) -> Figures:
    low, high = A[0].astype(np.float64), A[-1].astype(np.float64)
    return {
        "coverage": float(((low <= Y[0]) & (Y[0] <= high)).mean()),
        "width": float((high - low).mean()),
    }


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)


def figures(A: Array, Y: Array, target: str, threshold: float = 0.5) -> Figures:
    """Every figure of a target; of binary ones, by decisions for class 1 above the threshold."""
    if target == "binary":
        return binary_figures(A, Y, threshold)
    return FIGURES[target](A, Y)


FIGURES: dict[str, Callable[[Array, Array], Figures]] = {
    "binary": binary_figures,
    "class": class_figures,
    "number": number_figures,
    "count": number_figures,
    "quantiles": quantile_figures,
}
"""By the target of the loss."""

METRICS = {
    "binary": ("accuracy", "precision", "recall", "f1", "auc"),
    "class": ("accuracy", "precision", "recall", "f1"),
    "number": ("mse", "mae", "r2"),
    "count": ("mse", "mae", "r2"),
    "quantiles": ("coverage", "width"),
}
"""What each of FIGURES returns, by name."""

HEADLINE = {
    "binary": "accuracy",
    "class": "accuracy",
    "number": "r2",
    "count": "r2",
    "quantiles": "coverage",
}
"""The one figure shown while training."""

SMALLER_IS_BETTER = frozenset({"cost", "mse", "mae", "width"})
