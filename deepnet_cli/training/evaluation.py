"""What a network makes of a whole part, a bounded number of examples at a time."""

from collections.abc import Mapping
from math import ceil
from typing import Protocol

import numpy as np

from deepnet_cli.data.batches import Part
from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.losses import Loss
from deepnet_cli.nn.metrics import (
    Figures,
    Metric,
    States,
    figures_of,
    figures_of_each,
    observed,
    unmixed,
)
from deepnet_cli.nn.network import Network, Workspace
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array

VALUES = 2**19
"""About how many activations the widest layer has at a time, so that they stay in the cache."""


class Rows(Protocol):
    """Examples (m, n[0]) that a slice at a time is asked of: an array, or what makes one."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: slice, /) -> Array: ...


def scores(network: Network, theta: Array, rows: Rows) -> Array:
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


def figures(
    objective: Objective, theta: Array, part: Part, metrics: Mapping[str, Metric]
) -> Figures:
    """J, its weight penalty included as in training, and metrics of a part."""
    S, link = scores(objective.network, theta, part.rows), objective.network.loss.link
    with np.errstate(all="ignore"):
        J = cost(objective, theta, part, S)
        return {"cost": J, **figures_of(metrics, observed(metrics, link.forward(S), part.Y))}


def output_figures(
    objective: Objective, theta: Array, part: Part, metrics: Mapping[str, Metric]
) -> list[Figures]:
    """Of each of several numbers by itself."""
    S, link = scores(objective.network, theta, part.rows), objective.network.loss.link
    with np.errstate(all="ignore"):
        each = figures_of_each(metrics, observed(metrics, link.forward(S), part.Y))
    return [{name: float(each[name][k]) for name in each} for k in range(len(part.Y))]


def running_states(metrics: Mapping[str, Metric], loss: Loss, S: Array, Y: Array) -> States:
    """What metrics need of a batch that is trained on, from its S and Y (n[L], m)."""
    with np.errstate(all="ignore"):
        return observed(metrics, loss.link.forward(S), unmixed(Y, loss.kind))


def cost(objective: Objective, theta: Array, part: Part, S: Array) -> float:
    """J of a part whose scores S (n[L], m) are known."""
    J = objective.network.loss.cost(S, part.Y, part.share) + objective.penalty(theta)
    return float(J.real)
