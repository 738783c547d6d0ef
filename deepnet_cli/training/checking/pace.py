"""Whether the learning rate of a config suits it: its first updates, beside the range test's."""

from dataclasses import dataclass

import numpy as np

from deepnet_cli.training.checking.range_test import (
    PER_DECADE,
    RangeTest,
    costs_along,
    range_test,
)
from deepnet_cli.training.checking.subject import Subject

UPDATES, FEWEST = 100, 10
"""That are made by the config's own rate: of a large network the fewest."""

COARSEST = 2
"""Updates in a decade of its range test, at least."""

SETTLED = 0.1
"""The last ones, of whose costs the median is taken."""

POINTS = 200
"""Of a schedule, at which it is looked at."""


@dataclass(frozen=True)
class Pace:
    """A range test, and the same cost after the first updates by the config's own rate."""

    test: RangeTest
    rate: float  # the largest of these
    updates: int  # that were to be made
    made: int  # with a finite cost
    after: float
    whole: float  # sum of the rates of the run

    @property
    def diverged(self) -> bool:
        """Whether the cost became infinite."""
        return self.made < self.updates

    @property
    def fall(self) -> float:
        """By how much it fell."""
        return float(self.test.costs[0]) - self.after


def pace(subject: Subject) -> Pace:
    """Raises ConfigError and DivergedError as the range test does."""
    job, theta, last = subject.tried, subject.theta, subject.job.iterations - 1
    updates = max(FEWEST, round(UPDATES * subject.share))
    test = range_test(job, max(COARSEST, round(PER_DECADE * subject.share)), theta)

    def rate(iteration: int) -> float:
        return job.rate(min(iteration, last))

    costs = [*costs_along(job, rate, updates, theta)]
    points = np.linspace(0, last, min(POINTS, last + 1)).astype(int)
    return Pace(
        test,
        max(map(rate, range(updates))),
        updates,
        len(costs) - 1,
        float(np.median(costs[-round(SETTLED * updates) :])),
        float(np.mean([*map(rate, points.tolist())]) * job.iterations),
    )
