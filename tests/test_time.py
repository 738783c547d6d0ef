"""deepnet time: what it times is the step that training makes, and what it tells follows from it.

How long anything takes is nothing that a test can know.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakSet

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import part_of, write_blobs, write_config

from deepnet_cli.config import reduction
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.fused import gemm, native
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.products import NUMPY
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.report.timing import duration, timing_json, timing_text
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.timing import estimating, measuring
from deepnet_cli.training.timing.measuring import measure
from deepnet_cli.training.timing.parts import BACKWARD, FORWARD, Part, parts_of, products_of

RICH = [{"units": 6, "dropout": 0.3, "batch_norm": True}, {"units": 5, "batch_norm": True}, 3]
FROZEN = [{"units": 6, "trainable": False}, {"units": 5, "batch_norm": True}]
FROZEN += [{"units": 4, "trainable": False, "batch_norm": True}, {"units": 3}]
OTHERS = [{"units": 6, "alpha_dropout": 0.3, "layer_norm": True}, {"units": 3, "l2": 0.2}]
KINDS: dict[str, dict[str, Any]] = {
    "full batch": {},
    "mini-batches": {"training": {"batch_size": 32, "optimizer": "adam"}},
    "two batches": {"training": {"batch_size": 64}},
    "penalties": {"training": {"l2": 0.1, "l1": 0.2, "optimizer": "momentum"}},
    "clipped": {"training": {"clip_norm": 0.01, "clip_value": 0.02, "optimizer": "adamw"}},
    "scheduled": {"training": {"learning_rate": {"schedule": "cosine", "initial": 0.1}}},
    "norms and masks": {"model": {"layers": RICH, "activations": "relu"}},
    "frozen layers": {"model": {"layers": FROZEN, "activations": "relu"}},
    "slopes": {"model": {"layers": [6, 5, 3], "activations": {"prelu": 0.1}}},
    "held and normed": {
        "model": {"layers": OTHERS, "activations": "selu"},
        "training": {"max_norm": 0.5, "l2": 0.1},
    },
    "changed examples": {
        "model": {"layers": [6, 3], "activations": "tanh", "input_noise": 0.1},
        "training": {"mixup": 0.2},
    },
    "not to be compiled": {"model": {"layers": [6, 3], "activations": "gelu"}},
    "weights": {"data": {"train": {"file": "blobs.h5", "weights": "w"}}},
    "measured": {"training": {"metrics": ["accuracy", "auc"], "mixup": 0.2}},
    "validated": {"data": {"validation": {"fraction": 0.2}}},
    "float64": {"compute": {"precision": "float64"}},
    "one layer": {"model": {"layers": [3], "activations": ["softmax"]}},
    "numbers": {"loss": "mean_squared_error", "model": {"layers": [6, 1], "activations": "silu"}},
    "wide": {"data": {"train": "wide.h5"}},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: blobs.h5 and wide.h5; and nothing takes long."""
    monkeypatch.chdir(tmp_path)
    for name in ("FOR_STEPS", "FOR_THREADS", "FOR_PEAK", "SETTLING"):
        monkeypatch.setattr(measuring, name, 0.0)
    for name in ("FOR_UPDATES", "FOR_ROWS"):
        monkeypatch.setattr(estimating, name, 0.0)
    monkeypatch.setattr("deepnet_cli.training.timing.peak.SIZES", (64,))
    monkeypatch.setattr(measuring, "CLEARLY", 0.0)  # one round alone shows nothing
    monkeypatch.setattr(reduction, "FIXED", 0)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "wide.h5", m=12, n=40)
    with h5py.File("blobs.h5", "a") as file:
        file["w"] = np.random.default_rng(3).uniform(0.5, 2, 90)
    return tmp_path


def config(kind: str) -> Path:
    sections = dict(KINDS[kind])
    if kind == "numbers":
        with h5py.File("blobs.h5", "a") as file:
            file["numbers"] = file["x"][:, 0]
        sections["data"] = {"train": {"file": "blobs.h5", "x": "x", "y": "numbers"}}
    return write_config(Path("c.yaml"), **sections)


