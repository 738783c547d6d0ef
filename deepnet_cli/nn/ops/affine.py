"""Z[l] = W[l] A[l-1] + b[l]

dW[l] = dZ[l] A[l-1]^T,   db[l] = sum of dZ[l] over examples,   dA[l-1] = W[l]^T dZ[l]

Where a complex step has made A complex and W is real, each complex column is multiplied as
the pair of real ones that it is in memory: two products' work, not four.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.ops.op import Op, Windows
from deepnet_cli.nn.parameters import Block
from deepnet_cli.nn.products import NUMPY, Product
from deepnet_cli.nn.types import Array


@dataclass
class AffineCache:
    """U = Z (n[l], m), dA[l-1] (n[l-1], m), and A[l-1] as it was given."""

    U: Array
    dA: Array
    A: Array


@dataclass(frozen=True)
class Affine(Op[AffineCache]):
    """W (units, inputs) and, unless a norm that follows would cancel it, b (units, 1)."""

    layer: int
    inputs: int
    units: int
    bias: bool = True
    multiply: Product = field(default=NUMPY, compare=False)  # how, not what, it computes
    kind: ClassVar[str] = "affine"
    letter: ClassVar[str] = "Z"

    @cached_property
    def W(self) -> str:
        return f"W{self.layer}"

    @cached_property
    def b(self) -> str:
        return f"b{self.layer}"

    @property
    def blocks(self) -> dict[str, Block]:
        W = {self.W: Block((self.units, self.inputs), "weight")}
        return W | ({self.b: Block((self.units, 1), "offset")} if self.bias else {})

    @property
    def floats(self) -> int:
        return self.units + (self.inputs if self.layer > 1 else 0)  # dA[0] is never touched

    def cache(self, m: int, dtype: np.dtype[np.generic], V: Array) -> AffineCache:
        return AffineCache(np.empty((self.units, m), dtype), np.empty((self.inputs, m), dtype), V)

    def product(self, p: Windows, V: Array, c: AffineCache) -> Array:
        """W[l] A[l-1], which b[l] is still to be added to."""
        c.A = V
        W = p[self.W]
        self.multiply(W, V.view(W.dtype), out=c.U.view(W.dtype))
        return c.U

    def forward(self, p: Windows, V: Array, c: AffineCache) -> Array:
        Z = self.product(p, V, c)
        if self.bias:
            ADD(Z, p[self.b])
        return Z

    def weight_gradient(self, dZ: Array, c: AffineCache, g: Windows) -> None:
        """dW[l] = dZ[l] A[l-1]^T"""
        self.multiply(dZ, c.A.T, out=g[self.W])

    def backward(self, p: Windows, dU: Array, c: AffineCache, g: Windows) -> None:
        self.weight_gradient(dU, c, g)
        if self.bias:
            SUM(dU, g[self.b])

    def pull(self, p: Windows, dU: Array, c: AffineCache) -> Array:
        return self.multiply(p[self.W].T, dU, out=c.dA)

    def evaluation(self) -> "Affine":
        """By NumPy: what a network predicts does not depend on what it was trained with."""
        return replace(self, multiply=NUMPY)

    def frozen(self) -> "FrozenAffine":
        return FrozenAffine(self.layer, self.inputs, self.units, self.bias, self.multiply)


class FrozenAffine(Affine):
    """W and b stay: no dW, no db."""

    def backward(self, p: Windows, dU: Array, c: AffineCache, g: Windows) -> None:
        pass


def _add(Z: Array, b: Array) -> None:
    Z += b


def _sum(dZ: Array, db: Array) -> None:
    np.sum(dZ, axis=1, keepdims=True, out=db)


ADD, SUM = Pass(_add, "fr", axis=1), Pass(_sum, "fr", axis=1)
