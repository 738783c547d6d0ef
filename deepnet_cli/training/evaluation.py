"""What a network makes of a whole part, a bounded number of examples at a time."""

from math import ceil
from typing import Protocol

import numpy as np

from deepnet_cli.data.batches import Part
from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn import metrics
from deepnet_cli.nn.metrics import Figures
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


def figures(objective: Objective, theta: Array, part: Part) -> Figures:
    """J, its weight penalty included as in training, and every metric on a part."""
    return measured(objective, theta, part, scores(objective.network, theta, part.rows))


def measured(objective: Objective, theta: Array, part: Part, S: Array) -> Figures:
    """The figures of a part whose scores S (n[L], m) are known."""
    loss = objective.network.loss
    with np.errstate(all="ignore"):
        J = loss.cost(S, part.Y, part.share) + objective.penalty(theta)
        told = metrics.figures(loss.link.forward(S), part.Y, loss.target, loss.threshold)
        return {"cost": float(J.real), **told}
