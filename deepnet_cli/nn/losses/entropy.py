"""Losses that are log likelihoods, computed from Z[L]: of flags, of classes, of counts.

`label_smoothing` s moves the labels towards indifference: Y' = (1 - s) Y + s/2 for flags, and
(1 - s) Y + s/K for K classes (Szegedy et al., 2015, section 7).  `class_weight` multiplies the
weight that each example has in the mean by that of its class, 1 where it is not named; `balanced`
makes all classes weigh the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from deepnet_cli.nn.activations.exponential import EXP
from deepnet_cli.nn.activations.sigmoidal import SIGMOID, SOFTMAX, sigmoid, softmax
from deepnet_cli.nn.losses.loss import POSITIVE, ClassWeight, Loss
from deepnet_cli.nn.types import Array, Kernel


def binary_cross_entropy(Z: Array, Y: Array, out: Array | None = None) -> Array:
    """-[Y log A + (1 - Y) log(1 - A)], A = sigmoid(Z), as Z ([Z > 0] - Y) + log(1 + exp(-|Z|))."""
    positive = Z.real > 0
    tail = np.log1p(np.exp(np.where(positive, -Z, Z)))
    costs: Array = np.multiply(Z, positive - Y, out=out)
    costs += tail
    return costs


def binary_cross_entropy_gradient(Z: Array, Y: Array, out: Array | None = None) -> Array:
    return np.subtract(sigmoid(Z), Y, out=out)


def binary_cross_entropy_start(A: Array, Y: Array) -> Array:
    dA: Array = -Y / A + (1 - Y) / (1 - A)
    return dA


def log_softmax(Z: Array, out: Array | None = None) -> Array:
    """log A = Z - log sum exp(Z), A = softmax(Z)."""
    log_A: Array = np.subtract(Z, Z.real.max(axis=0, keepdims=True), out=out)
    log_A -= np.log(np.exp(log_A).sum(axis=0, keepdims=True))
    return log_A


def cross_entropy(Z: Array, Y: Array, out: Array | None = None) -> Array:
    """-Y log A, A = softmax(Z)."""
    costs = log_softmax(Z, out)
    costs *= -Y
    return costs


def cross_entropy_gradient(Z: Array, Y: Array, out: Array | None = None) -> Array:
    """A - Y, as A sum(Y) - Y: the same for columns of Y that sum to 1, and right for others."""
    dZ: Array = np.subtract(softmax(Z) * Y.sum(axis=0, keepdims=True), Y, out=out)
    return dZ


def cross_entropy_start(A: Array, Y: Array) -> Array:
    dA: Array = -Y / A
    return dA


def poisson(Z: Array, Y: Array, out: Array | None = None) -> Array:
    """A - Y log A, A = exp(Z): -log likelihood of a count Y of mean A, but for log Y!"""
    costs: Array = np.subtract(np.exp(Z), Y * Z, out=out)
    return costs


def poisson_gradient(Z: Array, Y: Array, out: Array | None = None) -> Array:
    return np.subtract(np.exp(Z), Y, out=out)


def poisson_start(A: Array, Y: Array) -> Array:
    dA: Array = 1 - Y / A
    return dA


BINARY_CROSS_ENTROPY = Loss(
    "binary_cross_entropy",
    "binary",
    SIGMOID,
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    binary_cross_entropy_start,
    over_outputs=True,
    formula="-(Y log A + (1 - Y) log(1 - A))",
    start_formula="-Y/A + (1 - Y)/(1 - A)",
    by_Z="A - Y",
)
CROSS_ENTROPY = Loss(
    "cross_entropy",
    "class",
    SOFTMAX,
    cross_entropy,
    cross_entropy_gradient,
    cross_entropy_start,
    over_outputs=False,
    formula="-Y log A",
    start_formula="-Y/A",
    by_Z="A - Y",
)
POISSON = Loss(
    "poisson",
    "count",
    EXP,
    poisson,
    poisson_gradient,
    poisson_start,
    over_outputs=True,
    formula="A - Y log A",
    start_formula="1 - Y/A",
    by_Z="A - Y",
)

SHARE = {"ge": 0.0, "lt": 1.0}


@dataclass(frozen=True)
class BinaryCrossEntropy:
    """-(Y log A + (1 - Y) log(1 - A)); dZ = A - Y"""

    label_smoothing: float = field(default=0.0, metadata=SHARE)
    class_weight: ClassWeight = field(default=None, metadata=POSITIVE)

    def loss(self) -> Loss:
        s = self.label_smoothing
        told = f"Y' = {1 - s:g} Y + {s / 2:g}"
        return (
            _smoothed(BINARY_CROSS_ENTROPY, partial(_flags, s), told) if s else BINARY_CROSS_ENTROPY
        )


@dataclass(frozen=True)
class CrossEntropy:
    """-Y log A; dZ = A - Y"""

    label_smoothing: float = field(default=0.0, metadata=SHARE)
    class_weight: ClassWeight = field(default=None, metadata=POSITIVE)

    def loss(self) -> Loss:
        s = self.label_smoothing
        told = f"Y' = {1 - s:g} Y + {s:g}/K"
        return _smoothed(CROSS_ENTROPY, partial(_classes, s), told) if s else CROSS_ENTROPY


def _flags(s: float, Y: Array) -> Array:
    smooth: Array = (1 - s) * Y + s / 2
    return smooth


def _classes(s: float, Y: Array) -> Array:
    """1/K is the mean of a column that sums to 1."""
    smooth: Array = (1 - s) * Y + s * Y.mean(axis=0, keepdims=True)
    return smooth


def _smoothed(loss: Loss, smooth: Callable[[Array], Array], told: str) -> Loss:
    """The same loss of other labels."""

    def of(kernel: Kernel) -> Kernel:
        return lambda S, Y, **out: kernel(S, smooth(Y), **out)

    return replace(
        loss,
        entries=of(loss.entries),
        gradient=of(loss.gradient),
        start=of(loss.start),
        formula=f"{_primed(loss.formula)}, {told}",
        start_formula=_primed(loss.start_formula),
        by_Z=_primed(loss.by_Z),
    )


def _primed(formula: str) -> str:
    return formula.replace("Y", "Y'")
