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

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.ops.norm import SUMS, pull_along, scaled
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
    axis: ClassVar[int] = 1  # that the mean is taken along

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

    def backward(self, p: Windows, dU: Array, c: BatchNormCache, g: Windows) -> None:
        scale, shift, _, _ = self.names
        SUMS(dU, c.Zhat, g[scale], g[shift])


@dataclass(frozen=True)
class BatchNorm(_Norm):
    """By the statistics of the batch, through which the gradient flows: for training."""

    kind: ClassVar[str] = "batch norm"

    def forward(self, p: Windows, V: Array, c: BatchNormCache) -> Array:
        scale, shift, _, _ = self.names
        rows = c.mean, c.variance, c.inverse_std, p[scale], p[shift]
        NORMALIZE(V, c.Zhat, c.U, *rows, self.epsilon)
        return c.U

    def pull(self, p: Windows, dU: Array, c: BatchNormCache) -> Array:
        PULL(dU, c.Zhat, c.inverse_std, p[self.names[0]])
        return dU

    def track(self, p: Windows, c: BatchNormCache) -> None:
        _, _, mean, variance = self.names
        m = c.U.shape[1]
        p[mean][...] += self.momentum * (c.mean - p[mean])
        if m > 1:
            p[variance][...] += self.momentum * (c.variance * (m / (m - 1)) - p[variance])

    def frozen(self) -> "FrozenNorm":
        """By the running statistics, which then stay as well."""
        return FrozenNorm(self.layer, self.units, self.epsilon, self.momentum)

    def evaluation(self) -> "RunningNorm":
        return RunningNorm(self.layer, self.units, self.epsilon, self.momentum)


@dataclass(frozen=True)
class RunningNorm(_Norm):
    """By the running statistics, which are constants: for evaluation."""

    kind: ClassVar[str] = "running norm"

    def forward(self, p: Windows, V: Array, c: BatchNormCache) -> Array:
        scale, shift, mean, variance = self.names
        rows = c.inverse_std, p[mean], p[variance], p[scale], p[shift]
        NORMALIZE_BY_RUNNING(V, c.Zhat, c.U, *rows, self.epsilon)
        return c.U

    def pull(self, p: Windows, dU: Array, c: BatchNormCache) -> Array:
        PULL_BY_RUNNING(dU, c.inverse_std, p[self.names[0]])
        return dU


class FrozenNorm(RunningNorm):
    """Scale and shift stay: no gradients of them."""

    def backward(self, p: Windows, dU: Array, c: BatchNormCache, g: Windows) -> None:
        pass


def _normalize(
    V: Array,
    Zhat: Array,
    N: Array,
    mean: Array,
    variance: Array,
    inverse_std: Array,
    scale: Array,
    shift: Array,
    epsilon: float,
) -> None:
    np.mean(V, axis=1, keepdims=True, out=mean)
    np.subtract(V, mean, out=Zhat)
    np.mean(Zhat * Zhat, axis=1, keepdims=True, out=variance)
    np.divide(1, np.sqrt(variance + epsilon), out=inverse_std)
    scaled(Zhat, N, inverse_std, scale, shift)


def _normalize_by_running(
    V: Array,
    Zhat: Array,
    N: Array,
    inverse_std: Array,
    mean: Array,
    variance: Array,
    scale: Array,
    shift: Array,
    epsilon: float,
) -> None:
    np.divide(1, np.sqrt(variance + epsilon), out=inverse_std)
    np.subtract(V, mean, out=Zhat)
    scaled(Zhat, N, inverse_std, scale, shift)


def _pull_by_running(dZ: Array, inverse_std: Array, scale: Array) -> None:
    dZ *= scale
    dZ *= inverse_std


NORMALIZE = Pass(_normalize, "fffrrrrrn", axis=1)
PULL = Pass(pull_along(1), "ffrr", axis=1)
NORMALIZE_BY_RUNNING = Pass(_normalize_by_running, "fffrrrrrn", axis=1)
PULL_BY_RUNNING = Pass(_pull_by_running, "frr", axis=1)
