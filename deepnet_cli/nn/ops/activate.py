"""A[l] = g[l](Z[l]) and dZ[l] = dA[l] * g[l]'(Z[l])"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.blocks import in_blocks
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

    def forward(self, p: Windows, V: Array, c: ActivateCache) -> Array:
        c.Z = V
        in_blocks(self.g.forward, V, c.U)
        return c.U

    def pull(self, p: Windows, dU: Array, c: ActivateCache) -> Array:
        in_blocks(self.g.backward, dU, c.Z if self.g.keeps_Z else c.U, dU)
        return dU
