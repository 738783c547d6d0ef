"""How much of what there is to explain a cost leaves.

    zero        J of scores that are 0: of K classes that are equally likely ln K
    constant    the smallest J of scores that are the same for every example
    floor       the smallest J of scores that are free for each example
    explained   (constant - J) / (constant - floor): 0 as a constant, 1 as good as can be

It is the share of the deviance, which of the squared error is R^2 (McCullagh and Nelder,
Generalized Linear Models, 1989, section 2.3).  They are found by L-BFGS, so that a loss need not
know them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepnet_cli.nn.losses import Loss, shares
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.lbfgs import minimize

STEPS = 60


@dataclass(frozen=True)
class Scale:
    """What J of some examples is held against."""

    zero: float
    constant: float
    floor: float

    @property
    def empty(self) -> bool:
        """Whether there is nothing to explain: a constant does as well as anything."""
        return not self.constant - self.floor > 1e-9 * max(1.0, abs(self.constant))

    def explained(self, J: float) -> float:
        """The share that J does not leave."""
        return (self.constant - J) / (self.constant - self.floor)


def scale_of(loss: Loss, Y: Array, weights: Array | None = None) -> Scale:
    """For examples Y (K, m) and their weights (m,)."""
    Y, share = np.asarray(Y, np.float64), shares(weights, Y.shape[1])
    with np.errstate(all="ignore"):
        ones = np.ones((1, Y.shape[1]))
        constant = _smallest(loss, Y, share, lambda theta: theta[:, np.newaxis] * ones, len(Y))
        floor = _smallest(loss, Y, share, lambda theta: theta.reshape(Y.shape), Y.size)
        zero = float(np.real(loss.cost(np.zeros(Y.shape), Y, share)))
    return Scale(zero, constant, min(floor, constant))


def _smallest(
    loss: Loss, Y: Array, share: Array, scores: Callable[[Array], Array], count: int
) -> float:
    """The smallest J of scores S (K, m) that `count` numbers give."""
    dS = np.empty(Y.shape)

    def J(theta: Array) -> tuple[float, Array]:
        cost = loss.cost_and_gradient(np.ascontiguousarray(scores(theta)), Y, share, dS)
        gradient = dS.sum(axis=1) if count < Y.size else dS.reshape(-1)
        return float(np.real(cost)), gradient.copy()

    return J(minimize(J, np.zeros(count), STEPS, tolerance=1e-9))[0]
