"""Batch normalization of Z[l] (Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167).

    Zhat[l] = (Z[l] - mean) / sqrt(variance + epsilon)      N[l] = scale[l] Zhat[l] + shift[l]

In training mean and variance (divided by m) are the batch's, each unit's over its m
examples, and the gradient flows through them:

    dZ = (dZhat - mean(dZhat) - Zhat mean(dZhat Zhat)) / sqrt(variance + epsilon)
    with dZhat = dN scale;      dscale = sum of dN Zhat,      dshift = sum of dN

For evaluation they are running ones, kept in theta beside the parameters but not trained:
after each update, running += momentum (batch - running), the batch's variance divided by
m - 1 there (PyTorch's convention); a batch of one example has none, and moves the mean
alone.  The layer has no b: the mean would cancel it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from deepnet_cli.nn.ops.op import Op, Windows
from deepnet_cli.nn.parameters import Block
from deepnet_cli.nn.types import Array


@dataclass
class BatchNormCache:
    """U = N and Zhat (n[l], m); mean, variance and 1 / sqrt(variance + epsilon) (n[l], 1)."""

    U: Array
    Zhat: Array
    mean: Array
    variance: Array
    inverse_std: Array


@dataclass(frozen=True)
class _Norm(Op[BatchNormCache]):
    """What the two modes have in common: Zhat, and the affine map behind it."""

    layer: int
    units: int
    epsilon: float = 1e-5
    momentum: float = 0.1
    kind: ClassVar[str]
    letter: ClassVar[str] = "N"

    @cached_property
    def names(self) -> tuple[str, str, str, str]:
        """scale, shift, and the running mean and variance."""
        l = self.layer
        return f"scale{l}", f"shift{l}", f"mean{l}", f"variance{l}"

    @property
    def blocks(self) -> dict[str, Block]:
        scale, shift, mean, variance = self.names
        shape = (self.units, 1)
        return {
            scale: Block(shape, "offset", 1.0),
            shift: Block(shape, "offset"),
            mean: Block(shape, "statistic"),
            variance: Block(shape, "statistic", 1.0),
        }

    @property
    def floats(self) -> int:
        return self.units

    def cache(self, m: int, dtype: np.dtype[np.generic], V: Array) -> BatchNormCache:
        rows = (np.empty((self.units, 1), dtype) for _ in range(3))
        return BatchNormCache(np.empty_like(V), V, *rows)

    def _affine(self, p: Windows, c: BatchNormCache) -> Array:
        scale, shift, _, _ = self.names
        N: Array = np.multiply(c.Zhat, p[scale], out=c.U)
        N += p[shift]
        return N

    def backward(self, p: Windows, dU: Array, c: BatchNormCache, g: Windows) -> None:
        scale, shift, _, _ = self.names
        np.sum(np.multiply(dU, c.Zhat, out=c.U), axis=1, keepdims=True, out=g[scale])
        np.sum(dU, axis=1, keepdims=True, out=g[shift])


@dataclass(frozen=True)
class BatchNorm(_Norm):
    """By the statistics of the batch, through which the gradient flows: for training."""

    kind: ClassVar[str] = "batch norm"

    def forward(self, p: Windows, V: Array, c: BatchNormCache) -> Array:
        np.mean(V, axis=1, keepdims=True, out=c.mean)
        np.subtract(V, c.mean, out=c.Zhat)
        np.multiply(c.Zhat, c.Zhat, out=c.U)
        np.mean(c.U, axis=1, keepdims=True, out=c.variance)
        np.divide(1, np.sqrt(c.variance + self.epsilon), out=c.inverse_std)
        c.Zhat *= c.inverse_std
        return self._affine(p, c)

    def pull(self, p: Windows, dU: Array, c: BatchNormCache) -> Array:
        dZ = np.multiply(dU, p[self.names[0]], out=dU)
        along = np.multiply(dZ, c.Zhat, out=c.U).mean(axis=1, keepdims=True)
        dZ -= dZ.mean(axis=1, keepdims=True)
        dZ -= np.multiply(c.Zhat, along, out=c.U)
        dZ *= c.inverse_std
        return dZ

    def track(self, p: Windows, c: BatchNormCache) -> None:
        _, _, mean, variance = self.names
        m = c.U.shape[1]
        p[mean][...] += self.momentum * (c.mean - p[mean])
        if m > 1:
            p[variance][...] += self.momentum * (c.variance * (m / (m - 1)) - p[variance])

    def evaluation(self) -> "RunningNorm":
        return RunningNorm(self.layer, self.units, self.epsilon, self.momentum)


@dataclass(frozen=True)
class RunningNorm(_Norm):
    """By the running statistics, which are constants: for evaluation."""

    kind: ClassVar[str] = "running norm"

    def forward(self, p: Windows, V: Array, c: BatchNormCache) -> Array:
        _, _, mean, variance = self.names
        np.divide(1, np.sqrt(p[variance] + self.epsilon), out=c.inverse_std)
        np.subtract(V, p[mean], out=c.Zhat)
        c.Zhat *= c.inverse_std
        return self._affine(p, c)

    def pull(self, p: Windows, dU: Array, c: BatchNormCache) -> Array:
        dZ: Array = np.multiply(dU, p[self.names[0]], out=dU)
        dZ *= c.inverse_std
        return dZ
