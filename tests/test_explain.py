"""deepnet explain: what it shows is the equations, on the numbers that training uses."""

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import parameters, write_config

from deepnet_cli.nn.ops.affine import Affine, AffineCache
from deepnet_cli.nn.ops.op import Windows
from deepnet_cli.nn.types import Array

HIDDEN = ["relu", "leaky_relu", "tanh", "sigmoid", "silu", "gelu", "gelu_tanh", "linear", "prelu"]
M = 5


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> Path:
    """A working directory with M examples of 4 features, three classes and two numbers."""
    monkeypatch.chdir(tmp_path)
    with h5py.File("data.h5", "w") as file:
        file["x"] = rng.normal(size=(M, 4))
        file["classes"] = np.array([0, 1, 2, 1, 0])
        file["two"] = np.array([0, 1, 1, 1, 0])
        file["numbers"] = rng.normal(size=(M, 2))
    return tmp_path


def small(y: str, hidden: str, output: str, units: int, **training: object) -> Path:
    """A config whose arrays are shown whole: at most 6 columns."""
    return write_config(
        Path("c.yaml"),
        data={"train": {"file": "data.h5", "x": "x", "y": y}},
        model={"layers": [3, units], "activations": [hidden, output]},
        training={"learning_rate": 0.1, "iterations": 20, "log_every": 1, **training},
        compute={"precision": "float64"},
    )


