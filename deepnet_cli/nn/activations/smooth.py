"""Smooth relatives of relu."""

from dataclasses import dataclass, field
from functools import partial
from math import pi, sqrt

import numpy as np

from deepnet_cli.nn.activations.activation import FACTOR, Activation
from deepnet_cli.nn.activations.sigmoidal import sigmoid
from deepnet_cli.nn.initializers import He
from deepnet_cli.nn.types import Array


def silu(Z: Array, out: Array | None = None) -> Array:
    """Z sigmoid(Z) (Elfwing, Uchibe and Doya, 2017; swish)"""
    return np.multiply(Z, sigmoid(Z), out=out)


def silu_backward(dA: Array, Z: Array, out: Array | None = None) -> Array:
    s = sigmoid(Z)
    dZ: Array = np.multiply(dA, s + Z * s * (1 - s), out=out)
    return dZ


def gelu(Z: Array, out: Array | None = None) -> Array:
    """Z Phi(Z), Phi the normal distribution function, exact (Hendrycks and Gimpel, 2016)"""
    return np.multiply(Z, _normal_cdf(Z), out=out)


def gelu_backward(dA: Array, Z: Array, out: Array | None = None) -> Array:
    density = np.exp(-0.5 * Z * Z) * (1 / sqrt(2 * pi))
    dZ: Array = np.multiply(dA, _normal_cdf(Z) + Z * density, out=out)
    return dZ


def _normal_cdf(Z: Array) -> Array:
    from scipy.special import erfc  # a tenth of a second, for those who need it

    Phi: Array = 0.5 * erfc(Z * -sqrt(0.5))
    return Phi


def gelu_tanh(Z: Array, out: Array | None = None) -> Array:
    """Z (1 + tanh(u)) / 2 = Z sigmoid(2u), u = sqrt(2 / pi) (Z + 0.044715 Z^3): nearly gelu"""
    return np.multiply(Z, sigmoid(_gelu_argument(Z)), out=out)


def gelu_tanh_backward(dA: Array, Z: Array, out: Array | None = None) -> Array:
    """From |Z| = 100 on s (1 - s) is 0, however large the slope of 2u."""
    s = sigmoid(_gelu_argument(Z))
    bent = np.where(Z.real * Z.real < 1e4, Z, 0)
    slope = 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * bent * bent)
    dZ: Array = np.multiply(dA, s + Z * s * (1 - s) * slope, out=out)
    return dZ


def _gelu_argument(Z: Array) -> Array:
    """2u"""
    u2: Array = 2 * sqrt(2 / pi) * (Z + 0.044715 * Z * Z * Z)
    return u2


def softplus(beta: float, Z: Array, out: Array | None = None) -> Array:
    """log(1 + exp(beta Z)) / beta, as that of -|Z|, and Z where Z > 0 (Dugas et al., 2001)"""
    positive = Z.real > 0
    tail = np.log1p(np.exp(beta * np.where(positive, -Z, Z))) / beta
    A: Array = np.add(Z * positive, tail, out=out)
    return A


def softplus_backward(beta: float, dA: Array, A: Array, out: Array | None = None) -> Array:
    """sigmoid(beta Z) = 1 - exp(-beta A)"""
    dZ: Array = np.multiply(dA, -np.expm1(-beta * A), out=out)
    return dZ


def mish(Z: Array, out: Array | None = None) -> Array:
    """Z tanh(softplus(Z)) (Misra, 2019)"""
    return np.multiply(Z, _tanh_of_softplus(Z), out=out)


def mish_backward(dA: Array, Z: Array, out: Array | None = None) -> Array:
    t = _tanh_of_softplus(Z)
    dZ: Array = np.multiply(dA, t + Z * (1 - t * t) * sigmoid(Z), out=out)
    return dZ


def _tanh_of_softplus(Z: Array) -> Array:
    """u / (u + 2), u = e (e + 2), e = exp(Z); where Z > 0 by e^2: no overflow, no cancelling."""
    positive = Z.real > 0
    e = np.exp(np.where(positive, -Z, Z))
    u = np.where(positive, 1 + 2 * e, e * (e + 2))
    t: Array = u / (u + np.where(positive, 2 * e * e, 2))
    return t


SILU = Activation(
    "silu",
    silu,
    silu_backward,
    weights=He(),
    keeps_Z=True,
    formula="Z s, s = sigmoid(Z)",
    slope="s + Z s (1 - s)",
)
GELU = Activation(
    "gelu",
    gelu,
    gelu_backward,
    weights=He(),
    keeps_Z=True,
    formula="Z Phi(Z), Phi the normal distribution function",
    slope="Phi(Z) + Z phi(Z), phi the normal density",
)
GELU_TANH = Activation(
    "gelu_tanh",
    gelu_tanh,
    gelu_tanh_backward,
    weights=He(),
    keeps_Z=True,
    formula="Z s, s = sigmoid(2u), u = sqrt(2/pi) (Z + 0.044715 Z^3)",
    slope="s + Z s (1 - s) 2u'",
)
MISH = Activation(
    "mish",
    mish,
    mish_backward,
    weights=He(),
    keeps_Z=True,
    formula="Z t, t = tanh(log(1 + exp(Z)))",
    slope="t + Z (1 - t^2) sigmoid(Z)",
)


@dataclass(frozen=True)
class Softplus:
    """log(1 + exp(beta Z)) / beta; g' = 1 - exp(-beta A)"""

    beta: float = field(default=1.0, metadata=FACTOR)

    def activation(self) -> Activation:
        return Activation(
            "softplus",
            partial(softplus, self.beta),
            partial(softplus_backward, self.beta),
            weights=He(),
            formula=f"log(1 + exp(b Z)) / b, b = {self.beta:g}",
            slope=f"1 - exp(-{self.beta:g} A)",
        )
