"""Weights of the examples: in J, in its gradient, and from a file to the figures of a run."""

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from networks import HEAD_IDS, HEADS, labels_for, network_of, start
from samples import parameters, write_config
from sklearn import metrics as sk

from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.losses import LOSSES, Loss, shares
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.training.loop.history import History

each_head = pytest.mark.parametrize(("output", "loss"), HEADS, ids=HEAD_IDS)

SIZES = (4, 5, 3)
M = 9


def seen(objective: Objective, theta: Array, X: Array, Y: Array, w: Array | None) -> Array:
    """J and the gradient behind it, as one vector."""
    J, grad = objective(theta, X, Y, w)
    assert objective.cost(theta, X, Y, w) == pytest.approx(J, rel=1e-14)
    return np.append(grad, J)


@each_head
def test_a_weight_of_2_is_the_row_twice(
    output: Activation, loss: Loss, rng: np.random.Generator
) -> None:
    """Any whole weights: each row as often as its weight says, 0 for never."""
    network = network_of(SIZES, ACTIVATIONS["tanh"], output, loss)
    theta, objective = start(network, rng), Objective(network)
    X, Y = rng.normal(size=(4, M)), labels_for(loss, 3, M, rng)
    times = np.array([2, 1, 1, 0, 3, 1, 2, 1, 1])
    again = np.repeat(np.arange(M), times)
    expected = seen(objective, theta, X[:, again], Y[:, again], None)
    told = seen(objective, theta, X, Y, times.astype(float))
    np.testing.assert_allclose(told, expected, rtol=1e-11, atol=1e-14)
    assert np.abs(told - seen(objective, theta, X, Y, None)).max() > 1e-4


@each_head
@pytest.mark.parametrize("value", [1.0, 0.3, 1e300, 1e-300, 5e-324])
def test_equal_weights_are_none(
    output: Activation, loss: Loss, value: float, rng: np.random.Generator
) -> None:
    """To the last bit, however large or small."""
    network = network_of(SIZES, ACTIVATIONS["tanh"], output, loss)
    theta, objective = start(network, rng), Objective(network)
    X, Y = rng.normal(size=(4, M)), labels_for(loss, 3, M, rng)
    expected = seen(objective, theta, X, Y, None)
    np.testing.assert_array_equal(seen(objective, theta, X, Y, np.full(M, value)), expected)


@each_head
def test_gradient_is_the_complex_derivative(
    output: Activation, loss: Loss, rng: np.random.Generator
) -> None:
    network = network_of(SIZES, ACTIVATIONS["gelu"], output, loss)
    theta, objective = start(network, rng), Objective(network)
    X, Y, w = rng.normal(size=(4, M)), labels_for(loss, 3, M, rng), rng.uniform(0, 2, M)
    _, grad = objective(theta, X, Y, w)
    for _ in range(3):
        v = rng.normal(size=theta.size)
        slope = objective.cost(theta + 1e-20j * v, X, Y, w).imag / 1e-20
        assert grad @ v == pytest.approx(slope, rel=1e-11, abs=1e-14)


def test_costs_are_those_of_scikit_learn(rng: np.random.Generator) -> None:
    Z, labels, w = rng.normal(size=(4, 50)), rng.integers(0, 4, 50), rng.uniform(0, 3, 50)
    Y, share = np.eye(4)[:, labels], shares(w, 50)
    told = {name: loss.cost(Z, Y, share) for name, loss in LOSSES.items()}
    A = {name: loss.link.forward(Z) for name, loss in LOSSES.items()}
    binary = [
        sk.log_loss(Y[k], A["binary_cross_entropy"][k], sample_weight=w, labels=[0, 1])
        for k in range(4)
    ]
    expected = {
        "cross_entropy": sk.log_loss(labels, A["cross_entropy"].T, sample_weight=w),
        "binary_cross_entropy": np.mean(binary),
        "mean_squared_error": sk.mean_squared_error(Y.T, Z.T, sample_weight=w),
        "mean_absolute_error": sk.mean_absolute_error(Y.T, Z.T, sample_weight=w),
        "quantile": sk.mean_pinball_loss(Y.T, Z.T, sample_weight=w),
    }
    told = {name: told[name] for name in expected}
    assert told == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_shares_sum_to_1_in_float64(dtype: type) -> None:
    w: Array = np.array([3, 0, 1], dtype)
    assert shares(w, 3).dtype == np.float64
    np.testing.assert_allclose(shares(w, 3), [0.75, 0, 0.25], rtol=1e-15)
    assert w.tolist() == [3, 0, 1]
    assert shares(np.zeros(3, dtype), 3).tolist() == [0, 0, 0]


