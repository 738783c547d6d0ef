"""Activations between two bounds, smooth; and softmax, whose outputs sum to 1."""

import numpy as np

from deepnet_cli.nn.activations.activation import Activation
from deepnet_cli.nn.types import Array


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


def softsign(Z: Array, out: Array | None = None) -> Array:
    """Z / (1 + |Z|) (Bergstra et al., 2009)"""
    A: Array = np.divide(Z, 1 + _size(Z), out=out)
    return A


def softsign_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    """1 / (1 + |Z|) = 1 - |A|"""
    root = 1 - _size(A)
    dZ: Array = np.multiply(dA, root * root, out=out)
    return dZ


def _size(Z: Array) -> Array:
    """|Z|, with the sign of its real part where Z carries a complex step."""
    size: Array = np.where(Z.real > 0, Z, -Z)
    return size


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


TANH = Activation("tanh", tanh, tanh_backward, odd=True, formula="tanh Z", slope="1 - A^2")
SIGMOID = Activation(
    "sigmoid", sigmoid, sigmoid_backward, formula="1 / (1 + exp(-Z))", slope="A (1 - A)"
)
SOFTSIGN = Activation(
    "softsign",
    softsign,
    softsign_backward,
    odd=True,
    formula="Z / (1 + |Z|)",
    slope="(1 - |A|)^2",
)
SOFTMAX = Activation(
    "softmax",
    softmax,
    softmax_backward,
    elementwise=False,
    link_only=True,
    formula="exp(Z) / sum of exp(Z) over the outputs",
    slope="diag(A) - A A^T for each example",
)
