"""Metrics of how the examples are ranked by their scores, which all have to be kept.

From the highest score down, TP and FP are the weights of the positive and negative
examples met so far, P and N those of all.  Examples of one score are met together.

    auc                 area under TP / P over FP / N
    average_precision   sum of (TP' - TP) / P * TP' / (TP' + FP') over the steps TP -> TP'
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from deepnet_cli.nn.metrics.decided import flat, mean_where
from deepnet_cli.nn.metrics.kept import append, joined_blocks
from deepnet_cli.nn.metrics.statistic import State, Statistic, ratio
from deepnet_cli.nn.types import Array


class Areas(NamedTuple):
    """Each (R, K): of one output, or of each class against the rest; and which classes Y has."""

    auc: Array
    average_precision: Array
    present: Array


def areas(score: Array, true: Array, w: Array) -> tuple[Array, Array]:
    """auc and average precision (R,) for scores and flags (m,) and weights (R, m).

    auc is nan where Y lacks one of the two kinds; average precision 0 where it lacks positives.
    """
    steps = np.unique(score[true])  # the scores at which TP grows
    S = len(steps)
    below, upto = (np.searchsorted(steps, score, side) for side in ("left", "right"))
    gained = _binned(below[true], w[:, true], S)
    between = _binned((below + upto)[~true], w[:, ~true], 2 * S + 1)  # 2t + 1: at step t
    under = np.cumsum(between, axis=1)[:, 0::2]  # negatives with a score below step t
    P, N = gained.sum(axis=1), between.sum(axis=1)
    behind = under[:, :S] + between[:, 1::2] / 2
    auc = ratio((gained * behind).sum(axis=1), P * N, np.nan)
    TP, FP = np.cumsum(gained[:, ::-1], axis=1)[:, ::-1], N[:, np.newaxis] - under[:, :S]
    return auc, ratio((gained * ratio(TP, TP + FP)).sum(axis=1), P)


def read_areas(state: State) -> Areas:
    """Of one output, or of each class against the rest."""
    A, Y, w = joined_blocks(3, state)
    of_each = [areas(score, true == 1, w) for score, true in zip(A, Y, strict=True)]
    auc, average_precision = (np.stack(each, axis=1) for each in zip(*of_each, strict=True))
    return Areas(auc, average_precision, w @ Y.T > 0)


def auc(found: Areas) -> Array:
    """The chance that a positive example scores above a negative one, a tie counting half.

    The mean over the classes, each against the rest, for which there is one.
    (Hanley and McNeil, 1982)
    """
    return mean_where(~np.isnan(found.auc), found.auc)


def average_precision(found: Areas) -> Array:
    """The mean precision at the ranks where TP grows; the mean over the classes that Y has."""
    if found.present.shape[1] == 1:
        return found.average_precision[:, 0]
    return mean_where(found.present, found.average_precision)


def _binned(bins: Array, w: Array, size: int) -> Array:
    """The weights (R, m) summed over the examples of each bin, (R, size)."""
    return np.stack([np.bincount(bins, row, size) for row in w])


def _kept(A: Array, Y: Array, w: Array) -> State:
    return A.copy(), Y.copy(), w  # they may be buffers


CLASSES = Statistic("ranks", _kept, read_areas, partial(append, 3))
FLAGS = Statistic("ranks", flat(_kept), read_areas, partial(append, 3))
