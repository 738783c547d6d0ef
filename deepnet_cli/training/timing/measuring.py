"""Training is timed for some seconds; nothing of it is kept.

The steps are those of the training loop, from the run's first parameters on, with a learning
rate of 0: they do all that training does and leave the parameters where they are, once the first
has held them to a max_norm.  A search has no rate: its steps are real ones, over and over.

A round is some steps, then as many taken apart, then their products alone: a machine that is busy
for a while is so for all of them.  Then come rounds of steps with each number of threads.  Told
is the median over the rounds of the means in each.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from math import ceil
from time import perf_counter, thread_time
from typing import TypeVar

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.data.dealing.batches import Batches, Run
from deepnet_cli.fused.tape import record
from deepnet_cli.nn.types import Array
from deepnet_cli.threads import effective, limited
from deepnet_cli.training.figures.evaluation import figures, running_states
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.loop.loop import at_once
from deepnet_cli.training.loop.state import Steps
from deepnet_cli.training.loop.updates import UPDATES, Updates
from deepnet_cli.training.timing.parts import (
    Part,
    as_trained,
    dealing,
    multiplied,
    parts_of,
    products_of,
)
from deepnet_cli.training.timing.peak import peak
from deepnet_cli.training.timing.timing import Timing

FOR_STEPS, FOR_THREADS, FOR_ROWS, FOR_PEAK = 1.4, 0.8, 0.1, 0.15
"""Seconds of rounds: of steps and their parts, with each number of threads, of rows of the history,
before and after these of the products that are the ceiling.  Of each there is one round at least.
"""

TURN = 0.001
"""Seconds in which a round makes steps, or takes them apart: one at least.  A busy machine's
other work comes in slices of some milliseconds, so that most turns are left alone.
"""

SETTLING = 0.03
"""Seconds after which threads that are no longer in use have stopped waiting for work."""

CLEARLY = 0.9
"""What part of a step's time another number of threads must need, in three rounds of four."""

TICK = 1e-9
"""Seconds: what cannot be told from nothing is said to take so long."""

ENDLESS = 10**12
"""Iterations."""

T = TypeVar("T")


def measure(job: Job) -> Timing:
    """Time a job's training with the threads that there are now.

    Raises DivergedError where the first cost is not finite.
    """
    with np.errstate(all="ignore"):
        return _measured(job)


def _measured(job: Job) -> Timing:
    progress = Progress.start(job)
    space, state = progress.space, progress.state
    objective, batches = space.objective.fused, space.batches
    most = at_once(objective.network.sizes, batches.size)
    metrics = job.running_metrics
    seen = partial(running_states, metrics, job.network.loss) if metrics else None
    updates = UPDATES[job.rule.sees](state, objective, job.clippings, job.rule, _still(job), seen)
    runs = batches.runs(0, ENDLESS, lambda _: most)
    steps = endless(updates, runs)
    next(steps)  # makes what later ones only use
    run, deal = next(batches.runs(0, ENDLESS, lambda _: most)), batches.deal(0, ENDLESS)
    batch = next(run.batches())
    parts = parts_of(objective, job.clippings, job.rule, state, batch)
    if seen is not None:
        S = objective.scores(batch.X.shape[1], state.theta.dtype)
        parts.append(Part("metrics", "", partial(seen, S, batch.Y)))
    if batches.copied:
        parts.insert(0, dealing(run, deal, played=updates.reel(run.hand) is not None))
    all_products = partial(multiplied, products_of(objective, state, batch))
    (products,) = as_trained([Part("products", "", all_products)])

    def round_() -> list[float]:
        found = [_steps(steps, batches)]
        return found + _in_turn([products]) + _in_turn(parts)

    ceiling = partial(peak, objective.network.layers[0].multiply, state.theta.dtype, FOR_PEAK)
    peak_before = ceiling()
    began, worked = perf_counter(), thread_time()
    step, of_products, *of_parts = np.median(_rounds(round_, FOR_STEPS), axis=0).tolist()
    undisturbed = (thread_time() - worked) / (perf_counter() - began)
    by_threads, better = _by_threads(lambda: _steps(steps, batches))
    row = _row(job, progress)
    by_part: dict[tuple[str, str], float] = {}
    for part, seconds in zip(parts, of_parts, strict=True):
        by_part[part.of, part.way] = by_part.get((part.of, part.way), 0.0) + seconds
    return Timing(
        sizes=objective.network.sizes,
        frozen=tuple(layer.frozen for layer in objective.network.layers),
        size=batches.size,
        threads=effective(),
        step=step,
        parts=by_part,
        products=of_products,
        peak=max(peak_before, ceiling()),
        undisturbed=undisturbed,
        by_threads=by_threads,
        better_threads=better,
        iterations=job.iterations,
        filled=batches.part.m / (batches.per_epoch * batches.size),
        rows=1 + ceil((job.iterations - 1) / job.log_every),
        row=row,
    )


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


