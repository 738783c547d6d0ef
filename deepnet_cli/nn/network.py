"""The L-layer network, as functions of one parameter vector.

    forward     Z[l] = W[l] A[l-1] + b[l]       A[l] = g[l](Z[l])       A[0] = X
    backward    dZ[l] = dA[l] * g[l]'(Z[l])     dW[l] = dZ[l] A[l-1]^T
                db[l] = sum over examples of dZ[l]                      dA[l-1] = W[l]^T dZ[l]

The 1/m of the course is in dA[L] when it arrives here, so it is multiplied in once and
not in each dW and db.  dA[0] is never computed.

A network holds no arrays.  W[l] and b[l] exist only as windows onto the vector at hand:
theta when reading, its gradient when writing.  Where the loss carries g[L] inside (see
losses), the forward pass ends at Z[L]: these last values are the scores S.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.blocks import in_blocks
from deepnet_cli.nn.initializers import Initializer
from deepnet_cli.nn.losses import Loss
from deepnet_cli.nn.parameters import Layout
from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Workspace:
    """Every array that a training step writes, for batches of one width m."""

    Z: list[Array]  # Z[1] ... Z[L], each (n[l], m): the very A[l] unless g'[l] needs Z[l]
    A: list[Array]  # A[1] ... A[L]
    dA: list[Array]  # the gradients of A[1] ... A[L]; each becomes dZ[l] in place


@dataclass(frozen=True)
class Network:
    """Sizes (n[0], ..., n[L]), activations (g[1], ..., g[L]) and the loss."""

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: Loss

    def __post_init__(self) -> None:
        if len(self.activations) != len(self.sizes) - 1:
            raise ValueError("one activation for each layer")
        if self.activations[-1] is not self.loss.link and self.loss.link.name != "linear":
            raise ValueError(f"{self.loss.name} needs the output activation {self.loss.link.name}")
        if not all(g.elementwise for g in self.applied):
            raise ValueError("a hidden activation works on each entry by itself")

    @cached_property
    def layout(self) -> Layout:
        """Where each W and b stands in theta."""
        return Layout(self.sizes)

    @cached_property
    def applied(self) -> tuple[Activation, ...]:
        """The activations as the forward pass applies them: g[L] may be the loss's to apply."""
        if self.activations[-1] is self.loss.link:
            return (*self.activations[:-1], ACTIVATIONS["linear"])
        return self.activations

    def initialize(self, initializers: Sequence[Initializer], rng: np.random.Generator) -> Array:
        """A first theta (P,) in float64: W[l] drawn by the l-th initializer, b zero."""
        theta = np.zeros(self.layout.size)
        weights, _ = self.layout.split(theta)
        for W, initializer in zip(weights, initializers, strict=True):
            W[...] = initializer.draw(rng, *W.shape)
        return theta

    def workspace(self, m: int, dtype: np.dtype[np.generic]) -> Workspace:
        """Buffers for batches of m examples."""
        A = [np.empty((n, m), dtype) for n in self.sizes[1:]]
        Z = [np.empty_like(a) if g.keeps_Z else a for g, a in zip(self.applied, A, strict=True)]
        return Workspace(Z, A, [np.empty_like(a) for a in A])

    def forward(self, theta: Array, X: Array, work: Workspace | None = None) -> list[Array]:
        """[A[0] = X, A[1], ..., A[L] = S], each (n[l], m), in the buffers of `work` if given."""
        work = work or self.workspace(X.shape[1], theta.dtype)
        A = [X, *work.A]
        W, b = self.layout.split(theta)
        for l, g in enumerate(self.applied):  # layer l+1 of the equations maps A[l] to A[l+1]
            Z = np.matmul(W[l], A[l], out=work.Z[l])
            Z += b[l]
            in_blocks(g.forward, Z, A[l + 1])
        return A

    def backward(self, theta: Array, X: Array, work: Workspace, grad: Array) -> None:
        """From dJ/dS in work.dA[-1] to `grad` (P,), by what the forward pass left in `work`."""
        W, _ = self.layout.split(theta)
        dW, db = self.layout.split(grad)
        A = [X, *work.A]
        for l in reversed(range(len(W))):
            dZ = work.dA[l]
            in_blocks(self.applied[l].backward, dZ, work.Z[l], dZ)
            np.matmul(dZ, A[l].T, out=dW[l])
            np.sum(dZ, axis=1, keepdims=True, out=db[l])
            if l > 0:
                np.matmul(W[l].T, dZ, out=work.dA[l - 1])
