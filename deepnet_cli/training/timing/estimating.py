"""How long a run will take, from a few of its updates and rows; nothing of them is kept.

The updates are those of the training loop, from the run's first parameters on, with a learning
rate of 0: they do all that training does and leave the parameters where they are, once the first
has held them to a max_norm.  A search has no rate: its updates are real ones, over and over.

Where one takes seconds, two smaller batches are timed, of v and w examples: what an update does
besides is the same for every batch, so that one of m takes  t_w + (m - w) (t_w - t_v) / (w - v).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import TypeVar

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.data.dealing.batches import Batches, Run
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.evaluation import figures, running_states
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.loop.loop import at_once
from deepnet_cli.training.loop.state import Steps
from deepnet_cli.training.loop.updates import UPDATES, Updates
from deepnet_cli.training.timing.timing import Estimate

FOR_UPDATES, FOR_ROWS = 0.5, 0.1
"""Seconds in which updates, and rows of the history, are timed: one at least."""

MULTIPLICATIONS, FEWEST, SMALLER = 2**32, 32, 4
"""Of a forward pass over the largest batch that is timed; its examples at least; and how many times
smaller the other one is.
"""

TURN = 0.001
"""Seconds in which a round makes updates: one at least.  A busy machine's other work comes in
slices of some milliseconds, so that most turns are left alone.
"""

ENDLESS = 10**12
"""Iterations."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Estimated(Estimate):
    """An estimate, and by which batches."""

    sizes: tuple[int, ...]  # of those that were timed


def estimate(job: Job, theta: Array | None = None) -> Estimated:
    """Time a job's training with the threads that there are now; `theta` are its first parameters,
    where they were drawn before.

    Raises DivergedError where the first cost is not finite.
    """
    with np.errstate(all="ignore"):
        progress = Progress.start(job, theta)
        batches, network = progress.space.batches, progress.space.objective.network
        m, w = batches.size, _affordable(network)
        timed = (m,) if m <= w else (w // SMALLER, w)
        took = [_seconds_of_an_update(job, progress, replace(batches, size=n)) for n in timed]
        slope = max(0.0, took[-1] - took[0]) / (w - w // SMALLER)
        step = took[-1] + (m - timed[-1]) * slope
        return Estimated.of_job(job, step=step, row=seconds_of_a_row(job, progress), sizes=timed)


def _affordable(network: Network) -> int:
    """Examples that are timed."""
    weights = sum(inputs * units for inputs, units in pairwise(network.sizes))
    return max(FEWEST, MULTIPLICATIONS // weights)


def dealt(network: Network, batches: Batches) -> Iterator[Run]:
    """Runs of batches without end, as long as training has them."""
    most = at_once(network.sizes, batches.size)
    return batches.runs(0, ENDLESS, lambda _: most)


def begun(job: Job, progress: Progress, runs: Iterator[Run]) -> tuple[Updates, Iterator[Steps]]:
    """What makes updates of rate 0, of these runs, behind the first: it made what others only use.
    Where it is dropped, the next one goes on with the runs.
    """
    objective, metrics = progress.space.objective.fused, job.running_metrics
    seen = partial(running_states, metrics, job.network.loss) if metrics else None
    how = job.clippings, job.rule, _still(job), seen
    updates = UPDATES[job.rule.sees](progress.state, objective, *how)
    steps = endless(updates, runs)
    next(steps)
    return updates, steps


def endless(updates: Updates, runs: Iterator[Run]) -> Iterator[Steps]:
    """The updates of runs; what has converged begins again."""
    state = updates.state
    theta = state.theta.copy()
    for run in runs:
        yield from updates.of(run)
        if updates.rule.converged(state.slots, state.iteration):
            state.theta[...], state.slots[...] = theta, 0


def _still(job: Job) -> Callable[[int], float]:
    """The job's learning rate, as long as it takes to say it, times 0."""
    return lambda iteration: 0.0 * job.rate(iteration % job.iterations)


def _seconds_of_an_update(job: Job, progress: Progress, batches: Batches) -> float:
    """Of these batches, whole ones."""
    network = progress.space.objective.network
    _, steps = begun(job, progress, dealt(network, batches))
    return float(np.median(rounds(lambda: [seconds_of(steps, batches)], FOR_UPDATES)))


def seconds_of(steps: Iterator[Steps], batches: Batches) -> float:
    """Mean seconds of the next steps with a whole batch, as many as fit into a turn."""
    end, found = perf_counter() + TURN, list[tuple[float, int]]()
    while not found or perf_counter() < end:
        began = perf_counter()
        made = next(steps)
        took = perf_counter() - began
        if (made.iteration % batches.per_epoch + 1) * batches.size <= batches.part.m:
            found.append((took, len(made.costs)))
    took, count = np.sum(warm(found), axis=0)
    return float(took / count)


def seconds_of_a_row(job: Job, progress: Progress) -> float:
    """That a logged iteration takes beside its step: it keeps a copy and measures.

    Of a large validation set as many examples are measured as are affordable.
    """
    part, most = job.dataset.parts.get("validation"), _affordable(job.network)

    def round_() -> list[float]:
        began = perf_counter()
        progress.copy()
        copied = perf_counter()
        if part is None:
            return [copied - began]
        block = next(part.blocks()).take(slice(most))
        figures(job.objective, progress.theta, block, job.metrics)
        return [copied - began + (perf_counter() - copied) * part.m / block.m]

    return float(np.median(rounds(round_, FOR_ROWS)))


def rounds(round_: Callable[[], list[float]], budget: float) -> Array:
    """What rounds find, a row each, as many as can be had for some seconds."""
    end, found = perf_counter() + budget, [round_()]
    while perf_counter() < end:
        found.append(round_())
    return np.array(found)


def warm(found: list[T]) -> list[T]:
    """Without the first, which met the cache as others had left it, if there are more."""
    return found[1:] or found
