"""Activations A = g(Z), each next to its derivative.

    forward(Z, out)       A  = g(Z)            out may be Z
    backward(dA, A, out)  dZ = dA * g'(Z)      out may be dA

Where g' is a function of A alone the forward pass overwrites Z; where it is not, the
activation keeps Z, and backward is given Z in the place of A.  All arrays are
(n[l], m).  A switch looks at the real part, so that each formula also carries a complex
step of the gradient check.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from deepnet_cli.nn.types import Array, Kernel

LEAKY_SLOPE = 0.01


@dataclass(frozen=True)
class Activation:
    """A function of Z and the map that pulls gradients back through it."""

    name: str
    forward: Kernel
    backward: Kernel
    weights: str = "xavier"  # the initializer that keeps the scale of A
    keeps_Z: bool = False  # g' is a function of Z, and backward is given Z
    elementwise: bool = True  # else each column is one argument, and an output layer only
    kinks: tuple[float, ...] = ()  # where g has no derivative
    complex_step: bool = True  # complex numbers go through forward
    formula: str = ""  # g(Z), for a reader
    slope: str = ""  # g'(Z)


def linear(Z: Array, out: Array | None = None) -> Array:
    return Z if out is Z else np.positive(Z, out=out)


def linear_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    return dA if out is dA else np.positive(dA, out=out)


def relu(Z: Array, out: Array | None = None) -> Array:
    """max(0, Z)"""
    return np.multiply(Z, Z.real > 0, out=out)


def relu_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    """The convention at the kink is relu'(0) = 0."""
    return np.multiply(dA, A.real > 0, out=out)


def _leaky_slope(Z: Array) -> Array:
    """1 where Z > 0, else the slope, in Z's precision; A has Z's sign and serves as well."""
    slope: Array = np.where(Z.real > 0, Z.real.dtype.type(1), Z.real.dtype.type(LEAKY_SLOPE))
    return slope


def leaky_relu(Z: Array, out: Array | None = None) -> Array:
    """Z where Z > 0, else 0.01 Z (Maas, Hannun and Ng, 2013)"""
    return np.multiply(Z, _leaky_slope(Z), out=out)


def leaky_relu_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    return np.multiply(dA, _leaky_slope(A), out=out)


def tanh(Z: Array, out: Array | None = None) -> Array:
    return np.tanh(Z, out=out)


def tanh_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    dZ: Array = np.multiply(dA, 1 - A * A, out=out)
    return dZ


def sigmoid(Z: Array, out: Array | None = None) -> Array:
    """1 / (1 + exp(-Z)), as e / (1 + e) with e = exp(Z) where Z < 0: every digit, no overflow."""
    positive = Z.real > 0
    e = np.exp(np.where(positive, -Z, Z))
    A: Array = np.divide(np.where(positive, 1, e), 1 + e, out=out)
    return A


def sigmoid_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    dZ: Array = np.multiply(dA, A * (1 - A), out=out)
    return dZ


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


def softmax(Z: Array, out: Array | None = None) -> Array:
    """exp(Z) / sum exp(Z) down each column, shifted by the column's largest Z."""
    A: Array = np.subtract(Z, Z.real.max(axis=0, keepdims=True), out=out)
    np.exp(A, out=A)
    A /= A.sum(axis=0, keepdims=True)
    return A


def softmax_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    """A * (dA - sum(dA * A)): the Jacobian diag(A) - A A^T, column by column."""
    dZ: Array = np.multiply(A, dA - (dA * A).sum(axis=0, keepdims=True), out=out)
    return dZ


ACTIVATIONS = {
    g.name: g
    for g in (
        Activation(
            "relu",
            relu,
            relu_backward,
            weights="he",
            kinks=(0.0,),
            formula="max(0, Z)",
            slope="1 where A > 0, else 0",
        ),
        Activation(
            "leaky_relu",
            leaky_relu,
            leaky_relu_backward,
            weights="he",
            kinks=(0.0,),
            formula="Z where Z > 0, else 0.01 Z",
            slope="1 where A > 0, else 0.01",
        ),
        Activation("tanh", tanh, tanh_backward, formula="tanh Z", slope="1 - A^2"),
        Activation(
            "sigmoid",
            sigmoid,
            sigmoid_backward,
            formula="1 / (1 + exp(-Z))",
            slope="A (1 - A)",
        ),
        Activation(
            "silu",
            silu,
            silu_backward,
            weights="he",
            keeps_Z=True,
            formula="Z s, s = sigmoid(Z)",
            slope="s + Z s (1 - s)",
        ),
        Activation(
            "gelu",
            gelu,
            gelu_backward,
            weights="he",
            keeps_Z=True,
            formula="Z Phi(Z), Phi the normal distribution function",
            slope="Phi(Z) + Z phi(Z), phi the normal density",
        ),
        Activation(
            "gelu_tanh",
            gelu_tanh,
            gelu_tanh_backward,
            weights="he",
            keeps_Z=True,
            formula="Z s, s = sigmoid(2u), u = sqrt(2/pi) (Z + 0.044715 Z^3)",
            slope="s + Z s (1 - s) 2u'",
        ),
        Activation("linear", linear, linear_backward, formula="Z", slope="1"),
        Activation(
            "softmax",
            softmax,
            softmax_backward,
            elementwise=False,
            formula="exp(Z) / sum of exp(Z) over the outputs",
            slope="diag(A) - A A^T for each example",
        ),
    )
}
