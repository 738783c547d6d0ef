"""Metrics of how the examples are ranked by their scores, which all have to be kept.

From the highest score down, TP and FP are the weights of the positive and negative
examples met so far, P and N those of all.  Examples of one score are met together.

    auc                 area under TP / P over FP / N
    average_precision   sum of (TP' - TP) / P * TP' / (TP' + FP') over the steps TP -> TP'
"""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np

from deepnet_cli.nn.metrics.decided import flat, mean_where
from deepnet_cli.nn.metrics.kept import append, joined_blocks
from deepnet_cli.nn.metrics.statistic import Draw, State, Statistic, by_group, ratio
from deepnet_cli.nn.types import Array

MOST_STEPS = 256
"""Scores of positive examples that are told apart where examples are drawn again."""


class Areas(NamedTuple):
    """Each (R,), of one output or class against the rest, or (R, K), of each; and whether there are
    positive examples.
    """

    auc: Array
    average_precision: Array
    present: Array


def areas(score: Array, true: Array, w: Array) -> Areas:
    """For scores and flags (m,) and weights (R, m).

    auc is nan where Y lacks one of the two kinds; average precision 0 where it lacks positives.
    """
    steps, at = _met(score, true)
    gained = [np.bincount(at[true], row[true], steps) for row in w]
    between = [np.bincount(at[~true], row[~true], 2 * steps + 1) for row in w]
    return _areas(np.stack(gained), np.stack(between))


def _met(score: Array, true: Array) -> tuple[int, Array]:
    """S, the number of steps, scores at which TP grows, and where each example is met (m,): a
    positive one at step t, a negative one at step t (2t + 1) or below it (2t).
    """
    up = np.argsort(score)
    score, true = score[up], true[up]
    value = np.cumsum(np.append(False, score[1:] != score[:-1]))
    upto = np.cumsum(np.bincount(value, true) > 0)
    below = np.append(0, upto[:-1])
    at = np.empty_like(value)
    at[up] = np.where(true, below[value], (below + upto)[value])
    return int(upto[-1]), at


def _areas(gained: Array, between: Array) -> Areas:
    """Of the weights met at each step, of positives (R, S), and of negatives (R, 2S + 1)."""
    under, P = np.cumsum(between, axis=1), gained.sum(axis=1)
    under, N = under[:, :-1:2], under[:, -1:]  # negatives with a score below step t; all of them
    behind = under + between[:, 1::2] / 2
    auc = ratio((gained * behind).sum(axis=1), (gained * N).sum(axis=1), np.nan)
    TP, FP = np.cumsum(gained[:, ::-1], axis=1)[:, ::-1], N - under
    return Areas(auc, ratio((gained * ratio(TP, TP + FP)).sum(axis=1), P), P > 0)


def read_areas(state: State) -> Areas:
    """Of one output, or of each class against the rest."""
    A, Y, w = joined_blocks(3, state)
    return _of_each(areas(score, true == 1, w) for score, true in zip(A, Y, strict=True))


def _of_each(found: Iterable[Areas]) -> Areas:
    return Areas(*(np.stack(each, axis=1) for each in zip(*found, strict=True)))


def _drawn(statistic: Statistic, A: Array, Y: Array, marked: Array) -> Draw:
    """Of very many scores those that lie together are taken for the same; what that changes in the
    areas of all examples is put right in those of the draws.
    """
    A, Y, marked = statistic.of(A, Y, marked)
    w, group = marked

    def of_one(score: Array, true: Array, times: Array) -> Areas:
        coarse = _coarse(score, true)
        steps, at = _met(coarse, true)
        gained = by_group(at[true], w[true], group[true], times.shape[1], steps)
        between = by_group(at[~true], w[~true], group[~true], times.shape[1], 2 * steps + 1)
        drawn = _areas(times @ gained, times @ between)
        fine = areas(score, true, w[np.newaxis])
        taken = _areas(*(each.sum(axis=0, keepdims=True) for each in (gained, between)))
        auc, average_precision = (  # what they lack is put right, so that none is above 1
            np.maximum(1 - (1 - drawn[k]) * ratio(1 - fine[k], 1 - taken[k], 1.0), 0)
            for k in range(2)
        )
        return Areas(auc, average_precision, drawn.present)

    def draw(times: Array) -> Areas:
        return _of_each(of_one(score, true == 1, times) for score, true in zip(A, Y, strict=True))

    return draw


def _coarse(score: Array, true: Array) -> Array:
    """Scores, or where more than MOST_STEPS are positive, which of about so many intervals each is
    in: between quantiles of the positive and of the negative ones.
    """
    if true.sum() <= MOST_STEPS:
        return score
    share = np.linspace(0, 1, MOST_STEPS // 2)
    kinds = [np.sort(score[kind]) for kind in (true, ~true) if kind.any()]
    ends = np.unique([kind[np.rint(share * (len(kind) - 1)).astype(int)] for kind in kinds])
    return np.searchsorted(ends, score, "right")


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


CLASSES = Statistic("ranks", _kept, read_areas, partial(append, 3), _drawn)
FLAGS = Statistic("ranks", flat(_kept), read_areas, partial(append, 3), _drawn)
