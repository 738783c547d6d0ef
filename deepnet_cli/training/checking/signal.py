"""Whether x says anything of y that a constant does not: two guesses for examples left out.

    linear      the linear model of training/baselines.py, fitted to one half for the other
    neighbors   the mean of y over the NEIGHBORS nearest examples, features standardized

Of a guess A, centered as Y is, the figure is z, the mean of <Y_i, A_i> in its standard errors: near
0 where x and y have nothing to do with each other, such as in files of another order.
"""

import numpy as np

from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.nn.losses import Loss
from deepnet_cli.nn.types import Array
from deepnet_cli.training.baselines import fitted

NEIGHBORS = 5
MULTIPLICATIONS = 2**31
"""For the distances of all from all, at most."""

TWICE = 2**0.5
"""A pair of neighbors counts twice at most: that much larger the error of their mean may be."""


def signal(loss: Loss, part: Part, seed: int) -> dict[str, float]:
    """z of each guess for a part."""
    Y = part.Y.astype(np.float64)
    deviation = Y.std(axis=1, keepdims=True)
    Y = (Y - Y.mean(axis=1, keepdims=True)) / np.where(deviation > 0, deviation, 1.0)
    with np.errstate(all="ignore"):
        found = {"linear": _linear(loss, part, Y, seed), "neighbors": _neighbors(part, Y)}
    return {name: z for name, z in found.items() if np.isfinite(z)}


def _linear(loss: Loss, part: Part, Y: Array, seed: int) -> float:
    """Each half by the model of the other."""
    halves = slice(0, None, 2), slice(1, None, 2)
    products = []
    for here, there in (halves, halves[::-1]):
        model = fitted(loss, part.take(there), None, np.inf, seed).linear
        if model is None:
            return np.nan
        A = model.outputs(loss, part.rows[here])
        A = A - A.mean(axis=1, keepdims=True)
        own = Y[:, here] - Y[:, here].mean(axis=1, keepdims=True)
        products.append((own * A).sum(axis=0))
    return _z(np.concatenate(products))


def _neighbors(part: Part, Y: Array) -> float:
    """Each by its nearest ones."""
    m = min(part.m, int(np.sqrt(MULTIPLICATIONS / part.features)))
    x = part.rows[:m].astype(np.float64)
    deviation = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    squares = np.einsum("ij,ij->i", x, x)
    distance = squares[:, np.newaxis] + squares - 2 * x @ x.T
    np.fill_diagonal(distance, np.inf)
    nearest = np.argpartition(distance, NEIGHBORS, axis=1)[:, :NEIGHBORS]
    A = Y[:, nearest].mean(axis=2)
    return _z((Y[:, :m] * A).sum(axis=0)) / TWICE


def _z(products: Array) -> float:
    return float(products.mean() / (products.std() / np.sqrt(len(products))))
