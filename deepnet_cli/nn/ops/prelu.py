"""A[l] = Z[l] where Z[l] > 0, else slope[l] Z[l]: a rectifier whose slopes are trained.

PReLU (He et al., 2015, https://arxiv.org/abs/1502.01852), with one slope for each unit:

    dZ = dA where Z > 0, else slope dA          dslope = sum over examples of dA min(0, Z)

At Z = 0 it has the slope from the left.  A slope is not penalized, nor kept from being negative.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import ClassVar

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.activations.piecewise import leaky_relu, leaky_relu_backward
from deepnet_cli.nn.ops.op import Op, Windows
from deepnet_cli.nn.parameters import Block
from deepnet_cli.nn.types import Array


@dataclass
class PReLUCache:
    """U = A (n[l], m), and Z as it was given."""

    U: Array
    Z: Array


@dataclass(frozen=True)
class PReLU(Op[PReLUCache]):
    """slope (units, 1); g is the activation with every slope as it is at first."""

    layer: int
    units: int
    g: Activation
    kind: ClassVar[str] = "activation"
    letter: ClassVar[str] = "A"

    @cached_property
    def slope(self) -> str:
        return f"slope{self.layer}"

    @property
    def blocks(self) -> dict[str, Block]:
        return {self.slope: Block((self.units, 1), "offset", self.g.trained_from or 0.0)}

    @property
    def kinks(self) -> tuple[float, ...]:
        return self.g.kinks

    @property
    def floats(self) -> int:
        return self.units

    def at(self, p: Windows) -> Activation:
        """g with the slopes in p."""
        forward, backward = (partial(f, p[self.slope]) for f in (leaky_relu, leaky_relu_backward))
        return replace(self.g, forward=forward, backward=backward)

    def kept(self, c: PReLUCache) -> Array:
        """What g' is a function of: Z."""
        return c.Z

    def cache(self, m: int, dtype: np.dtype[np.generic], V: Array) -> PReLUCache:
        return PReLUCache(np.empty_like(V), V)

    def forward(self, p: Windows, V: Array, c: PReLUCache) -> Array:
        c.Z = V
        RECTIFY(V, p[self.slope], c.U)
        return c.U

    def backward(self, p: Windows, dU: Array, c: PReLUCache, g: Windows) -> None:
        BY_SLOPE(dU, c.Z, g[self.slope])

    def pull(self, p: Windows, dU: Array, c: PReLUCache) -> Array:
        PULL(dU, c.Z, p[self.slope])
        return dU

    def frozen(self) -> "FrozenPReLU":
        return FrozenPReLU(self.layer, self.units, self.g)


class FrozenPReLU(PReLU):
    """The slopes stay: no gradient of them."""

    def backward(self, p: Windows, dU: Array, c: PReLUCache, g: Windows) -> None:
        pass


def _rectify(Z: Array, slope: Array, A: Array) -> None:
    leaky_relu(slope, Z, out=A)


def _by_slope(dA: Array, Z: Array, dslope: Array) -> None:
    np.sum(np.where(Z.real > 0, 0, dA * Z), axis=1, keepdims=True, out=dslope)


def _pull(dA: Array, Z: Array, slope: Array) -> None:
    leaky_relu_backward(slope, dA, Z, out=dA)


RECTIFY = Pass(_rectify, "frf", axis=1)
BY_SLOPE = Pass(_by_slope, "ffr", axis=1)
PULL = Pass(_pull, "ffr", axis=1)
