"""All that labelled data say of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.reading.tables import Table
from deepnet_cli.nn.losses import Loss
from deepnet_cli.nn.metrics import (
    METRICS,
    Figures,
    Metric,
    States,
    drawn_figures,
    figures_of,
    figures_of_each,
    observed,
    pooled,
    top,
)
from deepnet_cli.nn.metrics.calibration import BINS, Calibration, binned, calibration
from deepnet_cli.nn.metrics.decided import CLASSES
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.evaluation import COST, Sums, costs, penalty, propagated
from deepnet_cli.training.figures.intervals import (
    GROUPS,
    RESAMPLES,
    Draws,
    Interval,
    dealt,
    intervals,
)
from deepnet_cli.training.kept.model import Model

MOST = 2**24
"""Examples times outputs that are kept, to be drawn again."""


@dataclass(frozen=True)
class Assessment:
    """Figures of the network and of its baselines, and what is behind them.

    `each` are those of each class or output (K,), by the names in `names`.
    """

    examples: int
    figures: Figures
    intervals: dict[str, Interval]
    resamples: int | None  # 0: there are too many examples; None: nobody asked
    baselines: dict[str, Figures]
    fitted_to: int  # examples, the linear baseline; 0 where there is none
    names: tuple[str, ...]
    each: dict[str, Array]
    confusion: Array | None = None  # (K, K), where there are classes
    calibration: Calibration | None = None  # where there are probabilities

    @cached_property
    def support(self) -> Array:
        """The weight (K,) of the examples of each class."""
        return np.zeros(0) if self.confusion is None else self.confusion.sum(axis=1)


def assess(model: Model, table: Table, *, resampled: bool = True) -> Assessment:
    """Measure a model on a table with y, whose weights weigh all figures; of class weights the
    cost alone knows.  Raises DataError.
    """
    supply, loss, K = model.supply(table), model.network.loss, model.network.sizes[-1]
    weights = np.ones(supply.m) if table.weights is None else table.weights
    metrics = {name: m for name, m in METRICS[loss.kind].items() if (top(name) or 0) < K}
    metrics = model.encoding.in_units(metrics)
    probable = loss.kind in ("binary", "class")
    resamples = None if not resampled else RESAMPLES if supply.m * K <= MOST else 0
    sums, bins = Sums(loss, metrics, supply.weights), np.zeros((3, BINS))
    others: dict[str, States] = {}
    seen: list[Sample] = []
    for block in propagated(model.network, model.theta, supply):
        w, (part, _, S, A) = weights[block.which], block
        sums.take(block, w)
        with np.errstate(all="ignore"):
            if probable:
                bins += binned(A, part.Y, w, loss.kind)
            baselines = {} if model.baselines is None else model.baselines.outputs(loss, part.rows)
            for name, other in baselines.items():
                state = observed(metrics, other, part.Y, w[np.newaxis])
                others[name] = pooled(metrics, others.get(name, {}), state)
        if resamples:
            seen.append(Sample(S, A, part.Y, w, w if part.weights is None else part.weights))
    added = penalty(model.objective, model.theta)
    linear = None if model.baselines is None else model.baselines.linear
    classes, told_apart = model.encoding.classes, loss.target in ("binary", "class")
    with np.errstate(all="ignore"):
        figures, between = {"cost": sums.J + added, **figures_of(metrics, sums.states)}, {}
        if resamples:
            draws = _draws(metrics, loss, Sample.joined(seen), added)
            between = intervals(draws, figures, min(supply.m, GROUPS))
        return Assessment(
            supply.m,
            figures,
            between,
            resamples,
            {name: figures_of(metrics, state) for name, state in others.items()},
            0 if linear is None else linear.examples,
            table.output_names(K) if classes is None else classes.names,
            {} if told_apart and classes is None else figures_of_each(metrics, sums.states),
            None if classes is None else sums.states[CLASSES.name][0][0],
            calibration(bins) if probable else None,
        )


class Sample(NamedTuple):
    """What figures are made of, for m examples: S, A and Y (K, m), their weights (m,) in metrics
    and in J.
    """

    S: Array
    A: Array
    Y: Array
    weights: Array
    in_J: Array

    @classmethod
    def joined(cls, blocks: Sequence["Sample"]) -> "Sample":
        """Those of all blocks."""
        return cls(*(np.concatenate(arrays, axis=-1) for arrays in zip(*blocks, strict=True)))


def _draws(metrics: Mapping[str, Metric], loss: Loss, seen: Sample, penalty: float) -> Draws:
    """All figures; J first."""
    S, A, Y, weights, in_J = seen
    group, J = dealt(len(weights)), costs(loss, S, Y)[np.newaxis]
    cost = drawn_figures(COST, J, J, in_J, group)
    figures = drawn_figures(metrics, A, Y, weights, group)
    return lambda times: {"cost": cost(times)["cost"] + penalty, **figures(times)}
