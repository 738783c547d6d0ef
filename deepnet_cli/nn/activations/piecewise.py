"""Activations of straight pieces.  At a kink each has the slope of the flatter side."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from deepnet_cli.nn.activations.activation import Activation
from deepnet_cli.nn.initializers import SLOPE, He
from deepnet_cli.nn.types import Array


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


def leaky_relu(slope: float | Array, Z: Array, out: Array | None = None) -> Array:
    """Z where Z > 0, else slope Z (Maas, Hannun and Ng, 2013)"""
    return np.positive(np.where(Z.real > 0, Z, slope * Z), out=out)


def leaky_relu_backward(
    slope: float | Array, dA: Array, Z: Array, out: Array | None = None
) -> Array:
    """A serves in place of Z where no slope is negative: it has the sign of Z."""
    return np.positive(np.where(Z.real > 0, dA, slope * dA), out=out)


def hard_tanh(Z: Array, out: Array | None = None) -> Array:
    """Z between -1 and 1, else the nearer of the two (Collobert, 2004)"""
    return np.positive(_between(Z, -1, 1), out=out)


def hard_tanh_backward(dA: Array, Z: Array, out: Array | None = None) -> Array:
    """By Z: a saturated A stands on the very kink, where the last bit would decide."""
    return np.multiply(dA, (Z.real > -1) * (Z.real < 1), out=out)


def hard_sigmoid(Z: Array, out: Array | None = None) -> Array:
    """(Z + 3) / 6 between 0 and 1, else the nearer of the two (as PyTorch; Howard et al., 2019)"""
    A: Array = np.divide(_between(Z, -3, 3) + 3, 6, out=out)
    return A


def hard_sigmoid_backward(dA: Array, Z: Array, out: Array | None = None) -> Array:
    dZ: Array = np.multiply(dA, (Z.real > -3) * (Z.real < 3), out=out)
    dZ /= 6
    return dZ


def _between(Z: Array, least: float, most: float) -> Array:
    """Z, or the bound that it has reached."""
    inside: Array = np.where(Z.real >= most, most, np.where(Z.real <= least, least, Z))
    return inside


RELU = Activation(
    "relu",
    relu,
    relu_backward,
    weights=He(),
    kinks=(0.0,),
    formula="max(0, Z)",
    slope="1 where A > 0, else 0",
)
HARD_TANH = Activation(
    "hard_tanh",
    hard_tanh,
    hard_tanh_backward,
    keeps_Z=True,
    odd=True,
    kinks=(-1.0, 1.0),
    formula="Z, but at least -1 and at most 1",
    slope="1 where -1 < Z < 1, else 0",
)
HARD_SIGMOID = Activation(
    "hard_sigmoid",
    hard_sigmoid,
    hard_sigmoid_backward,
    keeps_Z=True,
    kinks=(-3.0, 3.0),
    formula="(Z + 3) / 6, but at least 0 and at most 1",
    slope="1/6 where -3 < Z < 3, else 0",
)
LINEAR = Activation("linear", linear, linear_backward, odd=True, formula="Z", slope="1")


@dataclass(frozen=True)
class LeakyReLU:
    """Z where Z > 0, else slope Z; g' = 1 where A > 0, else slope"""

    slope: float = field(default=0.01, metadata=SLOPE)

    def activation(self) -> Activation:
        return Activation(
            "leaky_relu",
            partial(leaky_relu, self.slope),
            partial(leaky_relu_backward, self.slope),
            weights=He(self.slope),
            kinks=(0.0,),
            formula=f"Z where Z > 0, else {self.slope:g} Z",
            slope=f"1 where A > 0, else {self.slope:g}",
        )


@dataclass(frozen=True)
class PReLU:
    """Z where Z > 0, else slope Z; g' = 1 where Z > 0, else slope

    Each unit has a slope of its own, which is `initial` at first and trained (He et al., 2015,
    https://arxiv.org/abs/1502.01852).
    """

    initial: float = field(default=0.25, metadata=SLOPE)

    def activation(self) -> Activation:
        """By Z, for a trained slope may be negative."""
        return Activation(
            "prelu",
            partial(leaky_relu, self.initial),
            partial(leaky_relu_backward, self.initial),
            weights=He(self.initial),
            keeps_Z=True,
            kinks=(0.0,),
            trained_from=self.initial,
            formula="Z where Z > 0, else slope Z",
            slope="1 where Z > 0, else slope",
        )