@each_head
def test_a_batch_without_weight_teaches_nothing(
    output: Activation, loss: Loss, rng: np.random.Generator
) -> None:
    """And is no division by zero: a mini-batch may happen to be such."""
    network = network_of(SIZES, ACTIVATIONS["tanh"], output, loss)
    theta, Y = start(network, rng), labels_for(network.loss, 3, M, rng)
    told = seen(Objective(network), theta, rng.normal(size=(4, M)), Y, np.zeros(M))
    assert not told.any()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(rng: np.random.Generator, m: int = 40) -> tuple[Array, Array, Array]:
    """x (m, 4), y (m,) of three classes and weights (m,)."""
    y = rng.integers(0, 3, m)
    return rng.normal(size=(m, 4)) + y[:, np.newaxis], y, rng.integers(1, 4, m) / 2


def write_h5(name: str, **datasets: Any) -> None:
    with h5py.File(name, "w") as file:
        for key, value in datasets.items():
            file[key] = value


def named(file: str, weights: str | None = "w") -> dict[str, str]:
    where = {"file": file, "x": "x", "y": "y"}
    return {**where, "weights": weights} if weights else where


def write(folder: Path, data: dict[str, object], **training: object) -> Path:
    """A config in float64 over these data."""
    told = {"iterations": 30, "log_every": 1, **training}
    precision = {"precision": "float64"}
    return write_config(folder / "c.yaml", data=data, training=told, compute=precision)


def train(*args: str | Path) -> None:
    result = deepnet("train", *args, "-q")
    assert result.code == 0, result.err


