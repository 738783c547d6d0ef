"""Laws of every clipping; that they are PyTorch's: test_parity_torch.py."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli import deepnet
from samples import parameters, rows, write_blobs, write_config

from deepnet_cli.config.job import load_job
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.clipping import CLIPPINGS, ClipNorm, ClipValue
from deepnet_cli.training.checking.gradients import case_at
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import State

each = pytest.mark.parametrize("name", CLIPPINGS)


def size(name: str, grad: Array) -> float:
    """What the limit is of."""
    return float(np.linalg.norm(grad) if name == "clip_norm" else np.abs(grad).max())


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("way", [1, -1])
def test_it_holds_a_gradient_to_its_limit(
    name: str, dtype: type, way: int, rng: np.random.Generator
) -> None:
    grad: Array = rng.normal(size=50).astype(dtype)
    grad[7] = 9 * way
    before, limit = grad.copy(), size(name, grad) / 3
    assert CLIPPINGS[name](limit).clip(grad)
    assert size(name, grad) == pytest.approx(limit, rel=1e-6)
    assert (grad * before >= 0).all()
    assert grad.dtype == dtype
    assert not CLIPPINGS[name](limit * 1.001).clip(grad)


@each
def test_a_gradient_within_the_limit_is_left_as_it_is(name: str, rng: np.random.Generator) -> None:
    grad = rng.normal(size=50)
    before = grad.copy()
    assert not CLIPPINGS[name](size(name, grad) * 1.01).clip(grad)
    np.testing.assert_array_equal(grad, before)


def test_the_norm_keeps_the_direction_and_the_value_keeps_the_others(
    rng: np.random.Generator,
) -> None:
    grad = rng.normal(size=50)
    by_norm, by_value = grad.copy(), grad.copy()
    ClipNorm(2.0).clip(by_norm)
    np.testing.assert_allclose(by_norm / grad, (by_norm / grad)[0], rtol=1e-14)
    ClipValue(1.0).clip(by_value)
    np.testing.assert_array_equal(by_value, np.clip(grad, -1, 1))


@pytest.mark.parametrize("large", [1e30, np.inf, np.nan])
def test_a_norm_is_that_of_large_numbers_too(large: float) -> None:
    """Whose squares overflow in float32; what is not finite stays so, and the run ends by it."""
    grad = np.array([large, 0, 3], np.float32)
    acts = ClipNorm(2.0).clip(grad)
    assert acts is np.isfinite(large).item()
    assert grad[0] == pytest.approx(2.0 if acts else large, nan_ok=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    return tmp_path


def write(folder: Path, **training: Any) -> Path:
    settings = {"iterations": 23, "batch_size": 16, "log_every": 5}
    return write_config(folder / "c.yaml", training=settings | training)


LIMITS: list[dict[str, float]] = [
    {"clip_norm": 0.5},
    {"clip_value": 0.25},
    {"clip_norm": 0.5, "clip_value": 0.25},
]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_training_clips_what_the_rule_is_given(folder: Path, limits: dict[str, float]) -> None:
    """Against the plain loop: objective, clip, W -= rate g."""
    job = load_job(write(folder, **limits))
    state, theta = State.start(job.initial_theta(), job.rule), job.initial_theta()
    steps = train(state, job.objective, job.clippings, job.rule, job.rate, job.batches.runs(0, 23))
    most, longest = (limits.get(name, np.inf) for name in CLIPPINGS)
    shares = []
    for step, batch in zip(steps, job.batches.deal(0, 23), strict=True):
        g = job.objective(theta, batch.X, batch.Y, None, batch.iteration)[1].astype(np.float64)
        held = np.clip(g, -most, most)
        held *= min(1.0, longest / (float(np.linalg.norm(held)) + 1e-6))
        assert step.clipped is bool((held != g).any())
        shares.append(step.clipped)
        theta -= (0.1 * held).astype(np.float32)
        np.testing.assert_allclose(state.theta, theta, rtol=2e-4, atol=2e-6)
    assert 0 < sum(shares) < 23


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_history_tells_how_often_and_resuming_does_not_forget(
    folder: Path, limits: dict[str, float]
) -> None:
    config = write(folder, **limits)
    job = load_job(config)
    state, deals = State.start(job.initial_theta(), job.rule), job.batches.runs(0, 23)
    steps = train(state, job.objective, job.clippings, job.rule, job.rate, deals)
    acted = [step.clipped for step in steps]
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    head, *rows = (folder / "whole/history.csv").read_text().splitlines()
    assert head == "iteration,epoch,cost,learning_rate,gradient_norm,clipped"
    shares = [np.mean(acted[:1]), *(np.mean(acted[i + 1 : i + 6]) for i in (0, 5, 10, 15, 20))]
    assert [float(row.split(",")[-1]) for row in rows] == pytest.approx(shares, rel=1e-15)
    for stop in (3, 8, 17):
        run, short = f"part{stop}", f"training.iterations={stop}"
        assert deepnet("train", config, "--run-dir", run, "--set", short).code == 0
        assert deepnet("train", "--resume", run, "--set", "training.iterations=23").code == 0
        for file in ("model.h5", "history.csv"):
            assert (folder / run / file).read_bytes() == (folder / "whole" / file).read_bytes()


def test_history_has_the_columns_only_where_they_say_something(folder: Path) -> None:
    assert deepnet("train", write(folder), "--run-dir", "plain").code == 0
    columns = ["iteration", "epoch", "cost", "learning_rate", "gradient_norm"]
    assert list(rows(folder / "plain")[0]) == columns
    rate = {"schedule": "step", "initial": 0.1, "every": 11, "factor": 0.5}
    config = write(folder, learning_rate=rate, clip_norm=0.5)
    told = deepnet("train", config, "--run-dir", "a", "--set", "data.validation.fraction=0.2")
    assert " rate " in told.err
    found = rows(folder / "a")
    head = list(found[0])
    assert head[:4] == ["iteration", "epoch", "cost", "val_cost"]
    assert head[-3:] == ["learning_rate", "gradient_norm", "clipped"]
    assert [row["learning_rate"] for row in found] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.025]
    assert [row["iteration"] for row in found] == [0, 5, 10, 15, 20, 22]


def test_training_decays_the_weights_and_nothing_else(folder: Path) -> None:
    """The first update with weight_decay, less that without: -rate w W."""
    moved = []
    for w in (0.0, 0.5):
        job = load_job(write(folder, optimizer={"name": "adamw", "weight_decay": w}))
        theta = job.initial_theta()
        state, deals = State.start(theta.copy(), job.rule), job.batches.runs(0, 1)
        list(train(state, job.objective, (), job.rule, job.rate, deals))
        moved.append(state.theta)
    weights = job.network.layout.weights
    expected = np.zeros_like(theta)
    expected[weights] = -0.1 * 0.5 * theta[weights]
    np.testing.assert_allclose(moved[1] - moved[0], expected, atol=1e-6)


def test_explain_shows_the_update_that_training_makes(folder: Path) -> None:
    """With a schedule, a decay of the weights and a limit at once."""
    rate = {"schedule": "cosine", "initial": 0.1, "warmup": 3}
    rule = {"name": "adamw", "weight_decay": 0.3}
    config = write(folder, learning_rate=rate, optimizer=rule, clip_norm=0.2, iterations=8)
    told = deepnet("explain", config, "--iteration", "7", "--rows", "6", "--json")
    update = json.loads(told.out)["update"]
    assert update["clipped"] == ["clip_norm"]
    double = load_job(config, ("compute.precision=float64",))
    assert update["learning_rate"] == double.rate(7) != 0.1
    assert (
        deepnet("train", config, "--run-dir", "a", "--set", "compute.precision=float64").code == 0
    )
    shown = deepnet("explain", config, "--iteration", "7", "--rows", "6").out
    assert "g is held to its limit by clip_norm" in shown
    after = shown[shown.index("b[1] after") :].splitlines()[1]
    b1 = [float(word) for word in after.strip(" []^T").replace("]^T", "").split()]
    np.testing.assert_allclose(b1, parameters(folder / "a")["b1"][:, 0][: len(b1)], rtol=2e-3)


def test_the_check_of_a_trained_network_clips_as_training_does(folder: Path) -> None:
    """With a limit that lets nothing move, the network after 5 updates is the first one."""
    config = write(folder, clip_norm=1e-12)
    double = load_job(config, ("compute.precision=float64",))
    with ExitStack() as held:
        theta = case_at(config, (), None, held, after=5).theta
    np.testing.assert_allclose(theta, double.initial_theta(), rtol=0, atol=1e-11)
