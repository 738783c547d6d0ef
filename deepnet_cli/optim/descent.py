"""Gradient descent, plain and with momentum, and by the sign of the momentum."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.optim.rule import FRACTION, NOT_NEGATIVE, Optimizer, Slots


@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """W -= rate g"""

    name: ClassVar[str] = "gradient_descent"
    n_slots: ClassVar[int] = 0
    rotates: ClassVar[bool] = True

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        theta -= rate * grad


@dataclass(frozen=True)
class Momentum(Optimizer):
    """v = mu v + (1 - d) g;  W -= rate v   (Polyak, 1964; d = mu is the course's form)"""

    name: ClassVar[str] = "momentum"
    n_slots: ClassVar[int] = 1
    rotates: ClassVar[bool] = True
    momentum: float = field(default=0.9, metadata=FRACTION)
    dampening: float = field(default=0.0, metadata=FRACTION)

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        (v,) = slots
        v *= self.momentum
        v += (1 - self.dampening) * grad
        theta -= rate * v


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """v = mu v + g;  W -= rate (g + mu v)   (Sutskever et al., 2013, as PyTorch arranges it)"""

    name: ClassVar[str] = "nesterov"
    n_slots: ClassVar[int] = 1
    rotates: ClassVar[bool] = True
    momentum: float = field(default=0.9, metadata=FRACTION)

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        (v,) = slots
        v *= self.momentum
        v += grad
        theta -= rate * (grad + self.momentum * v)


@dataclass(frozen=True)
class Lion(Optimizer):
    """W -= rate sign(b1 m + (1 - b1) g);  m = b2 m + (1 - b2) g   (Chen et al., 2023)

    https://arxiv.org/abs/2302.06675; its weight decay, of the weights alone, is off by default.
    """

    name: ClassVar[str] = "lion"
    n_slots: ClassVar[int] = 1
    rotates: ClassVar[bool] = False
    beta1: float = field(default=0.9, metadata=FRACTION)
    beta2: float = field(default=0.99, metadata=FRACTION)
    weight_decay: float = field(default=0.0, metadata=NOT_NEGATIVE)

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        (m,) = slots
        theta -= rate * np.sign(self.beta1 * m + (1 - self.beta1) * grad)
        m *= self.beta2
        m += (1 - self.beta2) * grad
