"""A[l] = g[l](W[l] A[l-1] + b[l]): two steps of the chain with one trip over the numbers each way.

    forward     Z = W A_prev                A = g(Z + b)            in one pass
    backward    dZ = dA * g'(Z), db = sum of dZ over examples       in one pass
                dW = dZ A_prev^T

Each formula is that of the step which it belongs to, Affine or Activate.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.ops.activate import Activate, ActivateCache
from deepnet_cli.nn.ops.affine import Affine, AffineCache
from deepnet_cli.nn.ops.op import Op, Windows
from deepnet_cli.nn.parameters import Block
from deepnet_cli.nn.types import Array


@dataclass
class DenseCache:
    """U = A (n[l], m), and the caches of the two steps."""

    U: Array
    affine: AffineCache
    activate: ActivateCache


@dataclass(frozen=True)
class Dense(Op[DenseCache]):
    """An affine step and the activation behind it."""

    affine: Affine
    activate: Activate
    kind: ClassVar[str] = "dense"
    letter: ClassVar[str] = "A"

    @property
    def layer(self) -> int:  # type: ignore[override]
        return self.affine.layer

    @property
    def units(self) -> int:  # type: ignore[override]
        return self.affine.units

    @property
    def blocks(self) -> dict[str, Block]:
        return self.affine.blocks

    @property
    def complex_step(self) -> bool:
        return self.activate.complex_step

    @property
    def kinks(self) -> tuple[float, ...]:
        return self.activate.kinks

    @property
    def floats(self) -> int:
        return self.affine.floats + self.activate.floats

    def cache(self, m: int, dtype: np.dtype[np.generic], V: Array) -> DenseCache:
        affine = self.affine.cache(m, dtype, V)
        activate = self.activate.cache(m, dtype, affine.U)
        return DenseCache(activate.U, affine, activate)

    @cached_property
    def _forward(self) -> Pass:
        forward = self.activate.g.forward

        def in_place(Z: Array, b: Array) -> None:
            Z += b
            forward(Z, out=Z)

        def keeping(Z: Array, b: Array, A: Array) -> None:
            Z += b
            forward(Z, out=A)

        if self.activate.g.keeps_Z:
            return Pass(keeping, "frf", axis=1)
        return Pass(in_place, "fr", axis=1)

    @cached_property
    def _backward(self) -> Pass:
        backward = self.activate.g.backward

        def dZ_and_db(dZ: Array, kept: Array, db: Array) -> None:
            backward(dZ, kept, out=dZ)
            np.sum(dZ, axis=1, keepdims=True, out=db)

        return Pass(dZ_and_db, "ffr", axis=1)

    def forward(self, p: Windows, V: Array, c: DenseCache) -> Array:
        Z = self.affine.product(p, V, c.affine)
        if self.activate.g.keeps_Z:
            self._forward(Z, p[self.affine.b], c.U)
        else:
            self._forward(Z, p[self.affine.b])
        return c.U

    def backward(self, p: Windows, dU: Array, c: DenseCache, g: Windows) -> None:
        self._backward(dU, self.activate.kept(c.activate), g[self.affine.b])
        self.affine.weight_gradient(dU, c.affine, g)

    def pull(self, p: Windows, dU: Array, c: DenseCache) -> Array:
        return self.affine.pull(p, dU, c.affine)

    def frozen(self) -> "FrozenDense":
        return FrozenDense(self.affine, self.activate)


class FrozenDense(Dense):
    """W and b stay: dZ alone."""

    def backward(self, p: Windows, dU: Array, c: DenseCache, g: Windows) -> None:
        self.activate.pull(p, dU, c.activate)
