"""Layer normalization of Z[l] (Ba, Kiros and Hinton, 2016, https://arxiv.org/abs/1607.06450).

    Zhat[l] = (Z[l] - mean) / sqrt(variance + epsilon)      N[l] = scale[l] Zhat[l] + shift[l]

mean and variance (divided by n[l]) are each example's over its n[l] units, in training and
evaluation alike, and the gradient flows through them:

    dZ = (dZhat - mean(dZhat) - Zhat mean(dZhat Zhat)) / sqrt(variance + epsilon)
    with dZhat = dN scale;      dscale = sum of dN Zhat,      dshift = sum of dN

The sums are over examples, as a batch norm's.  The layer keeps its b: the mean over units takes
from it what is common to all units, no more.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.ops.norm import SUMS, pull_along, scaled
from deepnet_cli.nn.ops.op import Op, Windows
from deepnet_cli.nn.parameters import Block
from deepnet_cli.nn.types import Array


@dataclass
class LayerNormCache:
    """U = N and Zhat (n[l], m); 1 / sqrt(variance + epsilon) (1, m)."""

    U: Array
    Zhat: Array
    inverse_std: Array


@dataclass(frozen=True)
class LayerNorm(Op[LayerNormCache]):
    """Each example by the mean and variance of its own units."""

    layer: int
    units: int
    epsilon: float = 1e-5
    kind: ClassVar[str] = "layer norm"
    letter: ClassVar[str] = "N"
    axis: ClassVar[int] = 0  # that the mean is taken along

    @cached_property
    def names(self) -> tuple[str, str]:
        """scale and shift."""
        return f"scale{self.layer}", f"shift{self.layer}"

    @property
    def blocks(self) -> dict[str, Block]:
        scale, shift = self.names
        shape = (self.units, 1)
        return {scale: Block(shape, "offset", 1.0), shift: Block(shape, "offset")}

    @property
    def floats(self) -> int:
        return self.units

    def cache(self, m: int, dtype: np.dtype[np.generic], V: Array) -> LayerNormCache:
        return LayerNormCache(np.empty_like(V), V, np.empty((1, m), dtype))

    def forward(self, p: Windows, V: Array, c: LayerNormCache) -> Array:
        scale, shift = self.names
        NORMALIZE(V, c.Zhat, c.U, c.inverse_std, p[scale], p[shift], self.epsilon)
        return c.U

    def backward(self, p: Windows, dU: Array, c: LayerNormCache, g: Windows) -> None:
        scale, shift = self.names
        SUMS(dU, c.Zhat, g[scale], g[shift])

    def pull(self, p: Windows, dU: Array, c: LayerNormCache) -> Array:
        PULL(dU, c.Zhat, c.inverse_std, p[self.names[0]])
        return dU

    def frozen(self) -> "FrozenLayerNorm":
        return FrozenLayerNorm(self.layer, self.units, self.epsilon)


class FrozenLayerNorm(LayerNorm):
    """Scale and shift stay: no gradients of them."""

    def backward(self, p: Windows, dU: Array, c: LayerNormCache, g: Windows) -> None:
        pass


def _normalize(
    V: Array,
    Zhat: Array,
    N: Array,
    inverse_std: Array,
    scale: Array,
    shift: Array,
    epsilon: float,
) -> None:
    np.subtract(V, np.mean(V, axis=0, keepdims=True), out=Zhat)
    variance = np.mean(Zhat * Zhat, axis=0, keepdims=True)
    np.divide(1, np.sqrt(variance + epsilon), out=inverse_std)
    scaled(Zhat, N, inverse_std, scale, shift)


NORMALIZE = Pass(_normalize, "fffcrrn", axis=0)
PULL = Pass(pull_along(0), "ffcr", axis=0)
