"""The objective (theta, X, Y) -> (J, dJ/dtheta): all that training and the check see.

J = mean cost of the batch + penalties of W[1] ... W[L]
"""

from dataclasses import dataclass, field

import numpy as np

from deepnet_cli.nn.blocks import blocks
from deepnet_cli.nn.network import Network, Workspace
from deepnet_cli.nn.penalties import Penalty
from deepnet_cli.nn.types import Array, Cost


@dataclass(frozen=True)
class Objective:
    """J and its gradient for a network."""

    network: Network
    penalties: tuple[Penalty, ...] = ()
    _workspaces: dict[object, Workspace] = field(default_factory=dict, repr=False, compare=False)
    _gradients: dict[object, Array] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, theta: Array, X: Array, Y: Array) -> tuple[Cost, Array]:
        """J and dJ/dtheta (P,) for X (n[0], m) and Y (n[L], m).

        The gradient is a buffer of the objective's own: the next call overwrites it.
        """
        work, grad = self._buffers(X.shape[1], theta.dtype)
        S = self.network.forward(theta, X, work)[-1]
        J = self.network.loss.cost_and_gradient(S, Y, out=work.dA[-1])
        self.network.backward(theta, X, work, grad)
        weights = self.network.layout.weights
        W, dW = theta[weights], grad[weights]
        for penalty in self.penalties:
            for block in blocks(W.size):
                dW[block] += penalty.gradient(W[block])
        return J + self.penalty(theta), grad

    def cost(self, theta: Array, X: Array, Y: Array) -> Cost:
        """J alone, by the same forward pass."""
        work, _ = self._buffers(X.shape[1], theta.dtype)
        S = self.network.forward(theta, X, work)[-1]
        return self.network.loss.cost(S, Y) + self.penalty(theta)

    def penalty(self, theta: Array) -> Cost:
        """What the size of the weights adds to J."""
        W = theta[self.network.layout.weights]
        total: Cost = 0.0
        for penalty in self.penalties:
            for block in blocks(W.size):
                total += penalty.value(W[block])
        return total

    def _buffers(self, m: int, dtype: np.dtype[np.generic]) -> tuple[Workspace, Array]:
        if (m, dtype) not in self._workspaces:
            self._workspaces[m, dtype] = self.network.workspace(m, dtype)
        if dtype not in self._gradients:
            self._gradients[dtype] = np.empty(self.network.layout.size, dtype)
        return self._workspaces[m, dtype], self._gradients[dtype]
