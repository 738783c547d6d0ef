"""A[l] = g[l](Z[l]) and dZ[l] = dA[l] * g[l]'(Z[l])"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.ops.op import Op, Windows
from deepnet_cli.nn.types import Array


@dataclass
class ActivateCache:
    """U = A (n[l], m), and Z as it was given: overwritten by A unless g' needs it."""

    U: Array
    Z: Array


@dataclass(frozen=True)
class Activate(Op[ActivateCache]):
    """An elementwise activation; A overwrites Z unless g' is a function of Z."""

    layer: int
    units: int
    g: Activation
    kind: ClassVar[str] = "activation"
    letter: ClassVar[str] = "A"

    @property
    def complex_step(self) -> bool:
        return self.g.complex_step

    @property
    def kinks(self) -> tuple[float, ...]:
        return self.g.kinks

    @property
    def floats(self) -> int:
        return self.units if self.g.keeps_Z else 0

    def cache(self, m: int, dtype: np.dtype[np.generic], V: Array) -> ActivateCache:
        return ActivateCache(np.empty_like(V) if self.g.keeps_Z else V, V)

    @cached_property
    def _forward(self) -> Pass:
        g = self.g
        if g.keeps_Z:
            return Pass(lambda Z, A: g.forward(Z, out=A), "ff")
        return Pass(lambda A: g.forward(A, out=A), "f")

    @cached_property
    def _backward(self) -> Pass:
        return Pass(lambda dU, kept: self.g.backward(dU, kept, out=dU), "ff")

    def forward(self, p: Windows, V: Array, c: ActivateCache) -> Array:
        c.Z = V
        if self.g.keeps_Z:
            self._forward(V, c.U)
            return c.U
        if V is not c.U:  # the check enters here
            c.U[...] = V
        self._forward(c.U)
        return c.U

    def at(self, p: Windows) -> Activation:
        """g, with what is trained of it as it is in p: here nothing."""
        return self.g

    def kept(self, c: ActivateCache) -> Array:
        """What g' is a function of: Z or A."""
        return c.Z if self.g.keeps_Z else c.U

    def pull(self, p: Windows, dU: Array, c: ActivateCache) -> Array:
        self._backward(dU, self.kept(c))
        return dU
