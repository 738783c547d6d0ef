"""What a network makes of a whole part, a bounded number of examples at a time."""

import numpy as np

from deepnet_cli.data.batches import Part
from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.metrics import FIGURES, Figures
from deepnet_cli.nn.network import Network, Workspace
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array

VALUES = 2**22
"""About how many activations the widest layer has at a time."""


def scores(network: Network, theta: Array, rows: Array) -> Array:
    """S (n[L], m) for rows (m, n[0]), as the network predicts: nothing is dropped."""
    network, p = network.evaluation.fused, network.layout.views(theta)
    S = np.empty((network.sizes[-1], len(rows)), theta.dtype)
    width = max(1, VALUES // max(network.sizes[1:]))
    work: Workspace | None = None
    for i in blocks(len(rows), min(width, len(rows))):
        X = rows[i].T
        if work is None or work.dS.shape[1] != X.shape[1]:
            work = network.workspace(X.shape[1], theta.dtype)
        with np.errstate(all="ignore"):
            S[:, i] = network.forward(p, X, work)
    return S


def figures(objective: Objective, theta: Array, part: Part) -> Figures:
    """J, its weight penalty included as in training, and every metric on a part."""
    loss = objective.network.loss
    S = scores(objective.network, theta, part.rows)
    with np.errstate(all="ignore"):
        J = loss.cost(S, part.Y, part.share) + objective.penalty(theta)
        return {"cost": float(J.real), **FIGURES[loss.target](loss.link.forward(S), part.Y)}
