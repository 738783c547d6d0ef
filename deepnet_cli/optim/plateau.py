"""A learning rate that falls each time a figure of the history has stopped improving.

PyTorch's ReduceLROnPlateau.  The rate is a function of the iteration and of how many reductions
the rows before it have brought; these are counted from the rows, and anew when a run resumes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from deepnet_cli.nn.improvement import improves
from deepnet_cli.optim.rule import NOT_NEGATIVE
from deepnet_cli.optim.schedule import Reductions, Schedule


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateau(Schedule):
    """max(initial factor^r, minimum), r the reductions so far

    An improvement is one by more than `min_delta` and than `threshold` times the best value.
    """

    name: ClassVar[str] = "reduce_on_plateau"
    monitor: str | None = None  # val_cost, or cost where there is no validation set
    factor: float = field(default=0.1, metadata={"gt": 0.0, "lt": 1.0})
    patience: int = field(default=10, metadata={"ge": 0})
    threshold: float = field(default=1e-4, metadata=NOT_NEGATIVE)
    min_delta: float = field(default=0.0, metadata=NOT_NEGATIVE)
    cooldown: int = field(default=0, metadata={"ge": 0})
    minimum: float = field(default=0.0, metadata=NOT_NEGATIVE)

    def __post_init__(self) -> None:
        """Raise ValueError where the rate could only rise."""
        if self.minimum > self.initial:
            raise ValueError(f"minimum {self.minimum:g} is above the initial rate")

    def curve(self, k: int, rest: int) -> float:
        return self.initial

    def reduced(self, rate: float, reductions: int) -> float:
        return max(rate * float(self.factor**reductions), self.minimum)

    def reductions(self, per_epoch: int) -> "Plateaus":
        return Plateaus(schedule=self, begin=self.warmup * self.unit(per_epoch))


@dataclass(kw_only=True)
class Plateaus(Reductions):
    """Of one ReduceOnPlateau: it looks at the rows from the end of the warm-up on.

    A reduction comes with the row that makes more than `patience` without an improvement in
    sequence; the `cooldown` rows after it are not counted.
    """

    schedule: ReduceOnPlateau
    begin: int  # the first iteration after the warm-up
    best: float | None = None
    waited: int = 0
    resting: int = 0

    def see(self, row: Mapping[str, float]) -> None:
        if row["iteration"] < self.begin:
            return
        schedule, figure = self.schedule, self.schedule.monitor or "cost"
        by = max(schedule.min_delta, schedule.threshold * abs(self.best or 0.0))
        if improves(figure, row[figure], self.best, by):
            self.best, self.waited = row[figure], 0
        else:
            self.waited += 1
        if self.resting:
            self.resting, self.waited = self.resting - 1, 0
        if self.waited > schedule.patience:
            self.made, self.resting, self.waited = self.made + 1, schedule.cooldown, 0
