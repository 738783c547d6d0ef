"""What a network makes of a whole part, a bounded number of examples at a time."""

import time
from collections.abc import Mapping
from math import ceil, inf

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
from deepnet_cli.nn.network import Network, Workspace
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array

VALUES = 2**19
"""About how many activations the widest layer has at a time, so that they stay in the cache."""


def scores(network: Network, theta: Array, rows: Array) -> Array:
    """S (n[L], m) for rows (m, n[0]), as the network predicts: nothing is dropped."""
    network, p = network.evaluation.fused, network.layout.views(theta)
    S = np.empty((network.sizes[-1], len(rows)), theta.dtype)
    count = ceil(len(rows) * max(network.sizes[1:]) / VALUES)
    work: Workspace | None = None
    for i in blocks(len(rows), ceil(len(rows) / count)):
        X = rows[i].T
        if work is None or work.dS.shape[1] != X.shape[1]:
            work = network.workspace(X.shape[1], theta.dtype)
        with np.errstate(all="ignore"):
            S[:, i] = network.forward(p, X, work)
    return S


class TooLateError(Exception):
    """Figures are not known by the time that they were wanted."""


def figures(
    objective: Objective,
    theta: Array,
    supply: Supply,
    metrics: Mapping[str, Metric],
    until: float = inf,
) -> Figures:
    """J, its weight penalty included as in training, and metrics of examples.

    Raises TooLateError where they are not known when the clock (time.monotonic) is at `until`.
    """
    J, states = measured(objective, theta, supply, metrics, until)
    with np.errstate(all="ignore"):
        return {"cost": J, **figures_of(metrics, states)}


def output_figures(
    objective: Objective,
    theta: Array,
    supply: Supply,
    metrics: Mapping[str, Metric],
    until: float = inf,
) -> list[Figures]:
    """Of each of several numbers by itself; likewise."""
    _, states = measured(objective, theta, supply, metrics, until)
    with np.errstate(all="ignore"):
        each = figures_of_each(metrics, states)
    return [{name: float(each[name][k]) for name in each} for k in range(supply.outputs)]


def measured(
    objective: Objective,
    theta: Array,
    supply: Supply,
    metrics: Mapping[str, Metric],
    until: float = inf,
) -> tuple[float, States]:
    """J and what the metrics have seen of examples that count alike in them, block by block."""
    network, states, J = objective.network, States(), Mean(supply.weights)
    for part in supply.blocks():
        if time.monotonic() > until:
            raise TooLateError
        S = scores(network, theta, part.rows)
        with np.errstate(all="ignore"):
            J.take(float(network.loss.cost(S, part.Y, part.share).real), part)
            A = network.loss.link.forward(S)
            states = pooled(metrics, states, observed(metrics, A, part.Y))
    return J.value + penalty(objective, theta), states


class Mean:
    """The mean of what each block has, as much as its examples weigh."""

    def __init__(self, weights: Array | None) -> None:
        self.value, self._total = 0.0, 0.0
        self._unit = 1.0 if weights is None else float(weights.max()) or 1.0

    def take(self, value: float, part: Part) -> None:
        """Another block's value."""
        weight = part.m if part.weights is None else float((part.weights / self._unit).sum())
        self._total += weight
        if weight:
            self.value += (value - self.value) * (weight / self._total)


def running_states(metrics: Mapping[str, Metric], loss: Loss, S: Array, Y: Array) -> States:
    """What metrics need of a batch that is trained on, from its S and Y (n[L], m)."""
    with np.errstate(all="ignore"):
        return observed(metrics, loss.link.forward(S), unmixed(Y, loss.kind))


def penalty(objective: Objective, theta: Array) -> float:
    """What theta adds to J by itself."""
    with np.errstate(all="ignore"):
        return float(np.real(objective.penalty(theta)))
