"""Updates made at once are the updates one by one: the same bits, costs and errors."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import write_blobs, write_config

from deepnet_cli.config.job import Job, load_job
from deepnet_cli.data.dealing.batches import Batch, Batches
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.errors import DivergedError
from deepnet_cli.fused import native
from deepnet_cli.fused.gather import Gather
from deepnet_cli.fused.tape import record
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.training.loop.loop import MOST, at_once
from deepnet_cli.training.loop.state import State
from deepnet_cli.training.loop.updates import UPDATES

compiled = pytest.mark.skipif(not native.available(), reason="needs llvmlite")

SHAPES: dict[str, dict[str, Any]] = {
    "full": {"batch_size": "full"},
    "even": {"batch_size": 20},
    "short last": {"batch_size": 17},
    "in order": {"batch_size": 17, "shuffle": False},
    "penalties": {"batch_size": 17, "l2": 0.3, "l1": 0.1},
    "schedule": {"learning_rate": {"schedule": "cosine", "initial": 0.05}},
    "ema": {"batch_size": 17, "averaging": {"ema": 0.9}},
    "swa": {"batch_size": 17, "averaging": {"name": "swa", "start": 5, "every": 3}},
    "frozen": {"model": {"layers": [{"units": 6, "trainable": False}, 3]}, "l2": 0.3},
    "factors": {
        "model": {"layers": [{"units": 6, "rate_factor": 0.3}, {"units": 3, "rate_factor": 2}]},
        "optimizer": {"name": "adamw", "weight_decay": 0.2},
        "learning_rate": {"schedule": "cosine", "initial": 0.05},
    },
}
FLOATS = ("float32", "float64")


def job_of(folder: Path, precision: str = "float32", model: Any = None, **training: Any) -> Job:
    write_blobs(folder / "blobs.h5", m=60)
    sections = {"training": training, "compute": {"precision": precision, "reduce": False}}
    return load_job(write_config(folder / "c.yaml", model=model or {}, **sections))


def made(job: Job, most: Callable[[int], int], *, reel: bool = True) -> tuple[State, list[float]]:
    """The state after 23 updates in runs of at most so many, and their costs."""
    state = State.start(job.initial_theta(), job.rule)
    updates: Any = UPDATES[job.rule.sees](
        state, job.objective.fused, job.clippings, job.rule, job.rate
    )
    runs = [*job.batches.runs(0, 23, most)]
    if not reel:
        updates._reels.update({run.hand: None for run in runs})
    steps = [steps for run in runs for steps in updates.of(run)]
    assert reel == all(found is not None for found in updates._reels.values())
    assert all(each.epoch == each.iteration // job.batches.per_epoch for each in steps)
    assert steps[-1].iteration == 22
    assert state.iteration == 23
    return state, [cost for each in steps for cost in each.costs]


@compiled
@pytest.mark.parametrize("precision", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_at_once_is_one_by_one(tmp_path: Path, shape: str, precision: str) -> None:
    """To the last bit, however the updates are cut into runs."""
    job = job_of(tmp_path, precision, **SHAPES[shape])
    state, costs = made(job, lambda _: 1, reel=False)
    assert len(costs) == 23
    for most in (lambda _: 1, lambda _: 100, lambda i: 1 + i % 4):
        other, found = made(job, most)
        assert found == costs
        np.testing.assert_array_equal(other.theta, state.theta)
        np.testing.assert_array_equal(other.slots, state.slots)


@compiled
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_is_made_at_once(tmp_path: Path, name: str) -> None:
    """With what it does to the weights alone."""
    decay = "weight_decay" in getattr(OPTIMIZERS[name], "__dataclass_fields__", {})
    rule = {"name": name, **({"weight_decay": 0.2} if decay else {})}
    job = job_of(tmp_path, optimizer=rule, batch_size=17, learning_rate=0.01)
    state, costs = made(job, lambda _: 1, reel=False)
    other, found = made(job, lambda _: 100)
    assert found == costs
    np.testing.assert_array_equal(other.theta, state.theta)


@pytest.mark.parametrize("reel", [pytest.param(True, marks=compiled), False])
def test_a_cost_that_is_not_finite_ends_the_run_before_its_update(
    tmp_path: Path, reel: bool
) -> None:
    job = job_of(tmp_path, batch_size=10, learning_rate=1e6, l2=1.0)
    told = []
    for most in (1, 100):
        state, costs = State.start(job.initial_theta(), job.rule), list[float]()
        updates: Any = UPDATES[job.rule.sees](
            state, job.objective.fused, job.clippings, job.rule, job.rate
        )
        runs = [*job.batches.runs(0, 23, lambda _, most=most: most)]  # type: ignore[misc]
        if not reel:
            updates._reels.update({run.hand: None for run in runs})
        with pytest.raises(DivergedError) as error, np.errstate(all="ignore"):
            costs += (cost for run in runs for steps in updates.of(run) for cost in steps.costs)
        assert np.isfinite(costs).all()
        assert 0 < len(costs) == state.iteration < 23
        told.append((str(error.value), costs, state.theta.tobytes()))
    assert told[0] == told[1]
    assert f"at iteration {len(costs)} (epoch {len(costs) // 6})" in told[0][0]


@pytest.mark.parametrize("m", [1, 5, 12])
@pytest.mark.parametrize("size", [1, 3, 5, 12])
@pytest.mark.parametrize("shuffle", [True, False])
def test_runs_are_the_batches(m: int, size: int, shuffle: bool, rng: np.random.Generator) -> None:
    """Each example once an epoch, however long the runs are; none is longer than asked for."""
    weights = rng.random(m)
    part = Part(rng.normal(size=(m, 2)), np.arange(float(m))[np.newaxis], weights)
    batches = Batches(part, min(size, m), 3, shuffle)
    limits = rng.integers(1, 9, 100)

    def copied(batch: Batch) -> Batch:
        assert batch.weights is not None
        np.testing.assert_array_equal(batch.weights, weights[batch.Y[0].astype(int)])
        np.testing.assert_array_equal(batch.X.T, part.rows[batch.Y[0].astype(int)])
        return batch._replace(X=batch.X.copy(), Y=batch.Y.copy())

    start, stop = 2, 3 * batches.per_epoch + 2
    whole, pieces = [copied(batch) for batch in batches.deal(start, stop)], []
    for run in batches.runs(start, stop, lambda i: int(limits[i])):
        assert 1 <= run.length <= limits[run.iteration]
        pieces += [copied(batch) for batch in run.batches()]
    assert [b.iteration for b in whole] == [b.iteration for b in pieces] == [*range(start, stop)]
    for a, b in zip(whole, pieces, strict=True):
        assert a.epoch == b.epoch == a.iteration // batches.per_epoch
        np.testing.assert_array_equal(a.Y, b.Y)
    second = [b.Y[0] for b in whole if b.epoch == 2]
    if start <= 2 * batches.per_epoch:
        assert sorted(np.concatenate(second)) == [*range(m)]


@compiled
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("lines", "width", "others"), [(7, 3, 1), (40, 16, 5), (3, 1, 33)])
def test_a_gather_on_tape_goes_on_where_it_was(
    axis: int, dtype: str, lines: int, width: int, others: int, rng: np.random.Generator
) -> None:
    shape = (lines, others) if axis == 0 else (others, lines)
    source = rng.normal(size=shape).astype(dtype)
    out = np.empty((width, others) if axis == 0 else (others, width), dtype)
    chosen, gather = rng.integers(0, lines, 4 * width), Gather(source, out, axis)
    with record() as tape:
        gather.note(tape)
    assert not tape.broken
    for first in (0, 1):
        gather.aim(source, chosen[first * width :])
        for k in range(first, 4):
            tape.play()
            np.testing.assert_array_equal(out, source.take(chosen[k * width :][:width], axis))


def test_what_takes_long_is_made_alone() -> None:
    """So that a signal is answered within some milliseconds."""
    assert at_once((5, 4, 1), 10) == MOST
    assert at_once((1000, 2000, 10), 500) == 1
    sizes = partial(at_once, (100, 100, 10))
    counts = [sizes(m) for m in (1, 16, 100, 1000, 10_000)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == counts[1] > counts[-1] == 1


@pytest.mark.usefixtures("nothing_compiled")
@pytest.mark.parametrize("shape", SHAPES)
def test_without_a_compiler_training_is_the_same(tmp_path: Path, shape: str) -> None:
    """To rounding, batch by batch."""
    job = job_of(tmp_path, "float64", **SHAPES[shape])
    state = State.start(job.initial_theta(), job.rule)
    rule: Any = job.rule
    updates: Any = UPDATES[rule.sees](state, job.objective.fused, job.clippings, rule, job.rate)
    plain, slots = job.initial_theta(), np.zeros_like(state.slots)
    weights = job.network.layout.decaying, job.network.layout.moving
    for run in job.batches.runs(0, 23, lambda _: 100):
        assert updates.reel(run.hand) is None
        for _ in updates.of(run):
            pass
    for batch in job.batches.deal(0, 23):
        grad = job.objective(plain, batch.X, batch.Y, batch.weights, batch.iteration)[1]
        rate = job.rate(batch.iteration)
        optimizers.step(rule, plain, grad, slots, rate, batch.iteration + 1, *weights)
    np.testing.assert_allclose(state.theta, plain, rtol=1e-12)
