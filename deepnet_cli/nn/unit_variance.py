"""First weights fitted to data: layer-sequential unit variance.

LSUV (Mishkin and Matas, 2016, https://arxiv.org/abs/1511.06422): from the first layer to the
last, W[l] is divided by the standard deviation of Z[l] over a batch, that of all its entries
around their mean.  The layers below are as they will be, norms and dropout included.

Their loop divides until the variance is near 1.  Here b[l] is 0 and the batch is the same
throughout, so that Z[l] is linear in W[l], and one division leaves nothing to repeat.
"""

import numpy as np

from deepnet_cli.nn.network import Network
from deepnet_cli.nn.types import Array


def unit_variance(network: Network, theta: Array, X: Array, step: int, known: int = 0) -> None:
    """Divide each W[l] in theta (P,) behind the first `known` layers, which are as they will be,
    for X (n[0], m) and the masks of update number `step`.
    """
    p, work, V = network.layout.views(theta), network.workspace(X.shape[1], theta.dtype), X
    network.draw(work, step)
    with np.errstate(all="ignore"):
        for k, op in enumerate(network.ops):
            V = network.forward(p, V, work, k, k + 1)
            if op.kind == "affine" and op.layer > known:
                divisor = _deviation(V)
                p[f"W{op.layer}"] /= divisor
                V /= divisor


def _deviation(Z: Array) -> float:
    """That of Z; 1 where Z is the same everywhere but for rounding, or is not finite."""
    mean, deviation = float(Z.mean(dtype=float)), float(Z.std(dtype=float))
    rounding = float(np.sqrt(np.finfo(Z.dtype).eps)) * abs(mean)
    return deviation if rounding < deviation < np.inf else 1.0


FITTINGS = {"lsuv": unit_variance}
"""What fits the weights that an initializer drew to the first batch, by the initializer's name."""
