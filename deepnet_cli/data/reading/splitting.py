"""Which rows of a data set are held out: as a function of the seed, or what came last."""

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import order


def split(
    m: int,
    fraction: float,
    seed: int,
    purpose: str,
    strata: Array | None = None,
    groups: Array | None = None,
) -> tuple[Array, Array]:
    """Row numbers (kept, held out), each ascending, of m rows.

    round(fraction * m) rows are held out, at least one, and at least one is kept.  With
    `strata` (m,) each class gives its share, the largest remainders first.  Groups (m,) stay
    whole, so that with them sizes and shares are as near as can be.
    """
    shuffled = order(seed, purpose, 0, m)
    if groups is not None:
        part = dealt(groups, strata, np.array([1 - fraction, fraction]), shuffled)
        return np.flatnonzero(part == 0), np.flatnonzero(part == 1)
    count = min(max(1, round(fraction * m)), m - 1)
    if strata is None:
        held = shuffled[:count]
    else:
        _, stratum = np.unique(strata, return_inverse=True)
        exact = np.bincount(stratum) * (count / m)
        quota = np.floor(exact).astype(int)
        largest = np.argsort(quota - exact, kind="stable")
        quota[largest[: count - quota.sum()]] += 1
        held = np.concatenate([shuffled[stratum[shuffled] == k][:n] for k, n in enumerate(quota)])
    held = np.sort(held)
    kept = np.setdiff1d(np.arange(m), held, assume_unique=True)
    return kept, held


def folds(
    m: int, k: int, seed: int, strata: Array | None = None, groups: Array | None = None
) -> Array:
    """The fold (m,) of each row, from 0 to k - 1.

    Their sizes differ by one at most, and with `strata` (m,) what each has of a class does too.
    Groups (m,) stay whole; with them both are as near as can be.
    """
    shuffled = order(seed, "folds", 0, m)
    if groups is not None:
        return dealt(groups, strata, np.full(k, 1 / k), shuffled)
    if strata is not None:
        shuffled = shuffled[np.argsort(strata[shuffled], kind="stable")]
    fold = np.empty(m, np.int64)
    fold[shuffled] = np.arange(m) % k
    return fold


def latest(times: Array, fraction: float, groups: Array | None = None) -> tuple[Array, Array]:
    """Row numbers (kept, held out), each ascending, where the latest of `times` (m,) are held out.

    As many as `split` holds out, or as near to that as can be: rows of one time stay together.
    A group (m,) stays whole, and came when the last of its rows did.
    """
    m = len(times)
    part = in_order(times, [m - min(max(1, round(fraction * m)), m - 1)], groups)
    return np.flatnonzero(part == 0), np.flatnonzero(part == 1)


def chain(times: Array, fold: int, k: int, groups: Array | None = None) -> tuple[Array, Array]:
    """The same where part `fold` + 1 (from 1) of k + 1 in order is held out, and what came before
    it is kept: forward chaining, scikit-learn's TimeSeriesSplit.
    """
    m = len(times)
    part = in_order(times, [m - (k - j) * (m // (k + 1)) for j in range(k)], groups)
    return np.flatnonzero(part < fold), np.flatnonzero(part == fold)


def moments(times: Array, groups: Array | None = None) -> Array:
    """When each row came, (m,), numbered from 0 without gaps; a group with the last of its rows."""
    _, moment = np.unique(times, return_inverse=True)
    if groups is None:
        return moment
    _, group = np.unique(groups, return_inverse=True)
    ended = np.zeros(group.max() + 1, np.int64)
    np.maximum.at(ended, group, moment)
    _, moment = np.unique(ended[group], return_inverse=True)
    return moment


def in_order(times: Array, cuts: list[int], groups: Array | None = None) -> Array:
    """The part (m,) of each row, from 0, where the rows in order of time are cut after so many.

    A cut that would part rows of one moment moves to the nearest end of one; with moments enough
    no part is empty.
    """
    moment = moments(times, groups)
    ends = np.cumsum(np.bincount(moment))
    part, first = np.zeros(len(ends), np.int64), 0
    for left, cut in zip(range(len(cuts), 0, -1), cuts, strict=True):
        there = ends[first : len(ends) - left]
        first += int(abs(there - cut).argmin()) + 1
        part[first:] += 1
    return part[moment]


def dealt(groups: Array, strata: Array | None, shares: Array, shuffled: Array) -> Array:
    """The part (m,) of each row where whole groups go to parts that should have these shares.

    The largest group first, of equal ones as `shuffled` has them, each goes where it brings the
    classes of the parts nearest to their shares; a part that is left without takes a smallest.
    """
    _, group = np.unique(groups, return_inverse=True)
    _, stratum = np.unique(np.zeros(len(group)) if strata is None else strata, return_inverse=True)
    counts = np.zeros((group.max() + 1, stratum.max() + 1))
    np.add.at(counts, (group, stratum), 1)
    counts /= counts.sum(axis=0)  # the part of each class that a group has
    _, first = np.unique(group[shuffled], return_index=True)
    by_size = np.lexsort((first, -np.bincount(group)))
    missing = np.repeat(shares[:, np.newaxis], counts.shape[1], axis=1)
    part = np.empty(len(counts), np.int64)
    for g in by_size:
        gain = (missing**2 - (missing - counts[g]) ** 2).sum(axis=1)
        part[g] = gain.argmax()
        missing[part[g]] -= counts[g]
    for empty in np.setdiff1d(np.arange(len(shares)), part):
        most = np.bincount(part, minlength=len(shares)).argmax()
        part[by_size[part[by_size] == most][-1]] = empty
    return part[group]
