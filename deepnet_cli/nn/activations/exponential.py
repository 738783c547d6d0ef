"""Activations with a branch of exp: exp(Z) - 1 below 0, in all its digits, or exp(Z) throughout."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from deepnet_cli.nn.activations.activation import FACTOR, Activation
from deepnet_cli.nn.initializers import He, LeCun
from deepnet_cli.nn.types import Array

SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717
"""Under these, mean 0 and variance 1 are a fixed point (Klambauer et al., 2017, eq. 14)."""


def elu(alpha: float, Z: Array, out: Array | None = None) -> Array:
    """Z where Z > 0, else alpha (exp(Z) - 1) (Clevert, Unterthiner and Hochreiter, 2015)"""
    positive = Z.real > 0
    below = alpha * np.expm1(np.where(positive, 0, Z))
    return np.positive(np.where(positive, Z, below), out=out)


def elu_backward(alpha: float, dA: Array, A: Array, out: Array | None = None) -> Array:
    """The convention at the kink is elu'(0) = alpha."""
    dZ: Array = np.multiply(dA, np.where(A.real > 0, 1, alpha + A), out=out)
    return dZ


def celu(alpha: float, Z: Array, out: Array | None = None) -> Array:
    """Z where Z > 0, else alpha (exp(Z/alpha) - 1): no kink at any alpha (Barron, 2017)"""
    positive = Z.real > 0
    below = alpha * np.expm1(np.where(positive, 0, Z) / alpha)
    return np.positive(np.where(positive, Z, below), out=out)


def celu_backward(alpha: float, dA: Array, A: Array, out: Array | None = None) -> Array:
    dZ: Array = np.multiply(dA, np.where(A.real > 0, 1, 1 + A / alpha), out=out)
    return dZ


def selu(Z: Array, out: Array | None = None) -> Array:
    """scale Z where Z > 0, else scale alpha (exp(Z) - 1) (Klambauer et al., 2017)"""
    positive = Z.real > 0
    below = SELU_ALPHA * np.expm1(np.where(positive, 0, Z))
    A: Array = np.multiply(SELU_SCALE, np.where(positive, Z, below), out=out)
    return A


def selu_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    """The convention at the kink is selu'(0) = scale alpha."""
    slope = np.where(A.real > 0, SELU_SCALE, SELU_SCALE * SELU_ALPHA + A)
    dZ: Array = np.multiply(dA, slope, out=out)
    return dZ


def exp(Z: Array, out: Array | None = None) -> Array:
    """exp(Z), the mean of a count; infinite above 709, in float32 above 88."""
    return np.exp(Z, out=out)


def exp_backward(dA: Array, A: Array, out: Array | None = None) -> Array:
    return np.multiply(dA, A, out=out)


SELU = Activation(
    "selu",
    selu,
    selu_backward,
    weights=LeCun(),
    kinks=(0.0,),
    formula="s Z where Z > 0, else s a (exp(Z) - 1), s = 1.0507..., a = 1.6732...",
    slope="s where A > 0, else A + s a",
)
EXP = Activation("exp", exp, exp_backward, link_only=True, formula="exp(Z)", slope="A")


@dataclass(frozen=True)
class ELU:
    """Z where Z > 0, else alpha (exp(Z) - 1); g' = 1 where A > 0, else A + alpha"""

    alpha: float = field(default=1.0, metadata=FACTOR)

    def activation(self) -> Activation:
        return Activation(
            "elu",
            partial(elu, self.alpha),
            partial(elu_backward, self.alpha),
            weights=He(),
            kinks=() if self.alpha == 1 else (0.0,),
            formula=f"Z where Z > 0, else a (exp(Z) - 1), a = {self.alpha:g}",
            slope=f"1 where A > 0, else A + {self.alpha:g}",
        )


@dataclass(frozen=True)
class CELU:
    """Z where Z > 0, else alpha (exp(Z/alpha) - 1); g' = 1 where A > 0, else A/alpha + 1"""

    alpha: float = field(default=1.0, metadata=FACTOR)

    def activation(self) -> Activation:
        return Activation(
            "celu",
            partial(celu, self.alpha),
            partial(celu_backward, self.alpha),
            weights=He(),
            formula=f"Z where Z > 0, else a (exp(Z/a) - 1), a = {self.alpha:g}",
            slope=f"1 where A > 0, else A/{self.alpha:g} + 1",
        )
