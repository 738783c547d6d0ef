"""The objective (theta, X, Y) -> (J, dJ/dtheta): all that training and the check see.

J = mean cost of the batch + penalties of W[1] ... W[L]
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from deepnet_cli.fused.blocks import lines
from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.losses import shares
from deepnet_cli.nn.network import Network, Watch, Workspace
from deepnet_cli.nn.ops.op import Windows
from deepnet_cli.nn.penalties import Penalty
from deepnet_cli.nn.types import Array, Cost

Seen = tuple[Array, Windows]
"""A vector (P,) and its blocks by name."""


def unwatched(k: int, dU: Array) -> None:
    """Nobody looks."""


@dataclass(frozen=True)
class Objective:
    """J and its gradient for a network; dropout draws the masks of update number `step`."""

    network: Network
    penalties: tuple[Penalty, ...] = ()
    _workspaces: dict[object, Workspace] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _gradients: dict[object, Seen] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _totals: dict[object, list[Array]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _last: list[Seen] = field(default_factory=list, init=False, repr=False, compare=False)

    @cached_property
    def evaluation(self) -> "Objective":
        """J as of the network that predicts: no dropout, norms by running statistics."""
        return replace(self, network=self.network.evaluation)

    def __call__(
        self,
        theta: Array,
        X: Array,
        Y: Array,
        weights: Array | None = None,
        step: int = 0,
        watch: Watch = unwatched,
    ) -> tuple[Cost, Array]:
        """J and dJ/dtheta (P,) for X (n[0], m), Y (n[L], m) and weights (m,) of the examples.

        `watch` is shown what the backward pass makes (see Network.backward).  The gradient is a
        buffer of the objective's own: the next call overwrites it.
        """
        work = self.workspace(X.shape[1], theta.dtype)
        work.share[...] = shares(weights, X.shape[1])
        self.network.draw(work, step)
        with np.errstate(all="ignore"):
            return self.swept(theta, X, Y, work, watch)

    def swept(
        self, theta: Array, X: Array, Y: Array, work: Workspace, watch: Watch = unwatched
    ) -> tuple[Cost, Array]:
        """The same, with the shares and the masks that are in `work`."""
        network, p = self.network, self.windows(theta)
        grad, g = self._gradient(theta.dtype)
        S = network.forward(p, X, work)
        network.loss.cost_and_gradient(S, Y, work.share, work.dS, work.costs, work.J)
        network.backward(p, work, g, watch)
        self.add_penalty_gradient(theta, grad)
        self.add_penalty(theta, work.J)
        J: Cost = work.J.item()
        return J, grad

    def cost(
        self, theta: Array, X: Array, Y: Array, weights: Array | None = None, step: int = 0
    ) -> Cost:
        """J alone, by the same forward pass."""
        network, work = self.network, self.workspace(X.shape[1], theta.dtype)
        network.draw(work, step)
        with np.errstate(all="ignore"):
            S = network.forward(self.windows(theta), X, work)
            J = network.loss.cost(S, Y, shares(weights, X.shape[1]))
            return J + self.penalty(theta)

    def scores(self, m: int, dtype: np.dtype[np.generic]) -> Array:
        """S (n[L], m) that the last step with m examples left: a buffer."""
        S: Array = self.workspace(m, dtype).caches[-1].U
        return S

    def hold(self, theta: Array) -> None:
        """Hold the weights in theta to what the layers allow."""
        if self.network.holds:
            self.network.hold(self.windows(theta))

    def track(self, theta: Array, m: int) -> None:
        """Move the running statistics in theta by those of the last batch of m examples."""
        if self.network.tracks:
            self.network.track(self.windows(theta), self.workspace(m, theta.dtype))

    @cached_property
    def fused(self) -> "Objective":
        """J by the network in fewer steps."""
        return replace(self, network=self.network.fused)

    def penalty(self, theta: Array) -> Cost:
        """What the size of the weights adds to J."""
        J = np.zeros((1, 1), np.result_type(theta.dtype, np.float64))
        self.add_penalty(theta, J)
        total: Cost = J.item()
        return total

    def add_penalty(self, theta: Array, J: Array) -> None:
        """Add it to J (1, 1)."""
        if not self.penalties:
            return
        parts = [
            (measure, part)
            for weights, measure, _ in self._passes
            for part in lines(theta[weights])
        ]
        if theta.dtype not in self._totals:
            self._totals[theta.dtype] = [np.empty((len(part), 1), J.dtype) for _, part in parts]
        for (measure, part), total in zip(parts, self._totals[theta.dtype], strict=True):
            measure(part, total)
            ADDED(total, J)

    def add_penalty_gradient(self, theta: Array, grad: Array) -> None:
        """Add the derivative of the penalties to a gradient (P,)."""
        for weights, _, add in self._passes:
            add(grad[weights], theta[weights])

    @cached_property
    def _passes(self) -> list[tuple[slice, Pass, Pass]]:
        """For each penalty: where its weights stand, its value of each line of them, and its
        gradient added to dW.
        """
        layout = self.network.layout
        return [(layout.weights_of(each.layers), *_passes_of(each)) for each in self.penalties]

    def windows(self, theta: Array) -> Windows:
        """The blocks of theta by name; those of the vector seen last are kept."""
        if not self._last or self._last[0][0] is not theta:
            self._last[:] = [(theta, self.network.layout.views(theta))]
        return self._last[0][1]

    def workspace(self, m: int, dtype: np.dtype[np.generic]) -> Workspace:
        """The buffers for batches of m examples."""
        if (m, dtype) not in self._workspaces:
            self._workspaces[m, dtype] = self.network.workspace(m, dtype)
        return self._workspaces[m, dtype]

    def gradient_of(self, dtype: np.dtype[np.generic]) -> Array:
        """The buffer (P,) that gradients of this precision are in."""
        return self._gradient(dtype)[0]

    def _gradient(self, dtype: np.dtype[np.generic]) -> Seen:
        """The one gradient of a precision; where theta holds running statistics it stays 0."""
        if dtype not in self._gradients:
            grad = np.zeros(self.network.layout.size, dtype)
            self._gradients[dtype] = grad, self.network.layout.views(grad)
        return self._gradients[dtype]


def _passes_of(penalty: Penalty) -> tuple[Pass, Pass]:
    def measure(W: Array, total: Array) -> None:
        np.sum(penalty.entries(W), axis=1, keepdims=True, out=total)

    def add(dW: Array, W: Array) -> None:
        dW += penalty.gradient(W)

    return Pass(measure, "fR", axis=1), Pass(add, "ff")


def _added(totals: Array, J: Array) -> None:
    J += np.sum(totals, axis=0, keepdims=True)


ADDED = Pass(_added, "fC", axis=0)
