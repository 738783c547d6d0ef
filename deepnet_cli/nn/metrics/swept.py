"""Curves that a threshold draws as it falls: class 1 is decided at scores from it on.

TP and FP are the weights of the positive and negative examples met so far, P and N those of all;
examples of one score are met together.  Their areas are figures (ranked.py).
"""

import numpy as np

from deepnet_cli.nn.metrics.statistic import ratio
from deepnet_cli.nn.types import Array


def swept(score: Array, true: Array, w: Array) -> tuple[Array, Array, Array]:
    """Each distinct score from the highest down (S,), and TP and FP there, for scores, flags and
    weights (m,).
    """
    steps, at = np.unique(score, return_inverse=True)
    gained = [np.bincount(at, w * of, len(steps)) for of in (true, ~true)]
    TP, FP = (np.cumsum(each[::-1]) for each in gained)
    return steps[::-1], TP, FP


def roc(score: Array, true: Array, w: Array) -> tuple[Array, Array]:
    """FP / N and TP / P, each (S + 1,), from (0, 0) to (1, 1)."""
    _, TP, FP = swept(score, true, w)
    rates = (ratio(np.append(0.0, each), each[-1:]) for each in (FP, TP))
    false, right = rates
    return false, right


def precision_recall(score: Array, true: Array, w: Array) -> tuple[Array, Array]:
    """TP / P and TP / (TP + FP), each (S + 1,), from recall 0, where precision is called 1."""
    _, TP, FP = swept(score, true, w)
    recall = ratio(np.append(0.0, TP), TP[-1:])
    return recall, np.append(1.0, ratio(TP, TP + FP))
