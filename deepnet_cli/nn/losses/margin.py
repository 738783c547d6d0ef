"""Losses of scores, which ask that the right class is ahead by a margin of 1.

For flags y = 2Y - 1 is -1 or 1, and the sign of S decides; for classes the largest S does.
`class_weight` is as in cross_entropy.
"""

from dataclasses import dataclass, field

import numpy as np

from deepnet_cli.nn.activations.piecewise import LINEAR
from deepnet_cli.nn.losses.loss import POSITIVE, ClassWeight, Loss
from deepnet_cli.nn.types import Array


def missing(S: Array, Y: Array) -> Array:
    """1 - y S: what lacks in the margin, where it is above 0."""
    lack: Array = 1 - (2 * Y - 1) * S
    return lack


def hinge(S: Array, Y: Array, out: Array | None = None) -> Array:
    """max(0, 1 - y S) (Cortes and Vapnik, 1995)"""
    lack = missing(S, Y)
    return np.multiply(lack, lack.real > 0, out=out)


def hinge_gradient(S: Array, Y: Array, out: Array | None = None) -> Array:
    """-y where y S < 1, else 0."""
    dS: Array = np.multiply(1 - 2 * Y, missing(S, Y) > 0, out=out)
    return dS


def squared_hinge(S: Array, Y: Array, out: Array | None = None) -> Array:
    """max(0, 1 - y S)^2"""
    lack = hinge(S, Y)
    return np.multiply(lack, lack, out=out)


def squared_hinge_gradient(S: Array, Y: Array, out: Array | None = None) -> Array:
    dS: Array = np.multiply(2 * (1 - 2 * Y), hinge(S, Y), out=out)
    return dS


def behind(S: Array, Y: Array) -> Array:
    """1 + S - s, s the score of the right class: how far each other class is too near to it."""
    near: Array = 1 + S - (Y * S).sum(axis=0, keepdims=True)
    return near


def multi_margin(S: Array, Y: Array, out: Array | None = None) -> Array:
    """max(0, 1 + S - s) of each wrong class (Weston and Watkins, 1999)"""
    near = behind(S, Y)
    costs: Array = np.multiply((1 - Y) * near, near.real > 0, out=out)
    return costs


def multi_margin_gradient(S: Array, Y: Array, out: Array | None = None) -> Array:
    """1 for each class that is too near, and for the right one -1 for each of them."""
    near = (1 - Y) * (behind(S, Y) > 0)
    dS: Array = np.subtract(near, Y * near.sum(axis=0, keepdims=True), out=out)
    return dS


HINGE = Loss(
    "hinge",
    "binary",
    LINEAR,
    hinge,
    hinge_gradient,
    hinge_gradient,
    over_outputs=True,
    formula="max(0, 1 - y A), y = 2Y - 1",
    start_formula="-y where y A < 1, else 0",
)
SQUARED_HINGE = Loss(
    "squared_hinge",
    "binary",
    LINEAR,
    squared_hinge,
    squared_hinge_gradient,
    squared_hinge_gradient,
    over_outputs=True,
    formula="max(0, 1 - y A)^2, y = 2Y - 1",
    start_formula="-2 y max(0, 1 - y A)",
)
MULTI_MARGIN = Loss(
    "multi_margin",
    "class",
    LINEAR,
    multi_margin,
    multi_margin_gradient,
    multi_margin_gradient,
    over_outputs=True,
    formula="max(0, 1 + A - a) but 0 for the right class, a its A",
    start_formula="1 where A > a - 1; for the right class -1 for each of these",
)


@dataclass(frozen=True)
class Hinge:
    """max(0, 1 - y A), y = 2Y - 1; dA = -y where y A < 1, else 0"""

    class_weight: ClassWeight = field(default=None, metadata=POSITIVE)

    def loss(self) -> Loss:
        return HINGE


@dataclass(frozen=True)
class SquaredHinge:
    """max(0, 1 - y A)^2, y = 2Y - 1; dA = -2 y max(0, 1 - y A)"""

    class_weight: ClassWeight = field(default=None, metadata=POSITIVE)

    def loss(self) -> Loss:
        return SQUARED_HINGE


@dataclass(frozen=True)
class MultiMargin:
    """max(0, 1 + A - a) for each wrong class, a the A of the right one;
    dA = 1 where A > a - 1, and for the right class -1 for each of these
    """

    class_weight: ClassWeight = field(default=None, metadata=POSITIVE)

    def loss(self) -> Loss:
        return MULTI_MARGIN
