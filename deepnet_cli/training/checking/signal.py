"""Whether x says anything of y that a constant does not: two guesses for examples left out.

    linear      the linear model of training/figures/baselines.py, fitted to one half for the other
    neighbors   the mean of y over the NEIGHBORS nearest examples, features standardized

Of a guess A the figure is z, the mean over the examples of <R(Y_i), R(A_i)> in its standard errors;
R are ranks, row by row, with mean 0 and deviation 1: of one row that is Spearman's correlation.
It is near 0 where x and y have nothing to do with each other, such as in files of another order.
"""

import numpy as np

from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.nn.losses import Loss
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.baselines import fitted

NEIGHBORS = 5
MULTIPLICATIONS = 2**31
"""For the distances of all from all, at most."""

TWICE = 2**0.5
"""A pair of neighbors counts twice at most, and so does a pair with one example in each half, whose
models are made of what they are held against: that much larger the error of the mean may be.
"""


def signal(loss: Loss, part: Part, seed: int) -> dict[str, float]:
    """z of each guess for a part; of none where y does not vary."""
    with np.errstate(all="ignore"):
        found = {"linear": _linear(loss, part, seed), "neighbors": _neighbors(part)}
    return {name: z for name, z in found.items() if np.isfinite(z)}


def _linear(loss: Loss, part: Part, seed: int) -> float:
    """Each half by the model of the other."""
    halves = slice(0, None, 2), slice(1, None, 2)
    products = []
    for here, there in (halves, halves[::-1]):
        model = fitted(loss, part.take(there), None, np.inf, seed).linear
        if model is None:
            return np.nan
        A = model.outputs(loss, part.rows[here])
        products.append((ranks(part.Y[:, here]) * ranks(A)).sum(axis=0))
    return _z(np.concatenate(products))


def _neighbors(part: Part) -> float:
    """Each by its nearest ones."""
    m = min(part.m, int(np.sqrt(MULTIPLICATIONS / part.features)))
    x, Y = part.rows[:m].astype(np.float64), ranks(part.Y[:, :m])
    deviation = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    squares = np.einsum("ij,ij->i", x, x)
    distance = squares[:, np.newaxis] + squares - 2 * x @ x.T
    np.fill_diagonal(distance, np.inf)
    nearest = np.argpartition(distance, NEIGHBORS, axis=1)[:, :NEIGHBORS]
    A = Y[:, nearest].mean(axis=2)
    return _z((Y * A).sum(axis=0))


def ranks(V: Array) -> Array:
    """Of each row of V (K, m) the ranks, equal ones where values are, with mean 0 and deviation 1;
    0 where a row does not vary.
    """
    R = np.empty(V.shape)
    for row, v in zip(R, V, strict=True):
        _, place, count = np.unique(v, return_inverse=True, return_counts=True)
        row[...] = (np.cumsum(count) - count / 2)[place]
    R -= R.mean(axis=1, keepdims=True)
    deviation = R.std(axis=1, keepdims=True)
    standard: Array = R / np.where(deviation > 0, deviation, 1.0)
    return standard


def _z(products: Array) -> float:
    return float(products.mean() / (TWICE * products.std() / np.sqrt(len(products))))