def shown(*args: str | Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """The JSON, and each array by its symbol."""
    result = deepnet("explain", *args, "--json", "--rows", "100")
    assert result.code == 0, result.err
    told: dict[str, Any] = json.loads(result.out)
    return told, {e["symbol"]: np.array(e["corner"]) for e in (*told["forward"], *told["backward"])}


@pytest.mark.parametrize(
    ("y", "output", "units"),
    [("classes", "softmax", 3), ("two", "sigmoid", 1), ("numbers", "linear", 2)],
)
def test_the_arrays_are_the_equations(folder: Path, y: str, output: str, units: int) -> None:
    """Each from those before it, by the formulas of the course."""
    config = small(y, "tanh", output, units, l2=0.3)
    assert deepnet("train", config, "--set", "training.iterations=1", "--run-dir", "run").code == 0
    told, a = shown(config)
    with h5py.File("data.h5") as file:
        X, labels = file["x"][()].T, file[y][()]
    Y = np.eye(3)[labels].T if y == "classes" else np.atleast_2d(labels.T)
    p = initial(config)
    np.testing.assert_allclose(a["Z[1]"], p["W1"] @ X + p["b1"], rtol=1e-12)
    np.testing.assert_allclose(a["A[1]"], np.tanh(a["Z[1]"]), rtol=1e-12)
    np.testing.assert_allclose(a["Z[2]"], p["W2"] @ a["A[1]"] + p["b2"], rtol=1e-12)
    A = a["A[2]"]
    if y == "two":
        np.testing.assert_allclose(A, 1 / (1 + np.exp(-a["Z[2]"])), rtol=1e-12)
        np.testing.assert_allclose(a["dA[2]"], -Y / A + (1 - Y) / (1 - A), rtol=1e-12)
        np.testing.assert_allclose(a["dZ[2]"], a["dA[2]"] * A * (1 - A), rtol=1e-10)
        cost = -(Y * np.log(A) + (1 - Y) * np.log(1 - A)).mean()
    elif y == "classes":
        np.testing.assert_allclose(A, np.exp(a["Z[2]"]) / np.exp(a["Z[2]"]).sum(axis=0))
        np.testing.assert_allclose(a["dA[2]"], -Y / A, rtol=1e-12)
        np.testing.assert_allclose(a["dZ[2]"], A - Y, rtol=1e-10)
        cost = -(Y * np.log(A)).sum(axis=0).mean()
    else:
        np.testing.assert_allclose(A, a["Z[2]"])
        np.testing.assert_allclose(a["dA[2]"], 2 * (A - Y) / 2, rtol=1e-12)
        np.testing.assert_allclose(a["dZ[2]"], a["dA[2]"])
        cost = ((A - Y) ** 2).mean()
    np.testing.assert_allclose(a["dW[2]"], a["dZ[2]"] @ a["A[1]"].T / M, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(a["db[2]"], a["dZ[2]"].mean(axis=1, keepdims=True), atol=1e-14)
    np.testing.assert_allclose(a["dA[1]"], p["W2"].T @ a["dZ[2]"], rtol=1e-10)
    np.testing.assert_allclose(a["dZ[1]"], a["dA[1]"] * (1 - a["A[1]"] ** 2), rtol=1e-10)
    np.testing.assert_allclose(a["dW[1]"], a["dZ[1]"] @ X.T / M, rtol=1e-10, atol=1e-14)
    penalty = 0.3 / (2 * M) * sum((p[W] ** 2).sum() for W in ("W1", "W2"))
    assert told["penalty"] == pytest.approx(penalty, rel=1e-12)
    assert told["cost"] == pytest.approx(cost + penalty, rel=1e-12)
    for W in ("W1", "W2"):
        gradient = a[f"dW[{W[1]}]"] + 0.3 / M * p[W]
        np.testing.assert_allclose(parameters(Path("run"))[W], p[W] - 0.1 * gradient, rtol=1e-10)


def initial(config: Path) -> dict[str, Array]:
    """The first parameters of a config in float64."""
    from deepnet_cli.config.job import load_job

    job = load_job(config)
    return job.network.layout.views(job.initial_theta())


@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_derivative_has_its_tick(folder: Path, hidden: str) -> None:
    told, _ = shown(small("classes", hidden, "softmax", 3))
    assert told["ok"]
    assert [e["symbol"] for e in told["backward"]] == [
        "dA[2]",
        "dZ[2]",
        "dW[2]",
        "db[2]",
        "dA[1]",
        *(["dslope[1]"] if hidden == "prelu" else []),
        "dZ[1]",
        "dW[1]",
        "db[1]",
    ]
    assert all(e["status"] == "ok" and e["digits"] > 12 for e in told["backward"])
    text = deepnet("explain", "c.yaml").out
    assert f"{hidden}(Z[1])" in text
    assert f"dA[1] * {hidden}'(Z[1])" in text.replace("\n      ", " ")
    assert "dA[0] is never computed" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_wrong_derivative_has_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Affine.backward

    def wrong(self: Affine, p: Windows, dU: Array, c: AffineCache, g: Windows) -> None:
        right(self, p, dU, c, g)
        g[self.W][...] *= 1.01

    monkeypatch.setattr(Affine, "backward", wrong)
    told, _ = shown(small("classes", "tanh", "softmax", 3))
    assert not told["ok"]
    wrong_ones = [e["symbol"] for e in told["backward"] if e["status"] == "wrong"]
    assert wrong_ones == ["dW[2]", "dW[1]"]
    assert "WRONG" in deepnet("explain", "c.yaml").out


def test_an_iteration_is_the_one_that_training_made(folder: Path) -> None:
    """With mini-batches: its cost is the row of the history."""
    config = small("classes", "relu", "softmax", 3, batch_size=2, optimizer="adam", l2=0.1)
    assert deepnet("train", config, "--run-dir", "run").code == 0
    with Path("run/history.csv").open() as file:
        costs = [float(row["cost"]) for row in csv.DictReader(file)]
    for iteration in (0, 7, 19):
        told, _ = shown(config, "--iteration", str(iteration))
        assert told["iteration"] == iteration
        assert told["epoch"] == iteration // 3
        assert told["cost"] == pytest.approx(costs[iteration], rel=1e-12)


@pytest.mark.parametrize("optimizer", ["momentum", "lbfgs"])
def test_after_it_is_where_training_comes_to(folder: Path, optimizer: str) -> None:
    config = small("classes", "tanh", "softmax", 3, optimizer=optimizer)
    layers = ("--set", 'model.layers=[{"units": 3, "batch_norm": true}, 3]')
    args = ("--set", "training.iterations=4", "--run-dir", "run")
    assert deepnet("train", config, *layers, *args).code == 0
    result = deepnet("explain", config, *layers, "--iteration", "3")
    for name in ("W1", "W2", "scale1", "shift1", "b2"):
        there = parameters(Path("run"))[name]
        after = result.out.split(f"  {name[:-1]}[{name[-1]}] after\n")[1].splitlines()
        numbers = [float(x) for line in after[:2] for x in line.strip("[] .^T").split() if "." in x]
        wanted = there.reshape(len(there), -1)
        wanted = wanted.T if wanted.shape[1] == 1 else wanted[:2]
        np.testing.assert_allclose(numbers[: wanted.size], wanted.reshape(-1), rtol=1e-3)


def test_an_iteration_that_training_ends_at_is_shown(folder: Path) -> None:
    """Its cost is not finite, so its update is not made; none comes after it."""
    config = small("classes", "relu", "softmax", 3, learning_rate=1e300, l2=1e9)
    assert deepnet("explain", config, "--iteration", "1").code == 0
    assert_refused(deepnet("explain", config, "--iteration", "2"), 4, ["cost became"])


def test_norms_and_dropout_are_shown(folder: Path) -> None:
    layers = [{"units": 3, "dropout": 0.5, "batch_norm": True}, 3]
    config = small("classes", "tanh", "softmax", 3)
    result = deepnet("explain", config, "--set", f"model.layers={json.dumps(layers)}")
    assert result.code == 0, result.err
    for word in ("N[1] = scale[1] (Z[1] - mean)", "D[1] = A[1] * mask / 0.5", "dscale[1] ="):
        assert word in result.out
    assert "b[1]" not in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines())


def test_what_else_a_layer_has_is_shown(folder: Path) -> None:
    """And what the batch went through, and what holds the weights; the check agrees with all."""
    layers = [{"units": 3, "alpha_dropout": 0.5, "layer_norm": True}, 3]
    config = small("classes", "selu", "softmax", 3, mixup=0.2, max_norm=0.01)
    result = deepnet("explain", config, "--set", f"model.layers={json.dumps(layers)}")
    assert result.code == 0, result.err
    assert all(len(line) <= 80 for line in result.out.splitlines())
    for word in (
        "X is the batch as training has it, after mixup",
        "Z[1] = W[1] A[0] + b[1]",
        "N[1] = scale[1] (Z[1] - mean) / sqrt(variance + 1e-05) + shift[1], over the",
        "D[1] = (A[1] + 1.758) * mask - 0.7",
        "mask = a or 0, a = 0.88",
        "dA[1] = dD[1] * mask",
        "each row of a W is then held to its layer's max_norm",
    ):
        assert word in result.out
    after = result.out.split("W[1] after\n")[1].splitlines()[:2]
    weights = [float(word) for line in after for word in line.strip("[] .").split()]
    assert len(weights) > 4
    assert 0 < max(map(abs, weights)) <= 0.01
    told, _ = shown(config, "--set", f"model.layers={json.dumps(layers)}")
    assert told["augmented"] == ["mixup"]
    assert told["ok"]


def test_mistakes(folder: Path) -> None:
    assert_refused(deepnet("explain", "gone.yaml"), 2, ["no such file"])
    assert_refused(deepnet("explain", small("gone", "tanh", "softmax", 3)), 3, ["gone"])
    assert_refused(deepnet("explain", "c.yaml", "--rows", "0"), 2, ["--rows"])
    assert_refused(
        deepnet("explain", "c.yaml", "--iteration", "20", "--set", "data.train.y=classes"),
        2,
        ["--iteration 20", "0 to 19"],
    )
    diverging = ("--set", "training.learning_rate=1e300", "--iteration", "15")
    config = small("numbers", "relu", "linear", 2)
    assert_refused(deepnet("explain", config, *diverging), 4, ["the cost became"])
