"""How long an update takes, and what of it; and what follows from that."""

from dataclasses import dataclass
from math import ceil
from typing import Any, Self

from deepnet_cli.config.job import Job
from deepnet_cli.training.timing.parts import BACKWARD, FORWARD


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds of an update with a whole batch, and how long the whole run takes."""

    step: float
    iterations: int  # of the run
    filled: float  # mean part of a batch that has examples: the last of an epoch may be smaller
    rows: int  # of the run's history
    row: float  # what one takes beside its step

    @classmethod
    def of_job(cls, job: Job, **measured: Any) -> Self:
        """Of what was measured, and the length of a job."""
        batches = job.batches
        return cls(
            iterations=job.iterations,
            filled=batches.part.m / (batches.per_epoch * batches.size),
            rows=1 + ceil((job.iterations - 1) / job.log_every),
            **measured,
        )

    @property
    def mean_step(self) -> float:
        """Over an epoch: a smaller batch counts by its examples."""
        return self.step * self.filled

    @property
    def run(self) -> float:
        """Seconds of the whole run."""
        return self.iterations * self.mean_step + self.rows * self.row


@dataclass(frozen=True, kw_only=True)
class Timing(Estimate):
    """What an update consists of, in seconds, and what follows from it."""

    sizes: tuple[int, ...]  # n[0], n[1], ..., n[L], as training has them
    frozen: tuple[bool, ...]  # which layers
    size: int  # examples in a batch
    threads: int  # that multiply
    multiplied_by: str  # which library
    parts: dict[tuple[str, str], float]  # by what they belong to, and way
    products: float  # all of a step's, one after the other
    peak: float  # of products here, in operations a second
    undisturbed: float  # part of the time that the measuring thread had a core
    by_threads: dict[int, float]  # a step with so many threads
    better_threads: int | None  # a number that is clearly faster than the one in use

    def operations(self, l: int, way: str) -> int:
        """Multiplications and additions in the products of layer l, from 1: on the way back dW,
        unless it is frozen, and dA[l-1], behind the first layer that is not.
        """
        product = 2 * self.sizes[l] * self.sizes[l - 1] * self.size
        back = (not self.frozen[l - 1]) + (l - 1 > self.frozen.index(False))
        return product if way == FORWARD else back * product

    def of(self, name: str) -> float:
        """Seconds of all parts that belong to something, both ways."""
        return sum(seconds for (of, _), seconds in self.parts.items() if of == name)

    @property
    def all_operations(self) -> int:
        """Of a step."""
        layers = range(1, len(self.sizes))
        return sum(self.operations(l, way) for l in layers for way in (FORWARD, BACKWARD))

    @property
    def between(self) -> float:
        """What a step takes beside its parts; on a busy machine it may come out negative."""
        return self.step - sum(self.parts.values())

    @property
    def samples(self) -> float:
        """Examples a second."""
        return self.size / self.step
