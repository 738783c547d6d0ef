"""Whether the learning rate of a config suits it: its first updates, beside the range test's."""

from dataclasses import dataclass

import numpy as np

from deepnet_cli.training.checking.range_test import RangeTest, costs_along, range_test
from deepnet_cli.training.checking.subject import Subject

UPDATES = 100
"""That are made by the config's own rate."""

SETTLED = 10
"""The last ones, of whose costs the median is taken."""

POINTS = 200
"""Of a schedule, at which it is looked at."""


@dataclass(frozen=True)
class Pace:
    """A range test, and the same cost after the first updates by the config's own rate."""

    test: RangeTest
    rate: float  # the largest of these
    updates: int  # that were made with a finite cost
    after: float
    whole: float  # sum of the rates of the run

    @property
    def diverged(self) -> bool:
        """Whether the cost became infinite."""
        return self.updates < UPDATES

    @property
    def fall(self) -> float:
        """By how much it fell."""
        return float(self.test.costs[0]) - self.after


def pace(subject: Subject) -> Pace:
    """Raises ConfigError and DivergedError as the range test does."""
    job, test = subject.tried, range_test(subject.tried)
    last = job.iterations - 1

    def rate(iteration: int) -> float:
        return job.rate(min(iteration, last))

    costs = [*costs_along(job, rate, UPDATES)]
    points = np.linspace(0, last, min(POINTS, last + 1)).astype(int)
    return Pace(
        test,
        max(map(rate, range(UPDATES))),
        len(costs) - 1,
        float(np.median(costs[-SETTLED:])),
        float(np.mean([*map(rate, points.tolist())]) * job.iterations),
    )
