"""Adam and its kin: m and v are running means of g and g^2, corrected for their start at 0.

m = b1 m + (1 - b1) g       m_hat = m / (1 - b1^t)
v = b2 v + (1 - b2) g^2     v_hat = v / (1 - b2^t)
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.optim.rule import FRACTION, NOT_NEGATIVE, POSITIVE, Optimizer, Slots


@dataclass(frozen=True)
class _Moments(Optimizer):
    """The two running means."""

    beta1: float = field(default=0.9, metadata=FRACTION)
    beta2: float = field(default=0.999, metadata=FRACTION)
    epsilon: float = field(default=1e-8, metadata=POSITIVE)

    def renew(self, grad: Array, m: Array, v: Array) -> None:
        m *= self.beta1
        m += (1 - self.beta1) * grad
        v *= self.beta2
        v += (1 - self.beta2) * (grad * grad)


@dataclass(frozen=True)
class Adam(_Moments):
    """W -= rate m_hat / (sqrt(v_hat) + eps)   (Kingma and Ba, 2015, algorithm 1)

    https://arxiv.org/abs/1412.6980
    """

    name: ClassVar[str] = "adam"
    n_slots: ClassVar[int] = 2
    rotates: ClassVar[bool] = False

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        m, v = slots
        self.renew(grad, m, v)
        m_hat = m * (1 / (1 - self.beta1**t))
        v_hat = v * (1 / (1 - self.beta2**t))
        theta -= rate * m_hat / (np.sqrt(v_hat) + self.epsilon)


@dataclass(frozen=True)
class AdamW(Adam):
    """W *= 1 - rate w;  W -= rate m_hat / (sqrt(v_hat) + eps)   (Loshchilov and Hutter, 2019)

    The decay w is of the weights alone and no part of g: https://arxiv.org/abs/1711.05101, as
    PyTorch arranges it.
    """

    name: ClassVar[str] = "adamw"
    weight_decay: float = field(default=0.01, metadata=NOT_NEGATIVE)


@dataclass(frozen=True)
class AMSGrad(_Moments):
    """As adam, with the largest v so far: x = max(x, v), W -= rate m_hat / (sqrt(x_hat) + eps)

    Reddi, Kale and Kumar, 2018, https://openreview.net/forum?id=ryQu7f-RZ; PyTorch's form.
    """

    name: ClassVar[str] = "amsgrad"
    n_slots: ClassVar[int] = 3
    rotates: ClassVar[bool] = False

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        m, v, x = slots
        self.renew(grad, m, v)
        np.maximum(x, v, out=x)
        m_hat = m * (1 / (1 - self.beta1**t))
        x_hat = x * (1 / (1 - self.beta2**t))
        theta -= rate * m_hat / (np.sqrt(x_hat) + self.epsilon)


@dataclass(frozen=True)
class Adamax(Optimizer):
    """u = max(b2 u, |g| + eps);  W -= rate m_hat / u   (Kingma and Ba, 2015, algorithm 2)"""

    name: ClassVar[str] = "adamax"
    n_slots: ClassVar[int] = 2
    rotates: ClassVar[bool] = False
    beta1: float = field(default=0.9, metadata=FRACTION)
    beta2: float = field(default=0.999, metadata=FRACTION)
    epsilon: float = field(default=1e-8, metadata=POSITIVE)

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        m, u = slots
        m *= self.beta1
        m += (1 - self.beta1) * grad
        u *= self.beta2
        np.maximum(u, np.abs(grad) + self.epsilon, out=u)
        theta -= rate * (1 / (1 - self.beta1**t)) * m / u


@dataclass(frozen=True)
class NAdam(_Moments):
    """W -= rate (b1 m / (1 - b1^(t+1)) + (1 - b1) g / (1 - b1^t)) / (sqrt(v_hat) + eps)

    Dozat, 2016, with a constant b1: adam that looks ahead as nesterov does.
    """

    name: ClassVar[str] = "nadam"
    n_slots: ClassVar[int] = 2
    rotates: ClassVar[bool] = False

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        m, v = slots
        self.renew(grad, m, v)
        ahead = m * (self.beta1 / (1 - self.beta1 ** (t + 1)))
        ahead += grad * ((1 - self.beta1) / (1 - self.beta1**t))
        v_hat = v * (1 / (1 - self.beta2**t))
        theta -= rate * ahead / (np.sqrt(v_hat) + self.epsilon)


@dataclass(frozen=True)
class RAdam(_Moments):
    """W -= rate r m_hat / (sqrt(v_hat) + eps), or rate m_hat while v is not to be trusted

    r and the trust follow from t (Liu et al., 2020, https://arxiv.org/abs/1908.03265).
    """

    name: ClassVar[str] = "radam"
    n_slots: ClassVar[int] = 2
    rotates: ClassVar[bool] = False

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        m, v = slots
        self.renew(grad, m, v)
        m_hat = m * (1 / (1 - self.beta1**t))
        most = 2 / (1 - self.beta2) - 1  # the length of the mean that v is at the end
        length = most - 2 * t * self.beta2**t / (1 - self.beta2**t)
        trusted = length > 5  # 0 or 1, which choose by arithmetic between the two forms
        length = 5 + (length - 5) * trusted
        r = ((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) ** 0.5
        scale = 1 + (r * (1 - self.beta2**t) ** 0.5 - 1) * trusted
        theta -= rate * scale * m_hat / ((np.sqrt(v) + self.epsilon) * trusted + (1 - trusted))
