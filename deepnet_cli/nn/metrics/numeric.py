"""Metrics of numbers: E = A - Y, of each output by itself; of several outputs the mean.

The moments about the mean are pooled as Chan, Golub and LeVeque (1979) do, so that numbers far
from 0 lose no digits.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from deepnet_cli.nn.metrics.kept import append, joined_blocks
from deepnet_cli.nn.metrics.statistic import (
    Draw,
    Metric,
    State,
    Statistic,
    by_group,
    of_groups,
    ratio,
)
from deepnet_cli.nn.types import Array

SMALLEST = np.finfo(np.float64).eps

SPREAD = 8
"""Deviations that no draw is away from the middle."""


class Moments(NamedTuple):
    """Each (R, K), but for the weight n (R, 1): means, and sums of squares about them."""

    n: Array
    Y: Array
    Y_squares: Array
    E: Array
    E_squares: Array
    absolute: Array  # sum of |E|
    relative: Array  # sum of |E| / |Y|

    @property
    def squares(self) -> Array:
        """sum of E^2"""
        squares: Array = self.E_squares + self.n * self.E**2
        return squares


def moments(A: Array, Y: Array, w: Array) -> State:
    """The Moments of a block."""
    A, Y = A.astype(np.float64), Y.astype(np.float64)
    E = A - Y
    absolute = np.abs(E)
    relative = absolute / np.maximum(np.abs(Y), SMALLEST)
    n = w.sum(axis=1, keepdims=True)
    return Moments(n, *_about_mean(Y, w, n), *_about_mean(E, w, n), w @ absolute.T, w @ relative.T)


def pool(old: State, new: State) -> State:
    """The Moments of the examples of both."""
    a, b = Moments(*old), Moments(*new)
    n = a.n + b.n
    part = ratio(b.n, n)

    def both(mean: Array, squares: Array, mean_b: Array, squares_b: Array) -> tuple[Array, Array]:
        apart = mean_b - mean
        return mean + apart * part, squares + squares_b + apart**2 * a.n * part

    Y = both(a.Y, a.Y_squares, b.Y, b.Y_squares)
    E = both(a.E, a.E_squares, b.E, b.E_squares)
    return Moments(n, *Y, *E, a.absolute + b.absolute, a.relative + b.relative)


def mse(found: Moments) -> Array:
    """mean of E^2"""
    return ratio(found.squares, found.n)


def rmse(found: Moments) -> Array:
    """sqrt of the mean of E^2"""
    return np.sqrt(mse(found))


def mae(found: Moments) -> Array:
    """mean of |E|"""
    return ratio(found.absolute, found.n)


def mape(found: Moments) -> Array:
    """mean of |E| / max(|Y|, 2.2e-16): a part of 1, not a percentage"""
    return ratio(found.relative, found.n)


def r2(found: Moments) -> Array:
    """1 - sum of E^2 / sum of (Y - mean Y)^2; of a constant Y 0, or 1 where E is 0"""
    return _explained(found.squares, found.Y_squares)


def explained_variance(found: Moments) -> Array:
    """1 - variance of E / variance of Y: r2 but for a constant error; as r2 where that is 0"""
    return _explained(found.E_squares, found.Y_squares)


def medae(kept: Sequence[tuple[Array, Array]]) -> Array:
    """The median of |E|, half of the weight on either side (of an even number the mean of two)"""
    medians = []
    for errors, w in kept:
        up = np.argsort(errors, kind="stable")
        errors, below = errors[up], np.cumsum(w[:, up], axis=1)
        half = below[:, -1:] / 2
        low, high = (below < half).sum(axis=1), (below <= half).sum(axis=1)
        medians.append((errors[low] + errors[np.minimum(high, len(errors) - 1)]) / 2)
    return np.stack(medians, axis=1)


def of_outputs(statistic: Statistic, each: Callable[..., Array], smaller: bool) -> Metric:
    """A metric whose figure is the mean of that of each output."""
    return Metric(statistic, lambda found: each(found).mean(axis=1), smaller, each)


def _about_mean(V: Array, w: Array, n: Array, within: Array | float = 0.0) -> tuple[Array, Array]:
    """The mean (R, K) of V (K, m) and the sum of squares about it, V being means about which the
    squares have the sum `within` (R, K).

    Both about a value in the middle of V, so that they are of one size, and exactly 0 for a
    constant.
    """
    middle = np.partition(V, V.shape[1] // 2, axis=1)[:, V.shape[1] // 2, np.newaxis]
    V = V - middle
    first, second = w @ V.T, w @ (V**2).T + within
    squares = second - ratio(first**2, n)
    squares[squares <= V.shape[1] * SMALLEST * second] = 0  # only rounding
    return middle.T + ratio(first, n), squares


def _explained(left: Array, total: Array) -> Array:
    return np.where(total > 0, 1 - ratio(left, total), left == 0)


def _absolute(A: Array, Y: Array, w: Array) -> State:
    return np.abs(A.astype(np.float64) - Y), w


def _read_moments(state: State) -> Moments:
    return Moments(*state)


def _drawn_moments(statistic: Statistic, A: Array, Y: Array, marked: Array) -> Draw:
    """Groups are pooled as blocks are, all at once."""
    each = Moments(*of_groups(statistic, A, Y, marked))

    def draw(times: Array) -> Moments:
        w = times * each.n.T
        n = w.sum(axis=1, keepdims=True)
        Y = _about_mean(each.Y.T, w, n, times @ each.Y_squares)
        E = _about_mean(each.E.T, w, n, times @ each.E_squares)
        return Moments(n, *Y, *E, times @ each.absolute, times @ each.relative)

    return draw


def _read_kept(state: State) -> list[tuple[Array, Array]]:
    absolute, w = joined_blocks(2, state)
    return [(errors, w) for errors in absolute]


def _drawn_kept(statistic: Statistic, A: Array, Y: Array, marked: Array) -> Draw:
    """Only what is near the middle can be the median of a draw: half of the weight, which varies
    by about sqrt(sum of w^2) / 2, lies below.
    """
    absolute, marked = statistic.of(A, Y, marked)

    def draw(times: Array) -> list[tuple[Array, Array]]:
        kept = []
        for errors in absolute:
            up = np.argsort(errors, kind="stable")
            w, group = marked[:, up]
            below = np.cumsum(w)
            apart = SPREAD * np.sqrt((w**2).sum()) / 2
            low, high = np.searchsorted(below, below[-1] / 2 + apart * np.array([-1, 1]))
            near, values = np.arange(len(up)).clip(low, high) - low, errors[up][low : high + 1]
            weights = by_group(near, w, group, times.shape[1], len(values))
            kept.append((values, times @ weights))
        return kept

    return draw


MOMENTS = Statistic("moments", moments, _read_moments, pool, _drawn_moments)
ERRORS = Statistic("errors", _absolute, _read_kept, partial(append, 2), _drawn_kept)
