"""Training is timed for some seconds, and what its steps consist of; nothing of it is kept.

A round is some steps of `estimating`, then as many taken apart, then their products alone: a
machine that is busy for a while is so for all of them.  Then come rounds of steps with each number
of threads.  Told is the median over the rounds of the means in each.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from time import perf_counter, thread_time

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.fused.tape import record
from deepnet_cli.threads import cores, effective, limited
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.timing.estimating import (
    ENDLESS,
    TURN,
    begun,
    dealt,
    rounds,
    seconds_of,
    seconds_of_a_row,
    warm,
)
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

FOR_STEPS, FOR_THREADS, FOR_PEAK = 1.4, 0.8, 0.15
"""Seconds of rounds: of steps and their parts, with each number of threads, before and after these
of the products that are the ceiling.  Of each there is one round at least.
"""

SETTLING = 0.03
"""Seconds after which threads that are no longer in use have stopped waiting for work."""

CLEARLY = 0.9
"""What part of a step's time another number of threads must need, in three rounds of four."""

TICK = 1e-9
"""Seconds: what cannot be told from nothing is said to take so long."""


def measure(job: Job) -> Timing:
    """Time a job's training with the threads that there are now.

    Raises DivergedError where the first cost is not finite.
    """
    with np.errstate(all="ignore"):
        return _measured(job)


def _measured(job: Job) -> Timing:
    progress = Progress.start(job)
    state, batches = progress.state, progress.space.batches
    runs = dealt(progress.space.objective.network, batches)
    updates, steps = begun(job, progress, runs)
    objective, seen = updates.objective, updates.seen
    network = objective.network
    run, deal = next(dealt(network, batches)), batches.deal(0, ENDLESS)
    batch = next(run.batches())
    parts = parts_of(objective, job.clippings, job.rule, state, batch)
    if seen is not None:
        S = objective.scores(batch.X.shape[1], state.theta.dtype)
        parts.append(Part("metrics", "", partial(seen, S, batch.Y)))
    if batches.copied:
        parts.insert(0, dealing(run, deal, network.team, played=updates.reel(run.hand) is not None))
    all_products = partial(multiplied, products_of(objective, state, batch))
    (products,) = as_trained([Part("products", "", all_products)], None)

    def round_() -> list[float]:
        found = [seconds_of(steps, batches)]
        return found + _in_turn([products]) + _in_turn(parts)

    ceiling = partial(peak, network.layers[0].multiply, state.theta.dtype, FOR_PEAK)
    peak_before = ceiling()
    began, worked = perf_counter(), thread_time()
    step, of_products, *of_parts = np.median(rounds(round_, FOR_STEPS), axis=0).tolist()
    undisturbed = (thread_time() - worked) / (perf_counter() - began)
    by_threads, better = _by_threads(
        lambda: partial(seconds_of, begun(job, progress, runs)[1], batches)
    )
    by_part: dict[tuple[str, str], float] = {}
    for part, seconds in zip(parts, of_parts, strict=True):
        by_part[part.of, part.way] = by_part.get((part.of, part.way), 0.0) + seconds
    return Timing.of_job(
        job,
        row=seconds_of_a_row(job, progress),
        sizes=network.sizes,
        frozen=tuple(layer.frozen for layer in network.layers),
        size=batches.size,
        threads=effective(),
        multiplied_by=network.layers[0].multiply.name,
        step=step,
        parts=by_part,
        products=of_products,
        peak=max(peak_before, ceiling()),
        undisturbed=undisturbed,
        by_threads=by_threads,
        better_threads=better,
    )


def _by_threads(begin: Callable[[], Callable[[], float]]) -> tuple[dict[int, float], int | None]:
    """A step with the number of threads in use, and with 1, 2, 4, ... and one a core; and the
    number that is clearly faster than the one in use, if there is one.

    What is on a training's tapes may be made for a number, so each time there is a beginning.
    """
    numbers = sorted({effective(), cores(), *(2**k for k in range((cores() - 1).bit_length()))})
    used = numbers.index(effective())

    def settled(n: int) -> float:
        with limited(n):
            step = begin()
            turns = rounds(lambda: [step()], 1.5 * SETTLING)
        return float(np.median(turns[len(turns) * 2 // 3 :]))

    found = rounds(lambda: [settled(n) for n in numbers], FOR_THREADS)
    medians = np.median(found, axis=0).tolist()
    ratios = np.quantile(found / found[:, [used]], 0.75, axis=0)
    best = int(ratios.argmin())
    better = numbers[best] if ratios[best] < CLEARLY else None
    return dict(zip(numbers, medians, strict=True)), better


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
    took = np.diff(warm(found)).mean(axis=0)
    overheads = took[[int(part.played) for part in parts]]
    seconds: list[float] = np.maximum(took[len(idle) :] - overheads, TICK).tolist()
    return seconds
