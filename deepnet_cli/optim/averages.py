"""Averages of the parameters along the way of training, and an update rule that keeps one.

    average = theta + kept (average - theta)    after update t = 1, 2, ...

`kept` is a function of t alone: 0 makes theta the average, 1 leaves the average as it is.  It is
plain arithmetic, for it becomes part of the rule's one pass.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from deepnet_cli.nn.types import Array
from deepnet_cli.optim.rule import FRACTION, NOT_NEGATIVE, Optimizer, Slots


class Average(ABC):
    """One average; its fields are its options, their bounds in the fields' metadata."""

    name: ClassVar[str]
    fresh_statistics: ClassVar[bool]  # whether the norms' are to be made anew for the average

    @abstractmethod
    def kept(self, t: int) -> float:
        """What is kept of the average at update t, from 0 to 1; 0 where t is 0."""


@dataclass(frozen=True)
class EMA(Average):
    """average = decay average + (1 - decay) theta, from theta after the first update on

    Kingma and Ba, 2015, section 7.2, https://arxiv.org/abs/1412.6980, in the form of PyTorch's
    get_ema_multi_avg_fn.
    """

    name: ClassVar[str] = "ema"
    fresh_statistics: ClassVar[bool] = False  # the run's own are such a mean already
    decay: float = field(default=0.999, metadata=FRACTION)

    def kept(self, t: int) -> float:
        return self.decay * (t > 1)


@dataclass(frozen=True)
class SWA(Average):
    """The mean of theta after iterations start, start + every, start + 2 every, ...

    Stochastic weight averaging: Izmailov et al., 2018, https://arxiv.org/abs/1803.05407.
    """

    name: ClassVar[str] = "swa"
    fresh_statistics: ClassVar[bool] = True
    start: float = field(default=0.75, metadata=NOT_NEGATIVE)  # below 1: a part of the run
    every: int | None = field(default=None, metadata={"ge": 1})  # None: an epoch

    def __post_init__(self) -> None:
        """Raise ValueError where `start` is neither."""
        if self.start >= 1 and self.start != int(self.start):
            raise ValueError("start is a whole number of iterations, or below 1 a part of the run")

    def kept(self, t: int) -> float:
        past = t - 1 - self.start
        k = past * (past > 0) / (self.every or 1)  # so many are in the mean, where k is whole
        return 1 - (k == k // 1) / (k + 1)


@dataclass(frozen=True)
class Averaged(Optimizer):
    """An update rule with one slot more, the last: the average of theta."""

    rule: Optimizer
    average: Average

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"{self.rule.name}, {self.average.name}"

    @property
    def n_slots(self) -> int:  # type: ignore[override]
        return self.rule.n_slots + 1

    @property
    def rotates(self) -> bool:  # type: ignore[override]
        """An average of rotated vectors is the average rotated."""
        return self.rule.rotates

    @property
    def weight_decay(self) -> float:
        return self.rule.weight_decay

    @property
    def formula(self) -> str:
        return self.rule.formula

    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        *own, average = slots
        self.rule.update(theta, grad, own, rate, t)
        average -= theta
        average *= self.average.kept(t)
        average += theta


AVERAGES: dict[str, Callable[..., Average]] = {average.name: average for average in (EMA, SWA)}
