"""The L-layer network: a chain of steps, as functions of one parameter vector.

    forward     Z[l] = W[l] A[l-1] + b[l]       A[l] = g[l](Z[l])       A[0] = X
    backward    dZ[l] = dA[l] * g[l]'(Z[l])     dW[l] = dZ[l] A[l-1]^T
                db[l] = sum over examples of dZ[l]                      dA[l-1] = W[l]^T dZ[l]

Between Z[l] and A[l] there may be a norm, behind A[l] dropout.  Each of these is a step
that knows its own way back (ops/); a network is their order, and nothing more.

The 1/m of the course is in dS when it arrives here, so it is multiplied in once and not
in each dW and db.  dA[0] is never computed.  Where the loss carries g[L] inside (see
losses), the chain ends at Z[L]: the last values are the scores S.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from deepnet_cli.fused.team import Team
from deepnet_cli.nn.initializers import Initializer
from deepnet_cli.nn.layer import Layer
from deepnet_cli.nn.losses import Loss
from deepnet_cli.nn.max_norm import HOLD
from deepnet_cli.nn.ops.activate import Activate
from deepnet_cli.nn.ops.affine import Affine
from deepnet_cli.nn.ops.dense import Dense
from deepnet_cli.nn.ops.op import Op, Windows
from deepnet_cli.nn.parameters import Layout
from deepnet_cli.nn.products import Product
from deepnet_cli.nn.types import Array

Watch = Callable[[int, Array], object]


@dataclass(frozen=True)
class Workspace:
    """Every array that a training step writes, for batches of one width m."""

    caches: list[Any]  # one a step
    dS: Array  # (n[L], m)
    costs: Array  # (1, m), in float64 or complex128: each example's part of J
    J: Array  # (1, 1), their sum
    share: Array  # (m,), in float64: each example's share of the mean


@dataclass(frozen=True)
class Network:
    """n[0], the layers, the loss, and the chain of steps that they make."""

    features: int
    layers: tuple[Layer, ...]
    loss: Loss
    ops: tuple[Op[Any], ...]

    @classmethod
    def of(cls, features: int, layers: Sequence[Layer], loss: Loss) -> "Network":
        """The network in training mode.  Raises ValueError for layers that make no sense."""
        output = layers[-1].activation
        if not loss.takes(output):
            raise ValueError(f"{loss.name} does not take the output activation {output.name}")
        if layers[-1].dropout or layers[-1].alpha_dropout:
            raise ValueError("dropout behind the output layer")
        if all(layer.frozen for layer in layers):
            raise ValueError("every layer is frozen")
        for layer in layers:
            if layer.bits is None and (layer.dropout or layer.alpha_dropout):
                raise ValueError("dropout without bits to draw from")
            if layer.dropout and layer.alpha_dropout:
                raise ValueError("dropout of two kinds behind one layer")
            if layer.batch_norm is not None and layer.layer_norm is not None:
                raise ValueError("a batch norm and a layer norm in one layer")
        ops: list[Op[Any]] = []
        for l, layer in enumerate(layers, start=1):
            ops += layer.steps(l, layers[l - 2].units if l > 1 else features)
        if output is loss.link:
            ops.pop()  # the loss carries it
        for op in ops:
            if isinstance(op, Activate) and op.g.link_only:
                raise ValueError(f"{op.g.name} is an output activation only, of its own loss")
        return cls(features, tuple(layers), loss, tuple(ops))

    def multiplied_by(self, multiply: Product) -> "Network":
        """The same, trained by other products."""
        layers = [replace(layer, multiply=multiply) for layer in self.layers]
        return Network.of(self.features, layers, self.loss)

    @property
    def team(self) -> Team | None:
        """The threads that multiply in training, where they can share passes."""
        return self.layers[0].multiply.team

    @cached_property
    def evaluation(self) -> "Network":
        """The same network as it predicts: without dropout, norms by running statistics."""
        steps = (op.evaluation() for op in self.ops)
        return replace(self, ops=tuple(op for op in steps if op is not None))

    @cached_property
    def fused(self) -> "Network":
        """The same network in fewer steps: what training and predicting run."""
        ops: list[Op[Any]] = []
        for op in self.ops:
            before = ops[-1] if ops else None
            if isinstance(op, Activate) and isinstance(before, Affine) and before.bias:
                dense = Dense(before, op)
                ops[-1] = dense.frozen() if self.layers[op.layer - 1].frozen else dense
            else:
                ops.append(op)
        return replace(self, ops=tuple(ops))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """n[0], n[1], ..., n[L]"""
        return (self.features, *(layer.units for layer in self.layers))

    @cached_property
    def layout(self) -> Layout:
        """Where each parameter stands in theta."""
        return Layout(
            tuple(
                (name, replace(block, rate_factor=self.layers[op.layer - 1].rate_factor))
                for op in self.ops
                for name, block in op.blocks.items()
            )
        )

    def input_of(self, k: int) -> str:
        """How the input of step k is called: X, Z1, A1, ..."""
        return self.ops[k - 1].node if k else "X"

    @cached_property
    def first(self) -> int:
        """The first step with parameters that are trained: where the way back ends."""
        return next(k for k, op in enumerate(self.ops) if not self.layers[op.layer - 1].frozen)

    @property
    def floats(self) -> int:
        """Numbers in a workspace for each example."""
        return self.sizes[-1] + sum(op.floats for op in self.ops)

    def initialize(self, initializers: Sequence[Initializer], rng: np.random.Generator) -> Array:
        """A first theta (P,) in float64: W[l] drawn by the l-th initializer."""
        theta = self.layout.start()
        p = self.layout.views(theta)
        for l, initializer in enumerate(initializers, start=1):
            p[f"W{l}"][...] = initializer.draw(rng, *p[f"W{l}"].shape)
        return theta

    def workspace(self, m: int, dtype: np.dtype[np.generic]) -> Workspace:
        """Buffers for batches of m examples; what is never written costs no memory."""
        caches: list[Any] = []
        V = np.empty((self.features, m), dtype)  # X itself stands outside
        for op in self.ops:
            caches.append(op.cache(m, dtype, V))
            V = caches[-1].U
        costs = np.empty((1, m), np.result_type(dtype, np.float64))
        dS, J = np.empty((self.sizes[-1], m), dtype), np.empty((1, 1), costs.dtype)
        return Workspace(caches, dS, costs, J, np.empty(m))

    def draw(self, work: Workspace, step: int) -> None:
        """Draw what is random in update number `step`."""
        for k in self._drawing:
            self.ops[k].draw(work.caches[k], step)

    def forward(
        self, p: Windows, V: Array, work: Workspace, start: int = 0, stop: int | None = None
    ) -> Array:
        """S (n[L], m) from X (n[0], m); or from the input V of one step to that of another."""
        V = V.astype(work.dS.dtype, copy=False)  # complex, where a complex step is taken
        for op, cache in zip(self.ops[start:stop], work.caches[start:stop], strict=True):
            V = op.forward(p, V, cache)
        return V

    def backward(self, p: Windows, work: Workspace, g: Windows, watch: Watch) -> None:
        """From dJ/dS in work.dS to the gradients g, by what the forward pass left in `work`.

        watch(k, dU) is shown the derivative by the output of each step k, from the last to
        the first that is trained, before it is overwritten.
        """
        dU = work.dS
        for k in reversed(range(self.first, len(self.ops))):
            watch(k, dU)
            op, cache = self.ops[k], work.caches[k]
            op.backward(p, dU, cache, g)
            if k > self.first:
                dU = op.pull(p, dU, cache)

    @property
    def holds(self) -> bool:
        """Whether some weights are held to a norm."""
        return bool(self._limits)

    def hold(self, p: Windows) -> None:
        """Hold the weights to what their layers allow."""
        for name, limit in self._limits.items():
            HOLD(p[name], limit)

    @property
    def draws(self) -> bool:
        """Whether anything is random in an update."""
        return bool(self._drawing)

    @property
    def tracks(self) -> bool:
        """Whether there are running statistics."""
        return bool(self._tracking)

    def track(self, p: Windows, work: Workspace) -> None:
        """Move the running statistics in theta by those of the batch in `work`."""
        for k in self._tracking:
            self.ops[k].track(p, work.caches[k])

    @cached_property
    def _limits(self) -> dict[str, float]:
        return {
            f"W{l}": layer.max_norm
            for l, layer in enumerate(self.layers, start=1)
            if layer.max_norm is not None and not layer.frozen
        }

    @cached_property
    def _drawing(self) -> list[int]:
        return [k for k, op in enumerate(self.ops) if type(op).draw is not Op.draw]

    @cached_property
    def _tracking(self) -> list[int]:
        return [k for k, op in enumerate(self.ops) if type(op).track is not Op.track]
