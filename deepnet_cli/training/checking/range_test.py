"""The learning-rate range test: the rate grows geometrically, update by update, and the cost shows
where it does nothing yet, where it works, and where it is too large.

    rate_i = LOWEST 10^(i / k)
    s_i = beta s_(i-1) + (1 - beta) J_i,  divided by 1 - beta^(i+1)

J_i is the cost of the same examples before each update i, so that it varies by the updates alone.
A decade has k = PER_DECADE updates, or fewer where each takes long; s forgets as much in a decade.
Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.3:
https://arxiv.org/abs/1506.01186.  There the rate grows linearly and the accuracy is watched; here
it spans decades.  Suggested is the rate at which s falls fastest over the logarithm of the rate, or
a tenth of that at which it is lowest, whichever is less: behind the lowest it is a few updates to
where everything explodes.

A copy of the first parameters is moved, by the batches and the rule of the run; nothing is written.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.errors import ConfigError, DivergedError
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.updates import not_finite

LOWEST, HIGHEST = 1e-7, 1e2
PER_DECADE = 16
BETA = 0.7
"""beta, where a decade has so many updates."""

FEWEST, MOST, BATCHES = 128, 512, 3
"""Examples whose cost is watched: as many as in some batches, within bounds, so that looking takes
about as long as updating.
"""

EXPLODED = 4.0
"""Times that the cost has risen above its lowest what it had varied before, where the test ends."""

LEAST = 0.01
"""Part of the first cost that a fall or a rise has to exceed."""


@dataclass(frozen=True)
class RangeTest:
    """J (n,) before the update by each of the rates (n,)."""

    rates: Array
    costs: Array
    per_decade: int = PER_DECADE

    @cached_property
    def smoothed(self) -> Array:
        """s (n,)"""
        return _smoothed(self.costs, self.per_decade)

    @property
    def lowest(self) -> int:
        """The update before which the smoothed cost is lowest."""
        return int(self.smoothed.argmin())

    @property
    def steepest(self) -> int:
        """The update at which it falls fastest."""
        falling = self.smoothed[: self.lowest + 1]
        return int(np.gradient(falling).argmin()) if len(falling) > 1 else 0

    @property
    def fall(self) -> float:
        """By how much it falls."""
        return float(self.costs[0] - self.smoothed[self.lowest])

    @property
    def suggestion(self) -> float | None:
        """A rate to begin with, of two digits; None where no rate makes the cost fall."""
        if self.fall <= LEAST * abs(self.costs[0]):
            return None
        rate = min(self.rates[self.steepest], self.rates[self.lowest] / 10)
        return float(f"{rate:.1e}")


def range_test(job: Job, per_decade: int = PER_DECADE, theta: Array | None = None) -> RangeTest:
    """Test so many rates in a decade for a job; `theta` are its first parameters, where they were
    drawn before.

    Raises ConfigError where its rule has no rate, DivergedError where the first cost is not finite.
    """
    if job.rule.sees == "objective":
        name = job.config.training.optimizer.name
        raise ConfigError(f"{name} finds its own step lengths: there is no learning rate to find")
    count = 1 + round(per_decade * np.log10(HIGHEST / LOWEST))
    rates, costs = np.geomspace(LOWEST, HIGHEST, count), list[float]()
    for J in costs_along(job, lambda i: float(rates[i]), count - 1, theta):
        costs.append(J)
        if _exploded(costs, per_decade):
            break
    return RangeTest(rates[: len(costs)], np.array(costs), per_decade)


def costs_along(
    job: Job, rate: Callable[[int], float], updates: int, theta: Array | None = None
) -> Iterator[float]:
    """J before the first of some updates by these rates and after each, as long as it is finite.

    Raises DivergedError where the first is not.
    """
    progress = Progress.start(job, theta)
    state, objective, batches = progress.state, progress.space.objective, progress.space.batches
    count = min(max(FEWEST, BATCHES * batches.size), MOST)
    watched = batches.part.sample(count, job.config.seed, "range test")

    def cost() -> float:
        J = objective.cost(state.theta, watched.X, watched.Y, watched.weights)
        return float(J.real)

    if trouble := not_finite(objective, state.theta, J := cost()):
        raise DivergedError(f"{trouble} before the first update")
    yield J
    made = train(state, objective, job.clippings, job.rule, rate, batches.runs(0, updates))
    with suppress(DivergedError):
        for _ in made:
            if not_finite(objective, state.theta, J := cost()):
                return
            yield J


def _smoothed(costs: Sequence[float] | Array, per_decade: int) -> Array:
    """s (n,) of J (n,)."""
    beta = BETA ** (PER_DECADE / per_decade)
    s, total = np.empty(len(costs)), 0.0
    for i, J in enumerate(costs):
        total = beta * total + (1 - beta) * J
        s[i] = total / (1 - beta ** (i + 1))
    return s


def _exploded(costs: Sequence[float], per_decade: int) -> bool:
    if len(costs) <= per_decade:
        return False
    s = _smoothed(costs, per_decade)
    lowest = int(s.argmin())
    varied = s[: max(lowest, per_decade) + 1].max() - s[lowest]
    return bool(s[-1] - s[lowest] > max(EXPLODED * varied, LEAST * abs(costs[0])))
