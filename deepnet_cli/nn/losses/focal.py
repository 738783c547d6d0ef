"""Cross-entropy that counts an example the less the better it is known already.

(1 - p)^gamma (-log p), p the probability of what is right (Lin et al., 2017:
https://arxiv.org/abs/1708.02002).  Both are computed from Z[L] by log p, so that no
logarithm sees a rounded 0 and (1 - p)^gamma is an exp.  `class_weight` is as in cross_entropy.
"""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from deepnet_cli.nn.activations.sigmoidal import SIGMOID, SOFTMAX
from deepnet_cli.nn.losses.entropy import log_softmax
from deepnet_cli.nn.losses.loss import POSITIVE, ClassWeight, Loss
from deepnet_cli.nn.types import Array

TINY = 1e-30
"""Under this 1 - p is taken for it: it has a logarithm then, in either precision."""


def _logs(Z: Array, Y: Array) -> tuple[Array, Array]:
    """-log p and -log(1 - p): log(1 + exp(-z)) and log(1 + exp(z)), z = (2Y - 1) Z."""
    z = (2 * Y - 1) * Z
    positive = z.real > 0
    tail = np.log1p(np.exp(np.where(positive, -z, z)))
    return tail - np.where(positive, 0, z), tail + np.where(positive, z, 0)


def focal(
    gamma: float, alpha: tuple[float, float], Z: Array, Y: Array, out: Array | None = None
) -> Array:
    """alpha (1 - p)^gamma (-log p), p = A or 1 - A; alpha of label 0 and of label 1."""
    right, wrong = _logs(Z, Y)
    costs: Array = np.multiply(np.exp(-gamma * wrong), right, out=out)
    costs *= _weight(alpha, Y)
    return costs


def focal_gradient(
    gamma: float, alpha: tuple[float, float], Z: Array, Y: Array, out: Array | None = None
) -> Array:
    """y alpha (1 - p)^gamma (gamma p log p - (1 - p)), y = 2Y - 1 (the paper's appendix B)"""
    right, wrong = _logs(Z, Y)
    slope = gamma * np.exp(-right) * right + np.exp(-wrong)
    dZ: Array = np.multiply((1 - 2 * Y) * np.exp(-gamma * wrong), slope, out=out)
    dZ *= _weight(alpha, Y)
    return dZ


def focal_start(gamma: float, alpha: tuple[float, float], A: Array, Y: Array) -> Array:
    """y alpha (gamma (1 - p)^(gamma - 1) log p - (1 - p)^gamma / p)"""
    p = np.where(Y > 0.5, A, 1 - A)
    slope = gamma * (1 - p) ** (gamma - 1) * np.log(p) - (1 - p) ** gamma / p
    dA: Array = (2 * Y - 1) * _weight(alpha, Y) * slope
    return dA


def _weight(alpha: tuple[float, float], Y: Array) -> Array:
    weight: Array = alpha[0] + (alpha[1] - alpha[0]) * Y
    return weight


def categorical_focal(gamma: float, Z: Array, Y: Array, out: Array | None = None) -> Array:
    """-Y (1 - A)^gamma log A, A = softmax(Z)"""
    log_A = log_softmax(Z)
    costs: Array = np.multiply(np.exp(gamma * np.log(_rest(log_A))), -Y * log_A, out=out)
    return costs


def categorical_focal_gradient(gamma: float, Z: Array, Y: Array, out: Array | None = None) -> Array:
    """c - A sum(c), c = Y (1 - A)^gamma (gamma A log A / (1 - A) - 1) the derivative by log A"""
    log_A = log_softmax(Z)
    A, rest = np.exp(log_A), _rest(log_A)
    c = Y * np.exp(gamma * np.log(rest)) * (gamma * A * (log_A / rest) - 1)
    dZ: Array = np.subtract(c, A * c.sum(axis=0, keepdims=True), out=out)
    return dZ


def categorical_focal_start(gamma: float, A: Array, Y: Array) -> Array:
    """Y (gamma (1 - A)^(gamma - 1) log A - (1 - A)^gamma / A)"""
    slope = gamma * (1 - A) ** (gamma - 1) * np.log(A) - (1 - A) ** gamma / A
    dA: Array = Y * slope
    return dA


def _rest(log_A: Array) -> Array:
    """1 - A, with the digits that log A has: near A = 1 their quotient is -1.  Above 0."""
    rest = -np.expm1(log_A)
    above: Array = np.where(rest.real > TINY, rest, TINY)
    return above


@dataclass(frozen=True)
class Focal:
    """a (1 - p)^gamma (-log p), p = A where Y = 1, else 1 - A;
    dA = y a (gamma (1 - p)^(gamma - 1) log p - (1 - p)^gamma / p), y = 2Y - 1

    a = alpha where Y = 1, else 1 - alpha; without alpha it is 1.
    """

    gamma: float = field(default=2.0, metadata={"ge": 0.0})
    alpha: float | None = field(default=None, metadata={"gt": 0.0, "lt": 1.0})
    class_weight: ClassWeight = field(default=None, metadata=POSITIVE)

    def loss(self) -> Loss:
        g, less = f"{self.gamma:g}", f"{self.gamma - 1:g}"
        alpha, told = (1.0, 1.0), ""
        if self.alpha is not None:
            alpha = 1 - self.alpha, self.alpha
            told = f"({alpha[1]:g} where Y = 1, else {alpha[0]:g}) "
        return Loss(
            "focal",
            "binary",
            SIGMOID,
            partial(focal, self.gamma, alpha),
            partial(focal_gradient, self.gamma, alpha),
            partial(focal_start, self.gamma, alpha),
            over_outputs=True,
            formula=f"{told}(1 - p)^{g} (-log p), p = A where Y = 1, else 1 - A",
            start_formula=f"y {told}({g} (1 - p)^{less} log p - (1 - p)^{g} / p), y = 2Y - 1",
        )


@dataclass(frozen=True)
class CategoricalFocal:
    """-Y (1 - A)^gamma log A; dA = Y (gamma (1 - A)^(gamma - 1) log A - (1 - A)^gamma / A)"""

    gamma: float = field(default=2.0, metadata={"ge": 0.0})
    class_weight: ClassWeight = field(default=None, metadata=POSITIVE)

    def loss(self) -> Loss:
        g, less = f"{self.gamma:g}", f"{self.gamma - 1:g}"
        return Loss(
            "categorical_focal",
            "class",
            SOFTMAX,
            partial(categorical_focal, self.gamma),
            partial(categorical_focal_gradient, self.gamma),
            partial(categorical_focal_start, self.gamma),
            over_outputs=False,
            formula=f"-Y (1 - A)^{g} log A",
            start_formula=f"Y ({g} (1 - A)^{less} log A - (1 - A)^{g} / A)",
        )
