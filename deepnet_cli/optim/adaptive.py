"""Rules that divide by the root of a sum or mean of squares: PyTorch's forms and defaults."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.optim.rule import FRACTION, NOT_NEGATIVE, POSITIVE, Optimizer, Slots


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """s += g^2;  W -= rate g / (sqrt(s) + eps)   (Duchi, Hazan and Singer, 2011)"""

    name: ClassVar[str] = "adagrad"
    n_slots: ClassVar[int] = 1
    rotates: ClassVar[bool] = False
    epsilon: float = field(default=1e-10, metadata=POSITIVE)
    initial: float = field(default=0.0, metadata=NOT_NEGATIVE)  # s before the first update

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        (s,) = slots
        s += grad * grad + self.initial * (t == 1)
        theta -= rate * grad / (np.sqrt(s) + self.epsilon)


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """s = rho s + (1 - rho) g^2;  D = g sqrt(u + eps) / sqrt(s + eps);  W -= rate D

    u = rho u + (1 - rho) D^2 afterwards (Zeiler, 2012, https://arxiv.org/abs/1212.5701).
    """

    name: ClassVar[str] = "adadelta"
    n_slots: ClassVar[int] = 2
    rotates: ClassVar[bool] = False
    rho: float = field(default=0.9, metadata=FRACTION)
    epsilon: float = field(default=1e-6, metadata=POSITIVE)

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        s, u = slots
        s *= self.rho
        s += (1 - self.rho) * (grad * grad)
        delta = grad * np.sqrt(u + self.epsilon) / np.sqrt(s + self.epsilon)
        u *= self.rho
        u += (1 - self.rho) * (delta * delta)
        theta -= rate * delta


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """s = alpha s + (1 - alpha) g^2;  W -= rate g / (sqrt(s) + eps)   (Hinton, 2012)"""

    name: ClassVar[str] = "rmsprop"
    n_slots: ClassVar[int] = 1
    rotates: ClassVar[bool] = False
    alpha: float = field(default=0.99, metadata=FRACTION)
    epsilon: float = field(default=1e-8, metadata=POSITIVE)

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        (s,) = slots
        s *= self.alpha
        s += (1 - self.alpha) * (grad * grad)
        theta -= rate * grad / (np.sqrt(s) + self.epsilon)
