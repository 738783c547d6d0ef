"""What a metric is: a figure of a statistic, which examples are taken into block by block.

    state   = of(A, Y, w)        of a block: A and Y (K, m), w (R, m)
    state   = pool(old, new)     of the examples of both
    figures = figure(read(state))                                (R,)

w weighs the examples in R ways at once: one of ones for a plain figure, or one with the weights
that examples have (scikit-learn's sample_weight).  A state is a tuple of arrays:
sums, whose size does not grow with the examples, wherever the figure is exact that way.

A bootstrap draws groups of examples (R, G) times.  `drawn` looks at each group once, and makes of
that what is read of each draw:

    figures = figure(drawn(statistic, A, Y, marked)(times))      (R,)

where `marked` (2, m) are the weight of each example and the number of its group.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from deepnet_cli.nn.types import Array

State = tuple[Array, ...]
States = dict[str, State]
"""By the name of the statistic."""

Figures = dict[str, float]


def add(old: State, new: State) -> State:
    """Sums over the examples of both."""
    return tuple(a + b for a, b in zip(old, new, strict=True))


Draw = Callable[[Array], Any]
"""What a statistic reads, for how often each group was drawn (R, G)."""


def drawn_sums(statistic: "Statistic", A: Array, Y: Array, marked: Array) -> Draw:
    """Of what is read as a NamedTuple of sums."""
    each = of_groups(statistic, A, Y, marked)
    return lambda times: each._make(np.tensordot(times, sums, 1) for sums in each)


@dataclass(frozen=True)
class Statistic:
    """What several metrics are computed from; `name` tells it from the others of a target."""

    name: str
    of: Callable[[Array, Array, Array], State]
    read: Callable[[State], Any]
    pool: Callable[[State, State], State] = add
    drawn: Callable[["Statistic", Array, Array, Array], Draw] = drawn_sums


@dataclass(frozen=True)
class Metric:
    """A figure (R,) of what a statistic reads; `each`: of each class or output, (R, K)."""

    statistic: Statistic
    figure: Callable[[Any], Array]
    smaller_is_better: bool = False
    each: Callable[[Any], Array] | None = None


def observed(metrics: Mapping[str, Metric], A: Array, Y: Array, w: Array | None = None) -> States:
    """The states of a block of examples: outputs A and Y (K, m), w (R, m) or all the same."""
    w = np.ones((1, A.shape[1])) if w is None else w
    return {known.name: known.of(A, Y, w) for known in _statistics(metrics)}


def pooled(metrics: Mapping[str, Metric], old: States, new: States) -> States:
    """The states of the examples of both; `old` may be that of none, {}."""
    if not old:
        return new
    return {s.name: s.pool(old[s.name], new[s.name]) for s in _statistics(metrics)}


def weighted_figures(metrics: Mapping[str, Metric], states: States) -> dict[str, Array]:
    """Each figure (R,)."""
    seen = {known.name: known.read(states[known.name]) for known in _statistics(metrics)}
    return {name: metric.figure(seen[metric.statistic.name]) for name, metric in metrics.items()}


def drawn_figures(
    metrics: Mapping[str, Metric], A: Array, Y: Array, w: Array, group: Array
) -> Callable[[Array], dict[str, Array]]:
    """Each figure (R,) as a function of how often each group was drawn (R, G), for weights and
    numbers of groups (m,), of which each has examples.
    """
    marked = np.stack([w, group])
    draws = {known.name: known.drawn(known, A, Y, marked) for known in _statistics(metrics)}

    def figures(times: Array) -> dict[str, Array]:
        seen = {name: draw(times) for name, draw in draws.items()}
        return {
            name: metric.figure(seen[metric.statistic.name]) for name, metric in metrics.items()
        }

    return figures


def of_groups(statistic: Statistic, A: Array, Y: Array, marked: Array) -> Any:
    """What a statistic reads of each group by itself: a NamedTuple of arrays (G, ...)."""
    group = marked[1].astype(np.int64)
    members = np.split(np.argsort(group, kind="stable"), np.bincount(group).cumsum()[:-1])
    each = [statistic.read(statistic.of(A[:, i], Y[:, i], marked[:1, i])) for i in members]
    return each[0]._make(np.concatenate(rows) for rows in zip(*each, strict=True))


def by_group(bins: Array, w: Array, group: Array, groups: int, size: int) -> Array:
    """Weights summed over the examples of each group in each bin, (G, size)."""
    at = group.astype(np.int64) * size + bins
    return np.bincount(at, w, groups * size).reshape(groups, size)


def figures_of(metrics: Mapping[str, Metric], states: States) -> Figures:
    """Each figure, by the first way to weigh the examples."""
    found = weighted_figures(metrics, states)
    return {name: float(values[0]) for name, values in found.items()}


def figures_of_each(metrics: Mapping[str, Metric], states: States) -> dict[str, Array]:
    """(K,): the figures of each class or output, where a metric has them."""
    seen = {known.name: known.read(states[known.name]) for known in _statistics(metrics)}
    return {
        name: metric.each(seen[metric.statistic.name])[0]
        for name, metric in metrics.items()
        if metric.each is not None
    }


class Sum(NamedTuple):
    """Each (R,): of something weighed, and of the weights."""

    total: Array
    weight: Array


def mean_of(name: str, costs: Callable[[Array, Array], Array], *, smaller: bool = False) -> Metric:
    """The mean over the examples of their costs(A, Y) (m,), whose docstring is its formula."""

    def sums(A: Array, Y: Array, w: Array) -> State:
        each = costs(A, Y)
        return w @ each, w @ np.ones_like(each)  # rounded alike: the mean of ones is 1

    @wraps(costs)
    def mean(found: Sum) -> Array:
        return ratio(found.total, found.weight)

    return Metric(Statistic(name, sums, lambda state: Sum(*state)), mean, smaller)


def of_restored(
    metrics: Mapping[str, Metric], restored: Callable[[Array], Array]
) -> dict[str, Metric]:
    """The same metrics of restored(A) and restored(Y), the numbers that these stand for."""

    def of(statistic: Statistic) -> Statistic:
        return replace(statistic, of=lambda A, Y, w: statistic.of(restored(A), restored(Y), w))

    return {name: replace(m, statistic=of(m.statistic)) for name, m in metrics.items()}


def ratio(above: Array, below: Array, otherwise: float = 0.0) -> Array:
    """above / below, and `otherwise` where that is not above 0."""
    above, below = np.broadcast_arrays(above, below)
    out = np.full(above.shape, otherwise)
    np.divide(above, below, out=out, where=below > 0)
    return out


def _statistics(metrics: Mapping[str, Metric]) -> list[Statistic]:
    """Each once."""
    return list({metric.statistic.name: metric.statistic for metric in metrics.values()}.values())
