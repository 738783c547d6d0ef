"""The schedules of the learning rate by name.

k = 0, 1, ... counts what `by` says, iterations or epochs, from the end of the warm-up; before it
rate = initial (i + 1) / (warmup + 1), i = 0 ... warmup - 1.  T is `length`: to the end of the run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos, pi, sqrt
from typing import ClassVar

from deepnet_cli.optim.plateau import ReduceOnPlateau
from deepnet_cli.optim.rule import NOT_NEGATIVE, POSITIVE
from deepnet_cli.optim.schedule import Ending, Schedule

FACTOR = {"gt": 0.0, "le": 1.0}
COUNT = {"ge": 1}


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """initial"""

    name: ClassVar[str] = "constant"

    def curve(self, k: int, rest: int) -> float:
        return self.initial


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """initial factor^floor(k / every)"""

    name: ClassVar[str] = "step"
    every: int = field(metadata=COUNT)
    factor: float = field(default=0.1, metadata=FACTOR)

    def curve(self, k: int, rest: int) -> float:
        return self.initial * float(self.factor ** (k // self.every))


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """initial factor^k"""

    name: ClassVar[str] = "exponential"
    factor: float = field(metadata=FACTOR)

    def curve(self, k: int, rest: int) -> float:
        return self.initial * float(self.factor**k)


@dataclass(frozen=True, kw_only=True)
class InverseTime(Schedule):
    """initial / (1 + decay k)"""

    name: ClassVar[str] = "inverse_time"
    decay: float = field(metadata=POSITIVE)

    def curve(self, k: int, rest: int) -> float:
        return self.initial / (1 + self.decay * k)


@dataclass(frozen=True, kw_only=True)
class InverseSqrt(Schedule):
    """initial / sqrt(1 + k / scale)   (Vaswani et al., 2017, where scale is the warm-up)

    https://arxiv.org/abs/1706.03762
    """

    name: ClassVar[str] = "inverse_sqrt"
    scale: float = field(metadata=POSITIVE)

    def curve(self, k: int, rest: int) -> float:
        return self.initial / sqrt(1 + k / self.scale)


@dataclass(frozen=True, kw_only=True)
class Polynomial(Ending):
    """final + (initial - final) (1 - k / T)^power"""

    name: ClassVar[str] = "polynomial"
    power: float = field(default=1.0, metadata=POSITIVE)

    def left(self, share: float) -> float:
        return float((1 - share) ** self.power)


@dataclass(frozen=True, kw_only=True)
class Cosine(Ending):
    """final + (initial - final) (1 + cos(pi k / T)) / 2   (Loshchilov and Hutter, 2017)

    https://arxiv.org/abs/1608.03983
    """

    name: ClassVar[str] = "cosine"

    def left(self, share: float) -> float:
        return half_wave(share)


@dataclass(frozen=True, kw_only=True)
class CosineRestarts(Schedule):
    """final + (initial - final) (1 + cos(pi j / T)) / 2, j counting anew after each T

    T is `period`, then `growth` times as long with each restart (Loshchilov and Hutter, 2017).
    """

    name: ClassVar[str] = "cosine_restarts"
    period: int = field(metadata=COUNT)
    growth: int = field(default=1, metadata=COUNT)
    final: float = field(default=0.0, metadata=NOT_NEGATIVE)

    def curve(self, k: int, rest: int) -> float:
        T = self.period
        while self.growth > 1 and k >= T:
            k, T = k - T, T * self.growth
        return self.final + (self.initial - self.final) * half_wave(k % T / T)


@dataclass(frozen=True, kw_only=True)
class OneCycle(Schedule):
    """From initial up to peak = initial peak_factor at u = rising T - 1, then down to
    initial final_factor at k = T - 1, each along half a cosine   (Smith and Topin, 2018)

    https://arxiv.org/abs/1708.07120, in PyTorch's form.
    """

    name: ClassVar[str] = "one_cycle"
    length: int | None = field(default=None, metadata=COUNT)
    peak_factor: float = field(default=25.0, metadata={"ge": 1.0})
    rising: float = field(default=0.3, metadata={"gt": 0.0, "lt": 1.0})
    final_factor: float = field(default=1e-4, metadata=FACTOR)

    def curve(self, k: int, rest: int) -> float:
        last = max(1, (self.length or rest) - 1)
        u = max(0.0, self.rising * (last + 1) - 1)
        peak, final = self.initial * self.peak_factor, self.initial * self.final_factor
        if k < u:
            return peak + (self.initial - peak) * half_wave(k / u)
        return final + (peak - final) * half_wave((min(k, last) - u) / (last - u))


@dataclass(frozen=True, kw_only=True)
class Piecewise(Schedule):
    """initial, then from each k of the `points` [k, rate] on that rate"""

    name: ClassVar[str] = "piecewise"
    points: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        """Raise ValueError where there are no points, or no such points."""
        if not self.points:
            raise ValueError("schedule piecewise needs points, such as [[1000, 0.01]]")
        if any(k >= after for (k, _), (after, _) in pairwise(((0, 0.0), *self.points))):
            raise ValueError("the first numbers of the points must rise, from 1 or more")
        if any(rate <= 0 for _, rate in self.points):
            raise ValueError("the rates of the points must be > 0")

    def curve(self, k: int, rest: int) -> float:
        return [self.initial, *(rate for at, rate in self.points if at <= k)][-1]


def half_wave(share: float) -> float:
    """(1 + cos(pi share)) / 2: from 1 to 0 along half a cosine."""
    return (1 + cos(pi * share)) / 2


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    schedule.name: schedule
    for schedule in (
        Constant,
        Step,
        Exponential,
        InverseTime,
        InverseSqrt,
        Polynomial,
        Cosine,
        CosineRestarts,
        OneCycle,
        Piecewise,
        ReduceOnPlateau,
    )
}
