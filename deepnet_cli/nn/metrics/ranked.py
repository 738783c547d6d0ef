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

    The steps of TP are at the scores that a positive example has.  auc is nan where Y lacks one
    of the two kinds; average precision 0 where it lacks positives.
    """
    down = np.argsort(-score, kind="stable")
    score, true, w = score[down], true[down], w[:, down]
    met = np.zeros((len(w), len(score) + 1))
    np.cumsum(w, axis=1, out=met[:, 1:])  # by all examples before the i-th
    found = np.cumsum(w[:, true], axis=1)
    P, N = w[:, true].sum(axis=1), w[:, ~true].sum(axis=1)
    if not true.any():
        return np.full(len(w), np.nan), np.zeros(len(w))

    begins = np.flatnonzero(np.append(True, score[1:] != score[:-1]))  # of each distinct score
    ends = np.append(begins[1:], len(score))
    step = np.searchsorted(begins, np.flatnonzero(true), side="right") - 1  # of each positive
    last = np.append(step[1:] != step[:-1], True)  # of its step
    step = step[last]
    TP = found[:, last]
    gained = np.diff(TP, axis=1, prepend=0.0)
    FP = met[:, ends[step]] - TP
    FP_before = met[:, begins[step]] - (TP - gained)
    behind = N[:, np.newaxis] - (FP + FP_before) / 2
    auc = ratio((gained * behind).sum(axis=1), P * N, np.nan)
    precision = ratio(TP, TP + FP)
    return auc, ratio((gained * precision).sum(axis=1), P)


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


def _kept(A: Array, Y: Array, w: Array) -> State:
    return A.copy(), Y.copy(), w  # they may be buffers


CLASSES = Statistic("ranks", _kept, read_areas, partial(append, 3))
FLAGS = Statistic("ranks", flat(_kept), read_areas, partial(append, 3))
