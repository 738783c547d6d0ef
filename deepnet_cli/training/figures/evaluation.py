"""What a network makes of a whole part, a bounded number of examples at a time."""

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.dealing.parts import Part, Supply
from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.losses import Loss
from deepnet_cli.nn.metrics import (
    Figures,
    Metric,
    States,
    figures_of,
    figures_of_each,
    observed,
    pooled,
    unmixed,
)
from deepnet_cli.nn.metrics.statistic import mean_of
from deepnet_cli.nn.network import Network, Workspace
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array

EXAMPLES, VALUES = 2**13, 2**21
"""About how many there are at a time at most, and how many activations of the widest layer: small
networks are fastest where these stay in the cache, large ones where products are large.
"""


Late = Callable[[], bool]
"""Whether nobody waits for figures any more; where it was so once it stays so."""


class TooLateError(Exception):
    """Figures are not known by the time that they were wanted."""


def never() -> bool:
    """They are waited for, however long it takes."""
    return False


def scores(network: Network, theta: Array, rows: Array, late: Late = never) -> Array:
    """S (n[L], m) for rows (m, n[0]), as the network predicts: nothing is dropped.

    Raises TooLateError.
    """
    network, p = network.evaluation.fused, network.layout.views(theta)
    S = np.empty((network.sizes[-1], len(rows)), theta.dtype)
    count = ceil(len(rows) * max(1 / EXAMPLES, max(network.sizes[1:]) / VALUES))
    work: Workspace | None = None
    for i in blocks(len(rows), ceil(len(rows) / count)):
        if late():
            raise TooLateError
        X = rows[i].T
        if work is None or work.dS.shape[1] != X.shape[1]:
            work = network.workspace(X.shape[1], theta.dtype)
        with np.errstate(all="ignore"):
            S[:, i] = network.forward(p, X, work)
    return S


def figures(
    objective: Objective,
    theta: Array,
    supply: Supply,
    metrics: Mapping[str, Metric],
    late: Late = never,
) -> Figures:
    """J, its weight penalty included as in training, and metrics of examples.

    Raises TooLateError.
    """
    return output_figures(objective, theta, supply, metrics, late)[0]


def output_figures(
    objective: Objective,
    theta: Array,
    supply: Supply,
    metrics: Mapping[str, Metric],
    late: Late = never,
) -> tuple[Figures, list[Figures]]:
    """The same, and the metrics of each of several numbers by itself; of classes none."""
    J, states = measured(objective, theta, supply, metrics, late)
    with np.errstate(all="ignore"):
        whole = {"cost": J, **figures_of(metrics, states)}
        if objective.network.loss.kind not in ("number", "count") or supply.outputs == 1:
            return whole, []
        each = figures_of_each(metrics, states)
    return whole, [{name: float(each[name][k]) for name in each} for k in range(supply.outputs)]


def measured(
    objective: Objective,
    theta: Array,
    supply: Supply,
    metrics: Mapping[str, Metric],
    late: Late = never,
) -> tuple[float, States]:
    """J and what the metrics have seen of examples that count alike in them."""
    sums = Sums(objective.network.loss, metrics, supply.weights)
    for made in propagated(objective.network, theta, supply, late):
        sums.take(made)
    return sums.J + penalty(objective, theta), sums.states


class Propagated(NamedTuple):
    """Some examples, which of all they are, and what a network makes of them: S and A (n[L], m)."""

    part: Part
    which: slice
    S: Array
    A: Array


def propagated(
    network: Network, theta: Array, supply: Supply, late: Late = never
) -> Iterator[Propagated]:
    """All examples, block by block.  Raises TooLateError."""
    first = 0
    for part in supply.blocks():
        S = scores(network, theta, part.rows, late)
        with np.errstate(all="ignore"):
            A = network.loss.link.forward(S)
        yield Propagated(part, slice(first, first + part.m), S, A)
        first += part.m


class Sums:
    """J, without penalties, and what metrics have seen, of the blocks so far."""

    def __init__(self, loss: Loss, metrics: Mapping[str, Metric], weights: Array | None) -> None:
        self.loss, self.metrics = loss, metrics
        self.J, self.states = 0.0, States()
        self._unit = 1.0 if weights is None else float(weights.max()) or 1.0  # of those in J
        self._total = 0.0

    def take(self, made: Propagated, w: Array | None = None) -> None:
        """Another block, whose examples count w (m,) in the metrics, or alike."""
        part = made.part
        w = None if w is None else w[np.newaxis]
        with np.errstate(all="ignore"):
            J = float(self.loss.cost(made.S, part.Y, part.share).real)
            seen = observed(self.metrics, made.A, part.Y, w)
            self.states = pooled(self.metrics, self.states, seen)
        weight = part.m if part.weights is None else float((part.weights / self._unit).sum())
        self._total += weight
        if weight:
            self.J += (J - self.J) * (weight / self._total)


COST = {"cost": mean_of("cost", lambda J, _: J[0])}
"""The mean of the costs of examples, J (1, m) in the place of A."""


def costs(loss: Loss, S: Array, Y: Array) -> Array:
    """J of each example (m,) by itself, in float64, for S and Y (n[L], m)."""
    each: Array = loss.entries(S, Y).sum(axis=0, dtype=np.float64) / loss.outputs(Y)
    return each


def running_states(metrics: Mapping[str, Metric], loss: Loss, S: Array, Y: Array) -> States:
    """What metrics need of a batch that is trained on, from its S and Y (n[L], m)."""
    with np.errstate(all="ignore"):
        return observed(metrics, loss.link.forward(S), unmixed(Y, loss.kind))


def penalty(objective: Objective, theta: Array) -> float:
    """What theta adds to J by itself."""
    with np.errstate(all="ignore"):
        return float(np.real(objective.penalty(theta)))