def costs(run: Path, column: str = "cost") -> list[float]:
    with (run / "history.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file)]


def summary(run: Path) -> Any:
    return json.loads((run / "summary.json").read_text())


def test_a_run_with_weights_is_that_of_rows_repeated(
    folder: Path, rng: np.random.Generator
) -> None:
    """By the command line; whole weights, so that 1/2 counts once, 1 twice, 3/2 thrice."""
    x, y, w = table(rng)
    again = np.repeat(np.arange(len(y)), (2 * w).astype(int))
    write_h5("w.h5", x=x, y=y, w=w)
    write_h5("again.h5", x=x[again], y=y[again])
    train(write(folder, {"train": named("w.h5")}), "--run-dir", "w")
    train(write(folder, {"train": named("again.h5", None)}), "--run-dir", "again")
    train(write(folder, {"train": named("w.h5", None)}), "--run-dir", "plain")
    np.testing.assert_allclose(costs(folder / "w"), costs(folder / "again"), rtol=1e-10)
    ours, theirs = parameters(folder / "w"), parameters(folder / "again")
    for name, block in theirs.items():
        np.testing.assert_allclose(ours[name], block, rtol=1e-9, atol=1e-12)
    told, wanted, plain = (
        summary(folder / run)["figures"]["train"]["cost"] for run in ("w", "again", "plain")
    )
    assert told == pytest.approx(wanted, rel=1e-10)
    assert abs(told - plain) > 1e-4


def test_parts_have_weights_of_their_own(folder: Path, rng: np.random.Generator) -> None:
    """The cost of each part against scikit-learn, from what `predict` says of it."""
    weights = {}
    for part in ("train", "validation", "test"):
        x, y, w = table(rng)
        write_h5(f"{part}.h5", x=x, y=y, w=w)
        weights[part] = w
    data = {"train": named("train.h5"), "validation": named("validation.h5")}
    train(write(folder, {**data, "test": named("test.h5", None)}), "--run-dir", "a")
    for part, used in {**weights, "test": None}.items():
        assert deepnet("predict", "a", f"{part}.h5", "-o", "out.h5", "--force").code == 0
        with h5py.File("out.h5") as file, h5py.File(f"{part}.h5") as given:
            expected = sk.log_loss(given["y"], file["probabilities"][()], sample_weight=used)
        figures = summary(folder / "a")["figures"]
        assert figures[part]["cost"] == pytest.approx(expected, rel=1e-12)
    assert min(costs(folder / "a", "val_cost")) == figures["validation"]["cost"]


def test_a_split_keeps_the_weights_with_their_rows(folder: Path, rng: np.random.Generator) -> None:
    """w is a function of x: a row of weight 0 would else spoil the fit of the others."""
    x, _, _ = table(rng)
    noise = np.arange(40) % 4 == 0
    y = np.where(noise, 1000.0, x.sum(axis=1))
    write_h5("w.h5", x=x, y=y, w=1.0 - noise)
    config = write_config(
        folder / "c.yaml",
        data={
            "train": named("w.h5"),
            "validation": {"fraction": 0.25},
            "test": {"fraction": 0.25},
        },
        model={"layers": [1], "activations": ["linear"]},
        training={"learning_rate": 0.05, "iterations": 3000, "log_every": 1000},
        compute={"precision": "float64"},
    )
    train(config, "--run-dir", "a")
    figures = summary(folder / "a")["figures"]
    assert all(part["cost"] < 1e-9 for part in figures.values()), figures
    assert max(part["mae"] for part in figures.values()) > 1, "metrics are not weighted"


@pytest.mark.parametrize("shuffle", [True, False])
def test_mini_batches_keep_the_weights_with_their_rows(
    folder: Path, shuffle: bool, rng: np.random.Generator
) -> None:
    x, _, _ = table(rng)
    noise = np.arange(40) % 4 == 0
    write_h5("w.h5", x=x, y=np.where(noise, 1000.0, x.sum(axis=1)), w=1.0 - noise)
    config = write_config(
        folder / "c.yaml",
        data={"train": named("w.h5")},
        model={"layers": [1], "activations": ["linear"]},
        training={
            "learning_rate": 0.05,
            "iterations": 3000,
            "batch_size": 12,
            "shuffle": shuffle,
            "log_every": 1000,
        },
        compute={"precision": "float64"},
    )
    train(config, "--run-dir", "a")
    assert summary(folder / "a")["figures"]["train"]["cost"] < 1e-9


def test_resuming_equals_never_stopping_and_sees_other_weights(
    folder: Path, rng: np.random.Generator
) -> None:
    x, y, w = table(rng)
    write_h5("w.h5", x=x, y=y, w=w)
    config = write(folder, {"train": named("w.h5")}, batch_size=12, optimizer="adam")
    train(config, "--run-dir", "whole")
    train(config, "--run-dir", "part", "--set", "training.iterations=7")
    train("--resume", "part", "--set", "training.iterations=30")
    for name in ("model.h5", "history.csv"):
        assert (folder / "whole" / name).read_bytes() == (folder / "part" / name).read_bytes()
    write_h5("w.h5", x=x, y=y, w=np.where(w == 1, 1.25, w))
    changed = deepnet("train", "--resume", "part", "--set", "training.iterations=40")
    assert_refused(changed, 3, ["data are not those"])


@pytest.mark.parametrize("value", [1e39, 1e-50, 1e308])
def test_float32_takes_weights_of_any_size(
    folder: Path, value: float, rng: np.random.Generator
) -> None:
    """They are shares of their sum before they are rounded."""
    x, y, w = table(rng)
    write_h5("w.h5", x=x, y=y, w=w, far=w / 2 * value)
    for name in ("w", "far"):
        config = write(folder, {"train": named("w.h5", name)})
        train(config, "--run-dir", name, "--set", "compute.precision=float32")
    np.testing.assert_allclose(costs(folder / "far"), costs(folder / "w"), rtol=1e-6)


FORMS: dict[str, Any] = {
    "column": np.ones((12, 1)),
    "row": np.ones((1, 12)),
    "integers": np.ones(12, int),
    "flags": np.ones(12, bool),
    "floats_of_16_bits": np.ones(12, np.float16),
}


@pytest.mark.parametrize("w", FORMS.values(), ids=FORMS)
def test_forms_that_weights_may_have(folder: Path, w: Array, rng: np.random.Generator) -> None:
    x, y, _ = table(rng, 12)
    write_h5("w.h5", x=x, y=y, w=w)
    train(write(folder, {"train": named("w.h5")}), "--run-dir", "a")
    train(write(folder, {"train": named("w.h5", None)}), "--run-dir", "b")
    assert (folder / "a/history.csv").read_bytes() == (folder / "b/history.csv").read_bytes()


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_the_weights_are_not_taken_for_x_or_y(
    folder: Path, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Where x and y are found by shape: what is named as weights is neither."""
    x, y, _ = table(rng, 12)
    write_h5("w.h5", a=x, b=y, c=np.ones(shape))
    train(write(folder, {"train": {"file": "w.h5", "weights": "c"}}), "--run-dir", "a")
    assert History.from_csv((folder / "a/history.csv").read_text()).rows


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_split_that_leaves_a_part_without_weight_is_told(
    folder: Path, part: str, rng: np.random.Generator
) -> None:
    """Its cost would be 0 / 0: one row has all the weight, and falls into one part of two."""
    x, y, _ = table(rng, 12)
    write_h5("w.h5", x=x, y=y, w=np.eye(12)[0])
    for size in (0.1, 0.9):
        data = {"train": named("w.h5"), part: {"fraction": size}}
        result = deepnet("train", write(folder, data).name, "-q")
        assert_refused(result, 3, [f"data.{part}", "w.h5: 'x'", "weight 0", "c.yaml:"])
