"""Smooth relatives of relu."""

from math import pi, sqrt

import numpy as np

from deepnet_cli.nn.activations.activation import Activation
from deepnet_cli.nn.activations.sigmoidal import sigmoid
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
    s = sigmoid(_gelu_argument(Z))
    slope = 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * Z * Z)
    dZ: Array = np.multiply(dA, s + Z * s * (1 - s) * slope, out=out)
    return dZ


def _gelu_argument(Z: Array) -> Array:
    """2u"""
    u2: Array = 2 * sqrt(2 / pi) * (Z + 0.044715 * Z * Z * Z)
    return u2


def softplus(Z: Array, out: Array | None = None) -> Array:
    """log(1 + exp(Z)), as log(1 + exp(-|Z|)), and Z where Z > 0 (Dugas et al., 2001)"""
    positive = Z.real > 0
    tail = np.log1p(np.exp(np.where(positive, -Z, Z)))
    A: Array = np.add(Z * positive, tail, out=out)
    return A


def softplus_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    """sigmoid(Z) = 1 - exp(-A)"""
    dZ: Array = np.multiply(dA, -np.expm1(-A), out=out)
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
    weights="he",
    keeps_Z=True,
    formula="Z s, s = sigmoid(Z)",
    slope="s + Z s (1 - s)",
)
GELU = Activation(
    "gelu",
    gelu,
    gelu_backward,
    weights="he",
    keeps_Z=True,
    formula="Z Phi(Z), Phi the normal distribution function",
    slope="Phi(Z) + Z phi(Z), phi the normal density",
)
GELU_TANH = Activation(
    "gelu_tanh",
    gelu_tanh,
    gelu_tanh_backward,
    weights="he",
    keeps_Z=True,
    formula="Z s, s = sigmoid(2u), u = sqrt(2/pi) (Z + 0.044715 Z^3)",
    slope="s + Z s (1 - s) 2u'",
)
MISH = Activation(
    "mish",
    mish,
    mish_backward,
    weights="he",
    keeps_Z=True,
    formula="Z t, t = tanh(log(1 + exp(Z)))",
    slope="t + Z (1 - t^2) sigmoid(Z)",
)
SOFTPLUS = Activation(
    "softplus",
    softplus,
    softplus_backward,
    weights="he",
    formula="log(1 + exp(Z))",
    slope="1 - exp(-A)",
)
