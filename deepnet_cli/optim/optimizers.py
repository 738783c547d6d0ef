"""Elementwise update rules on the parameter vector.

    update(theta, grad, slots, rate, t)    theta (P,) and slots (k, P) change in place

`slots` is the rule's whole memory: k vectors the shape of theta, zero at the start.
Hyperparameters live in the (frozen) rule, `rate` is the learning rate of this update,
t counts updates from 1, and nothing else is kept: (theta, slots, t) is a complete
checkpoint.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from deepnet_cli.nn.blocks import blocks
from deepnet_cli.nn.types import Array

_FRACTION = {"ge": 0.0, "lt": 1.0}


class Optimizer(Protocol):
    """One update rule; its fields are its options, their bounds in the fields' metadata."""

    name: ClassVar[str]
    n_slots: ClassVar[int]

    def update(self, theta: Array, grad: Array, slots: Array, rate: float, t: int) -> None:
        """Move theta (P,) by one update and renew the slots (k, P)."""


@dataclass(frozen=True)
class GradientDescent:
    """W -= rate g"""

    name: ClassVar[str] = "gradient_descent"
    n_slots: ClassVar[int] = 0

    def update(self, theta: Array, grad: Array, slots: Array, rate: float, t: int) -> None:
        theta -= rate * grad


@dataclass(frozen=True)
class Momentum:
    """v = mu v + (1 - d) g;  W -= rate v   (Polyak, 1964; d = mu is the course's form)"""

    name: ClassVar[str] = "momentum"
    n_slots: ClassVar[int] = 1
    momentum: float = field(default=0.9, metadata=_FRACTION)
    dampening: float = field(default=0.0, metadata=_FRACTION)

    def update(self, theta: Array, grad: Array, slots: Array, rate: float, t: int) -> None:
        (v,) = slots
        v *= self.momentum
        v += (1 - self.dampening) * grad
        theta -= rate * v


@dataclass(frozen=True)
class Nesterov:
    """v = mu v + g;  W -= rate (g + mu v)   (Sutskever et al., 2013, as PyTorch arranges it)"""

    name: ClassVar[str] = "nesterov"
    n_slots: ClassVar[int] = 1
    momentum: float = field(default=0.9, metadata=_FRACTION)

    def update(self, theta: Array, grad: Array, slots: Array, rate: float, t: int) -> None:
        (v,) = slots
        v *= self.momentum
        v += grad
        theta -= rate * (grad + self.momentum * v)


@dataclass(frozen=True)
class Adam:
    """W -= rate m_hat / (sqrt(v_hat) + eps)   (Kingma and Ba, 2015, algorithm 1)

    m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, both divided by
    1 - beta^t.  https://arxiv.org/abs/1412.6980
    """

    name: ClassVar[str] = "adam"
    n_slots: ClassVar[int] = 2
    beta1: float = field(default=0.9, metadata=_FRACTION)
    beta2: float = field(default=0.999, metadata=_FRACTION)
    epsilon: float = field(default=1e-8, metadata={"gt": 0.0})

    def update(self, theta: Array, grad: Array, slots: Array, rate: float, t: int) -> None:
        m, v = slots
        m *= self.beta1
        m += (1 - self.beta1) * grad
        v *= self.beta2
        v += (1 - self.beta2) * (grad * grad)
        m_hat = m * (1 / (1 - self.beta1**t))
        v_hat = v * (1 / (1 - self.beta2**t))
        theta -= rate * m_hat / (np.sqrt(v_hat) + self.epsilon)


def step(rule: Optimizer, theta: Array, grad: Array, slots: Array, rate: float, t: int) -> None:
    """Apply `rule` a cache-sized block at a time: same numbers, cheap temporaries."""
    for block in blocks(theta.size):
        rule.update(theta[block], grad[block], slots[:, block], rate, t)


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    rule.name: rule for rule in (GradientDescent, Momentum, Nesterov, Adam)
}
