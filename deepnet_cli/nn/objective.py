"""The objective (theta, X, Y) -> (J, dJ/dtheta): all that training and the check see.

    J = mean cost of the batch + lambda / (2m) * sum over l of ||W[l]||^2

m is the number of training examples, whatever the width of the batch, so that the sum
of J over an epoch's batches weighs the penalty as one full batch does.
"""

from dataclasses import dataclass, field

import numpy as np

from deepnet_cli.nn.blocks import blocks
from deepnet_cli.nn.network import Network, Workspace
from deepnet_cli.nn.types import Array, Cost


@dataclass(frozen=True)
class Objective:
    """J and its gradient for a network whose weights decay by `decay` = lambda / m."""

    network: Network
    decay: float = 0.0
    _workspaces: dict[object, Workspace] = field(default_factory=dict, repr=False, compare=False)
    _gradients: dict[object, Array] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, theta: Array, X: Array, Y: Array) -> tuple[Cost, Array]:
        """J and dJ/dtheta (P,) for X (n[0], m) and Y (n[L], m).

        The gradient is a buffer of the objective's own: the next call overwrites it.
        """
        work, grad = self._buffers(X.shape[1], theta.dtype)
        A = self.network.forward(theta, X, out=work.A)
        J = self.network.loss.cost_and_gradient(A[-1], Y, out=work.dA[-1])
        self.network.backward(theta, A, work.dA, grad)
        if self.decay:
            weights, dW = theta[self.network.layout.weights], grad[self.network.layout.weights]
            for block in blocks(weights.size):
                dW[block] += self.decay * weights[block]
        return J + self.penalty(theta), grad

    def cost(self, theta: Array, X: Array, Y: Array) -> Cost:
        """J alone, by the same forward pass."""
        work, _ = self._buffers(X.shape[1], theta.dtype)
        S = self.network.forward(theta, X, out=work.A)[-1]
        return self.network.loss.cost(S, Y) + self.penalty(theta)

    def penalty(self, theta: Array) -> Cost:
        """lambda / (2m) * sum ||W||^2"""
        if not self.decay:
            return 0.0
        weights = theta[self.network.layout.weights]
        wide = np.result_type(theta.dtype, np.float64)
        total: Cost = 0.0
        for block in blocks(weights.size):
            W = weights[block].astype(wide)
            total += (W @ W).item()
        return self.decay / 2 * total

    def _buffers(self, m: int, dtype: np.dtype[np.generic]) -> tuple[Workspace, Array]:
        if (m, dtype) not in self._workspaces:
            self._workspaces[m, dtype] = self.network.workspace(m, dtype)
        if dtype not in self._gradients:
            self._gradients[dtype] = np.empty(self.network.layout.size, dtype)
        return self._workspaces[m, dtype], self._gradients[dtype]
