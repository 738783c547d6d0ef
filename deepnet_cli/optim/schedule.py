"""What a schedule of the learning rate is.

    rate(iteration, per_epoch, iterations, reductions)    a pure function: nothing is kept

`reductions` is how many the rows of the history have brought before the iteration, as `Reductions`
counts them: none but with reduce_on_plateau.

k counts what `by` says, iterations or whole epochs, from the end of the warm-up:

    rate = initial (i + 1) / (warmup + 1)     for i = 0 ... warmup - 1, the warm-up
    rate = curve(k)                           for k = 0, 1, ..., with curve(0) = initial
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from deepnet_cli.optim.rule import NOT_NEGATIVE, POSITIVE


@dataclass(kw_only=True)
class Reductions:
    """Counts reductions of the rate as rows come; here there are none, whatever the rows."""

    made: int = 0

    def see(self, row: Mapping[str, float]) -> None:
        """Take a row in: a reduction that it brings holds from the next iteration on."""


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """One curve; its fields are its options, their bounds in the fields' metadata."""

    name: ClassVar[str]
    initial: float = field(metadata=POSITIVE)
    warmup: int = field(default=0, metadata={"ge": 0})
    by: Literal["iteration", "epoch"] = "iteration"

    def rate(self, iteration: int, per_epoch: int, iterations: int, reductions: int = 0) -> float:
        """The rate of an iteration, counted from 0, in a run of `iterations`."""
        k = iteration // self.unit(per_epoch) - self.warmup
        if k < 0:
            return self.initial * (k + self.warmup + 1) / (self.warmup + 1)
        return self.reduced(self.curve(k, self.rest(per_epoch, iterations)), reductions)

    def rest(self, per_epoch: int, iterations: int) -> int:
        """How many k there are from the end of the warm-up to that of the run, at least 1."""
        return max(1, -(-iterations // self.unit(per_epoch)) - self.warmup)

    @abstractmethod
    def curve(self, k: int, rest: int) -> float:
        """The rate at k = 0, 1, ... after the warm-up, `rest` being left to the run there."""

    def reduced(self, rate: float, reductions: int) -> float:
        """What so many reductions leave of a rate."""
        return rate

    def reductions(self, per_epoch: int) -> Reductions:
        """What counts them, before the first row."""
        return Reductions()

    def unit(self, per_epoch: int) -> int:
        """Iterations in a step of k."""
        return per_epoch if self.by == "epoch" else 1


@dataclass(frozen=True, kw_only=True)
class Ending(Schedule):
    """A curve that ends after T = `length`, by default with the run, and stays at `final`."""

    length: int | None = field(default=None, metadata={"ge": 1})
    final: float = field(default=0.0, metadata=NOT_NEGATIVE)

    def curve(self, k: int, rest: int) -> float:
        T = self.length or rest
        return self.final + (self.initial - self.final) * self.left(min(k / T, 1.0))

    @abstractmethod
    def left(self, share: float) -> float:
        """What is left of initial - final after a share of T: from 1 to 0."""
