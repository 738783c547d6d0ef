"""First weights: W[l] (n[l], n[l-1]) drawn with the scale that keeps signals alive.

b[l] starts at zero.  Draws are made in float64 and rounded, so that float32 and
float64 runs start from the same numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from deepnet_cli.nn.types import Array

SLOPE = {"ge": 0.0, "le": 1.0}
"""Bounds of the slope of a rectifier, on its left."""


class Initializer(Protocol):
    """Draws a weight matrix; frozen, its fields are its options."""

    name: ClassVar[str]

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        """W (n_out, n_in) in float64."""


def gaussian(rng: np.random.Generator, n_out: int, n_in: int, variance: float) -> Array:
    """W (n_out, n_in) of independent N(0, variance)."""
    W: Array = rng.standard_normal((n_out, n_in)) * np.sqrt(variance)
    return W


def uniform(rng: np.random.Generator, n_out: int, n_in: int, variance: float) -> Array:
    """W (n_out, n_in) of independent U(-a, a), a^2 / 3 the variance."""
    limit = np.sqrt(3 * variance)
    return rng.uniform(-limit, limit, (n_out, n_in))


@dataclass(frozen=True)
class He:
    """N(0, 2 / ((1 + slope^2) n_in)), for relu (He et al., 2015, https://arxiv.org/abs/1502.01852)

    `slope` is that below 0, of leaky_relu and prelu.
    """

    name: ClassVar[str] = "he"
    slope: float = field(default=0.0, metadata=SLOPE)

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return gaussian(rng, n_out, n_in, 2 / ((1 + self.slope**2) * n_in))


@dataclass(frozen=True)
class Xavier:
    """N(0, 2 / (n_in + n_out)), for tanh and sigmoid (Glorot and Bengio, 2010)"""

    name: ClassVar[str] = "xavier"

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return gaussian(rng, n_out, n_in, 2 / (n_in + n_out))


XAVIER = Xavier()


@dataclass(frozen=True)
class LeCun:
    """N(0, 1 / n_in) (LeCun et al., Efficient BackProp, 1998)"""

    name: ClassVar[str] = "lecun"

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return gaussian(rng, n_out, n_in, 1 / n_in)


@dataclass(frozen=True)
class HeUniform:
    """U(-a, a) of the same variance, 2 / ((1 + slope^2) n_in): a = sqrt(3 variance)"""

    name: ClassVar[str] = "he_uniform"
    slope: float = field(default=0.0, metadata=SLOPE)

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return uniform(rng, n_out, n_in, 2 / ((1 + self.slope**2) * n_in))


@dataclass(frozen=True)
class XavierUniform:
    """U(-a, a) of the same variance, 2 / (n_in + n_out): a = sqrt(3 variance)"""

    name: ClassVar[str] = "xavier_uniform"

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return uniform(rng, n_out, n_in, 2 / (n_in + n_out))


@dataclass(frozen=True)
class LeCunUniform:
    """U(-a, a) of the same variance, 1 / n_in: a = sqrt(3 variance)"""

    name: ClassVar[str] = "lecun_uniform"

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return uniform(rng, n_out, n_in, 1 / n_in)


@dataclass(frozen=True)
class Normal:
    """N(0, std^2)"""

    name: ClassVar[str] = "normal"
    std: float = field(default=0.01, metadata={"gt": 0.0})

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return gaussian(rng, n_out, n_in, self.std**2)


@dataclass(frozen=True)
class Uniform:
    """U(-limit, limit)"""

    name: ClassVar[str] = "uniform"
    limit: float = field(default=0.05, metadata={"gt": 0.0})

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return rng.uniform(-self.limit, self.limit, (n_out, n_in))


@dataclass(frozen=True)
class Orthogonal:
    """Rows or columns orthonormal (Saxe, McClelland and Ganguli, 2013)

    The Q of a Gaussian matrix, its signs fixed so that the draw is uniform.
    """

    name: ClassVar[str] = "orthogonal"

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        tall = rng.standard_normal((max(n_out, n_in), min(n_out, n_in)))
        Q, R = np.linalg.qr(tall)
        Q *= np.where(np.diag(R) < 0, -1.0, 1.0)
        W: Array = Q if n_out >= n_in else Q.T
        return W


@dataclass(frozen=True)
class LSUV(Orthogonal):
    """Orthogonal; then fitted to the first batch, so that each Z[l] has variance 1"""

    name: ClassVar[str] = "lsuv"


@dataclass(frozen=True)
class Constant:
    """The same number everywhere: for comparisons; all units of a hidden layer stay equal."""

    name: ClassVar[str] = "constant"
    value: float = 0.01

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return np.full((n_out, n_in), self.value)


@dataclass(frozen=True)
class Zeros:
    """0: right for a network without hidden layers; with them, all units of a layer stay equal."""

    name: ClassVar[str] = "zeros"

    def draw(self, rng: np.random.Generator, n_out: int, n_in: int) -> Array:
        return np.zeros((n_out, n_in))


INITIALIZERS: dict[str, Callable[..., Initializer]] = {
    initializer.name: initializer
    for initializer in (
        He,
        HeUniform,
        Xavier,
        XavierUniform,
        LeCun,
        LeCunUniform,
        Normal,
        Uniform,
        Orthogonal,
        LSUV,
        Constant,
        Zeros,
    )
}