def taken_apart(job: Job) -> tuple[Progress, Objective, Any, list[Part]]:
    """A run after its first step, the objective that it calls, its batch, and the parts."""
    progress = Progress.start(job)
    state, objective = progress.state, progress.space.objective.fused
    (run,) = progress.space.batches.runs(0, 1)
    (batch,) = run.batches()
    whole, clippings = progress.space.objective, job.clippings
    for _ in train(state, whole, clippings, job.rule, lambda _: 0.0, [run]):
        pass
    return progress, objective, batch, parts_of(objective, clippings, job.rule, state, batch)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_told_follows_from_what_was_measured(kind: str) -> None:
    result = deepnet("time", config(kind), "--json")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    job = load_job(Path("c.yaml"))
    m, L = job.batches.size, len(job.network.layers)
    assert told["batch_size"] == m
    assert [layer["layer"] for layer in told["layers"]] == list(range(1, L + 1))
    assert told["layers"][0]["inputs"] == (13 if kind == "wide" else 4)
    assert told["peak_gflops"] > 0
    times = list(told["parts"].values())
    for layer in told["layers"]:
        for way in ("forward", "backward"):
            found = layer[way]
            back = (0, 1, 1, 2) if kind == "frozen layers" else (1, 2, 2)
            products = back[layer["layer"] - 1] if way == "backward" else 1
            assert found["flop"] == products * 2 * layer["units"] * layer["inputs"] * m
            assert found["seconds"] > 0
            assert found["gflops"] == pytest.approx(found["flop"] / found["seconds"] / 1e9)
            assert found["of_peak"] == pytest.approx(found["gflops"] / told["peak_gflops"])
            times.append(found["seconds"])
    step, run = told["step"], told["run"]
    assert all(seconds > 0 for seconds in times)
    assert sum(times) + told["between"] == pytest.approx(step["seconds"])
    assert step["flop"] == sum(layer[w]["flop"] for layer in told["layers"] for w in WAYS)
    assert told["products"]["flop"] == step["flop"]
    assert step["samples_per_second"] == pytest.approx(m / step["seconds"])
    per_epoch = -(-job.batches.part.m // m)
    whole_batches = run["iterations"] / per_epoch * job.batches.part.m / m
    rows = {i for i in range(40) if i % 5 == 0 or i == 39}
    assert run["iterations"] == 40
    assert run["rows"] == len(rows)
    assert run["seconds"] == pytest.approx(
        whole_batches * step["seconds"] + len(rows) * run["row_seconds"]
    )
    assert str(told["threads"]) in told["seconds_by_threads"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_fits_and_has_a_row_for_all_that_a_step_does(kind: str) -> None:
    result = deepnet("time", config(kind))
    assert result.code == 0, result.err
    assert all(len(line) <= 80 for line in result.out.splitlines())
    rows = [line[:25].strip() for line in result.out.splitlines()]
    there = {
        "full batch": ["1: 4-6 tanh", "2: 6-3", "softmax and loss", "gradient_descent"],
        "mini-batches": ["batch of 32", "adam"],
        "two batches": ["batch of 64"],
        "penalties": ["l2 and l1", "momentum"],
        "clipped": ["clip_value and clip_norm", "adamw"],
        "scheduled": [],
        "norms and masks": ["dropout's masks", "1: 4-6 norm relu dropout", "running statistics"],
        "frozen layers": ["1: 4-6 relu frozen", "2: 6-5 norm relu", "running statistics"],
        "slopes": ["1: 4-6 prelu", "2: 6-5 prelu"],
        "held and normed": ["dropout's masks", "max_norm", "l2"],
        "changed examples": ["batch of 90, mixup,"],
        "not to be compiled": ["1: 4-6 gelu"],
        "weights": ["softmax and loss"],
        "measured": ["metrics", "batch of 90, mixup"],
        "validated": [],
        "float64": [],
        "one layer": ["1: 4-3"],
        "numbers": ["1: 4-6 silu", "2: 6-1 linear", "loss"],
        "wide": ["1: 13-6 tanh"],
    }[kind]
    for row in (*there, "between", "the step", "its products alone"):
        assert row in rows
    assert ("batch of" in result.out) == (
        "batches" in kind or kind in ("changed examples", "measured")
    )
    assert ("in the span" in result.out) == (kind == "wide")
    assert result.err.splitlines()[-1].startswith("next: deepnet train c.yaml")


@pytest.mark.parametrize("on_tape", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_make_the_step(kind: str, on_tape: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other they leave the gradient of the objective and its cost."""
    if not on_tape:
        monkeypatch.setattr(gemm, "of_numpy", lambda _: None)
    job = load_job(config(kind))
    progress, objective, batch, parts = taken_apart(job)
    theta = progress.state.theta
    assert any(part.played for part in parts) == (
        on_tape and native.available() and kind != "not to be compiled"
    )
    fresh = replace(objective)
    J, expected = fresh(theta, batch.X, batch.Y, batch.weights, 1)
    for clipping in job.clippings:
        assert clipping.clip(expected)
    work = objective.workspace(batch.X.shape[1], theta.dtype)
    grad, _ = objective._gradient(theta.dtype)
    trained = objective.network.layout.trained
    for buffer in (grad[trained], work.J, work.dS, *(cache.U for cache in work.caches)):
        buffer.fill(np.nan)
    if kind == "weights":
        work.share.fill(np.nan)
    for part in parts:
        if part.of != "statistics":
            part.call()
    rtol = 1e-12 if kind == "float64" else 1e-4
    np.testing.assert_allclose(grad, expected, rtol=rtol, atol=rtol)
    assert work.J.item() == pytest.approx(J, rel=rtol)
    assert [part.way for part in parts if part.of == "layer 1"] == [FORWARD, BACKWARD]


@pytest.mark.parametrize("kind", KINDS)
def test_operations_are_those_of_the_products(kind: str) -> None:
    """Counted by a network that multiplies for itself, step by step."""
    job = load_job(config(kind))
    progress, objective, batch, _ = taken_apart(job)
    products = products_of(objective, progress.state, batch)
    found = sum(2 * A.shape[1] * out.size for _, A, _, out in products)
    counts: list[int] = []

    class Counting:
        name, team = "counting", None

        def __call__(self, A: Array, B: Array, out: Array) -> Array:
            counts.append(2 * A.shape[1] * out.size)
            return NUMPY(A, B, out)

    network = objective.network
    layers = [replace(layer, multiply=Counting()) for layer in network.layers]
    plain = Objective(Network.of(network.features, layers, network.loss))
    plain(progress.state.theta, batch.X, batch.Y)
    assert found == sum(counts) == measure(job).all_operations


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_steps_of_rate_0_leave_the_parameters_where_they_are(rule: str) -> None:
    job = load_job(config("mini-batches"), (f"training.optimizer={rule}",))
    progress = Progress.start(job)
    before = progress.state.theta.copy()
    batches = job.batches.runs(0, 20)
    steps = train(progress.state, job.objective, job.clippings, job.rule, lambda _: 0.0, batches)
    assert len(list(steps)) == 20
    np.testing.assert_array_equal(progress.state.theta, before)


def test_nothing_is_written_and_training_is_the_same_afterwards(folder: Path) -> None:
    file = config("mini-batches")
    there = sorted(folder.rglob("*"))
    assert deepnet("time", file).code == 0
    assert sorted(folder.rglob("*")) == there
    job = load_job(file)
    theta, rows = job.initial_theta(), part_of(job.batches.part).rows.copy()
    measure(job)
    np.testing.assert_array_equal(job.initial_theta(), theta)
    np.testing.assert_array_equal(part_of(job.batches.part).rows, rows)
    assert deepnet("train", file, "--run-dir", "first").code == 0
    assert deepnet("time", file).code == 0
    assert deepnet("train", file, "--run-dir", "second").code == 0
    first, second = (Path(run, "history.csv").read_bytes() for run in ("first", "second"))
    assert first == second


def test_code_of_the_users_own() -> None:
    Path("ops.py").write_text(
        "import numpy as np\nfrom deepnet_cli.custom import activation\n"
        "activation('cube', lambda Z: Z**3, lambda Z: 3 * Z**2)\n"
    )
    file = write_config(Path("c.yaml"), model={"layers": [6, 3], "activations": "cube"})
    assert_refused(deepnet("time", file), 2, ["cube"])
    result = deepnet("time", file, "--code", "ops.py")
    assert result.code == 0, result.err
    assert "1: 4-6 cube" in result.out
    assert "next: deepnet train c.yaml --code ops.py" in result.err


def test_what_training_refuses() -> None:
    assert_refused(deepnet("time", "gone.yaml"), 2, ["no such file"])
    file = config("full batch")
    assert_refused(deepnet("time", file, "--set", "training.rate=1"), 2, ["unknown key"])
    assert_refused(deepnet("time", file, "--set", "data.train=gone.h5"), 3, ["gone.h5"])
    huge = ("--set", "model.initialization={normal: 1e38}", "--set", "model.activations=relu")
    assert_refused(deepnet("time", file, *huge), 4, ["the cost became", "iteration 0"])


def test_another_number_of_threads_is_named_where_it_is_clearly_faster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[int] = []
    monkeypatch.setattr(measuring, "CLEARLY", 0.9)
    monkeypatch.setattr(measuring, "effective", lambda: 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(6), raising=False)

    class Limited:
        def __init__(self, n: int) -> None:
            used.append(n)

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(measuring, "limited", Limited)
    took = {1: 9.0, 2: 5.0, 4: 4.4, 6: 6.0}
    going_on = WeakSet[Callable[[], float]]()

    def begin() -> Callable[[], float]:
        assert not going_on  # each may hold as much memory as a training

        def step() -> float:
            return took[used[-1]]

        going_on.add(step)
        return step

    found, better = measuring._by_threads(begin)
    assert (found, better) == (took, 4)
    took[4] = 4.6
    assert measuring._by_threads(begin) == (took, None)


def test_parts_that_belong_together_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shares of weighted examples are of the loss."""
    monkeypatch.setattr(measuring, "_in_turn", lambda parts: [1.0] * len(parts))
    timing = measure(load_job(config("weights")))
    twice = ("loss", FORWARD)
    assert timing.parts == dict.fromkeys(timing.parts, 1.0) | {twice: 2.0}
    assert timing.of("layer 1") == timing.of("loss") == 2.0


def test_a_reader_is_told_of_better_threads_and_of_a_busy_machine() -> None:
    job = load_job(config("full batch"))
    timing = replace(
        measure(job),
        threads=2,
        by_threads={1: 0.5, 2: 1.5},
        better_threads=1,
        undisturbed=0.25,
        peak=1e11,
    )
    text = timing_text(job, timing)
    assert "threads  1 500 ms, 2 (in use) 1.5 s\n" in text
    assert f"\nby       {job.network.layers[0].multiply.name}\n" in text
    assert "1 thread is 3.0 times as fast: --set compute.threads=1" in text
    assert "other work had the core for 75% of the time" in text
    assert "peak     100.0 GFLOP/s" in text
    quiet = timing_text(job, replace(timing, better_threads=None, undisturbed=0.99))
    assert "--set" not in quiet
    assert "busy" not in quiet
    assert timing_json(job, timing)["better_threads"] == 1


def test_the_next_command_has_the_better_threads_once(monkeypatch: pytest.MonkeyPatch) -> None:
    better = ({1: 1.0, 2: 3.0}, 1)
    monkeypatch.setattr(measuring, "_by_threads", lambda _: better)
    monkeypatch.setattr(measuring, "effective", lambda: 2)
    settings = ("--set", "compute.threads=2", "--set", "seed=1")
    result = deepnet("time", config("full batch"), *settings)
    assert result.err.splitlines()[-1] == (
        "next: deepnet train c.yaml --set seed=1 --set compute.threads=1"
    )


@pytest.mark.parametrize("step", [3e-6, 1.234e-3, 4.56, 789.0])
def test_every_number_has_its_place_however_long_a_step_takes(step: float) -> None:
    job = load_job(config("penalties"))
    timing = measure(job)
    parts = {key: step / len(timing.parts) for key in timing.parts}
    text = timing_text(job, replace(timing, step=step, parts=parts, products=step))
    table = text.split("\n\n")[1].splitlines()
    assert all(len(line) <= 80 for line in text.splitlines())
    assert {len(line.split()) for line in table if line.startswith("the step")} == {5}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.234e-6, "1.23 us"),
        (0.0001034, "103 us"),
        (0.0206, "20.6 ms"),
        (4.123, "4.12 s"),
        (118.0, "118 s"),
        (600.0, "10 min"),
        (9000.0, "2.5 h"),
        (4e6, "1,111 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


WAYS = (FORWARD, BACKWARD)