def _rounds(round_: Callable[[], list[float]], budget: float) -> Array:
    """What rounds find, a row each, as many as can be had for some seconds."""
    end, rounds = perf_counter() + budget, [round_()]
    while perf_counter() < end:
        rounds.append(round_())
    return np.array(rounds)


def _by_threads(step: Callable[[], float]) -> tuple[dict[int, float], int | None]:
    """A step with the number of threads in use, and with 1, 2, 4, ... and one a core; and the
    number that is clearly faster than the one in use, if there is one.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    numbers = sorted({effective(), cores, *(2**k for k in range((cores - 1).bit_length()))})
    used = numbers.index(effective())

    def settled(n: int) -> float:
        with limited(n):
            turns = _rounds(lambda: [step()], 1.5 * SETTLING)
        return float(np.median(turns[len(turns) * 2 // 3 :]))

    rounds = _rounds(lambda: [settled(n) for n in numbers], FOR_THREADS)
    medians = np.median(rounds, axis=0).tolist()
    ratios = np.quantile(rounds / rounds[:, [used]], 0.75, axis=0)
    best = int(ratios.argmin())
    better = numbers[best] if ratios[best] < CLEARLY else None
    return dict(zip(numbers, medians, strict=True)), better


def _steps(steps: Iterator[Steps], batches: Batches) -> float:
    """Mean seconds of the next steps with a whole batch, as many as fit into a turn."""
    end, found = perf_counter() + TURN, list[tuple[float, int]]()
    while not found or perf_counter() < end:
        began = perf_counter()
        made = next(steps)
        took = perf_counter() - began
        if (made.iteration % batches.per_epoch + 1) * batches.size <= batches.part.m:
            found.append((took, len(made.costs)))
    took, count = np.sum(_warm(found), axis=0)
    return float(took / count)


def _in_turn(parts: Sequence[Part]) -> list[float]:
    """Mean seconds of each part, all made in order as often as fits into a turn; without those
    of looking at the clock and of starting a tape.
    """
    played = any(part.played for part in parts)
    with record() if played else nullcontext() as empty:
        pass
    idle = [lambda: None, empty.play if empty else lambda: None]
    calls = [*idle, *(part.call for part in parts)]
    end, found = perf_counter() + TURN, list[list[float]]()
    while not found or found[-1][-1] < end:
        times = [perf_counter()]
        for call in calls:
            call()
            times.append(perf_counter())
        found.append(times)
    took = np.diff(_warm(found)).mean(axis=0)
    overheads = took[[int(part.played) for part in parts]]
    seconds: list[float] = np.maximum(took[len(idle) :] - overheads, TICK).tolist()
    return seconds


def _warm(found: list[T]) -> list[T]:
    """Without the first, which met the cache as others had left it, if there are more."""
    return found[1:] or found


def _row(job: Job, progress: Progress) -> float:
    """Seconds that a logged iteration takes beside its step: it keeps a copy and measures."""
    part = job.dataset.parts.get("validation")

    def round_() -> list[float]:
        began = perf_counter()
        progress.copy()
        if part is not None:
            figures(job.objective, progress.theta, part, job.metrics)
        return [perf_counter() - began]

    return float(np.median(_rounds(round_, FOR_ROWS)))
