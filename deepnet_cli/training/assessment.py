"""All that labelled data say of a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deepnet_cli.data.batches import Part
from deepnet_cli.data.tables import Table
from deepnet_cli.nn.losses import Loss
from deepnet_cli.nn.metrics import (
    METRICS,
    Figures,
    Metric,
    figures_of,
    figures_of_each,
    observed,
    top,
    weighted_figures,
)
from deepnet_cli.nn.metrics.calibration import Calibration, calibration
from deepnet_cli.nn.metrics.decided import CLASSES
from deepnet_cli.nn.metrics.statistic import mean_of
from deepnet_cli.nn.types import Array
from deepnet_cli.training.evaluation import cost, scores
from deepnet_cli.training.intervals import Interval, affordable, intervals
from deepnet_cli.training.model import Model


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
    part, loss, K = model.part(table), model.network.loss, model.network.sizes[-1]
    weights = np.ones(part.m) if table.weights is None else table.weights
    metrics = {name: m for name, m in METRICS[loss.kind].items() if (top(name) or 0) < K}
    metrics = model.encoding.in_units(metrics)
    S = scores(model.network, model.theta, part.rows)
    with np.errstate(all="ignore"):
        A = loss.link.forward(S)
        J = cost(model.objective, model.theta, part, S)
        states = observed(metrics, A, part.Y, weights[np.newaxis])
        resamples = affordable(part.m, K) if resampled else None
        between = {}
        if resamples:
            penalty = float(np.real(model.objective.penalty(model.theta)))
            of_draws = _of_draws(metrics, loss, S, A, part, weights, penalty)
            between = intervals(of_draws, part.m, resamples)
        others = {} if model.baselines is None else model.baselines.outputs(loss, part.rows)
        baselines = {
            name: figures_of(metrics, observed(metrics, other, part.Y, weights[np.newaxis]))
            for name, other in others.items()
        }
    linear = None if model.baselines is None else model.baselines.linear
    classes, told_apart = model.encoding.classes, loss.target in ("binary", "class")
    return Assessment(
        part.m,
        {"cost": J, **figures_of(metrics, states)},
        between,
        resamples,
        baselines,
        0 if linear is None else linear.examples,
        table.output_names(K) if classes is None else classes.names,
        {} if told_apart and classes is None else figures_of_each(metrics, states),
        None if classes is None else states[CLASSES.name][0][0],
        calibration(A, part.Y, weights, loss.kind) if loss.kind in ("binary", "class") else None,
    )


def _of_draws(
    metrics: Mapping[str, Metric],
    loss: Loss,
    S: Array,
    A: Array,
    part: Part,
    weights: Array,
    penalty: float,
) -> Callable[[Array], dict[str, Array]]:
    """All figures as functions of how often each example was drawn (R, m); J first."""
    costs = loss.entries(S, part.Y).sum(axis=0, dtype=np.float64) / loss.outputs(part.Y)
    cost = {"cost": mean_of("cost", lambda *_: costs)}
    in_J = weights if part.weights is None else part.weights

    def figures(times: Array) -> dict[str, Array]:
        J = weighted_figures(cost, observed(cost, A, part.Y, times * in_J))["cost"] + penalty
        found = weighted_figures(metrics, observed(metrics, A, part.Y, times * weights))
        return {"cost": J, **found}

    return figures
