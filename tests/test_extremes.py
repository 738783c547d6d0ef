"""Data and weights at the edge of sense: every run ends with finite numbers, and the right ones.

Through `deepnet train`, for every name of a registry: weights that are all 0, one example, one
class, constant features, nothing to learn, targets beyond all bounds.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import transcription
from cli import assert_refused, deepnet
from networks import HEAD_IDS, HEADS, HIDDEN, labels_for
from samples import parameters, write_config

from deepnet_cli.data.encoding.scaling import SCALINGS
from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.optimizers import OPTIMIZERS

K = 3
heads = pytest.mark.parametrize(("output", "loss"), HEADS, ids=HEAD_IDS)
hidden = pytest.mark.parametrize("g", HIDDEN, ids=lambda g: g.name)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(x: Array, y: Array, model: dict[str, Any], **more: Any) -> tuple[Any, dict[str, Array]]:
    """The result of a run of 5 iterations in float64, and its parameters; all of it finite."""
    with h5py.File("data.h5", "w") as file:
        file["x"], file["y"] = x, y
    sections: dict[str, Any] = {
        "data": {"train": "data.h5"},
        "model": model,
        "training": {"learning_rate": 0.1, "iterations": 5, "log_every": 1},
        "compute": {"precision": "float64"},
    }
    for name, section in more.items():
        sections[name] = sections.get(name, {}) | section if isinstance(section, dict) else section
    config = write_config(Path("c.yaml"), **sections)
    result = deepnet("train", config, "--run-dir", "run", "--json")
    assert result.code == 0, result.err
    made = json.loads(result.out)
    p = parameters(Path("run"))
    assert all(np.isfinite(block).all() for block in p.values())
    assert np.isfinite([float(row.split(",")[2]) for row in history()[1:]]).all()
    return made, p


def history() -> list[str]:
    return Path("run/history.csv").read_text().splitlines()


def target(loss: Loss, m: int, rng: np.random.Generator) -> Array:
    """y as a file has it, (m, K)"""
    return labels_for(loss, K, m, rng).T


@heads
def test_weights_that_are_all_0(output: Activation, loss: Loss, rng: np.random.Generator) -> None:
    """The first cost is that of A = g(0), whatever the examples; units stay alike."""
    x, y = rng.normal(size=(6, 4)), target(loss, 6, rng)
    _, p = train(
        x,
        y,
        {"layers": [5, K], "activations": ["tanh", output.name], "initialization": "zeros"},
        loss=loss.name,
    )
    zero = {"W1": [[0.0] * 4] * 5, "b1": [[0.0]] * 5, "W2": [[0.0] * 5] * K, "b2": [[0.0]] * K}
    zero["slope2"] = [[output.trained_from or 0.0]] * K
    J, gradient = transcription.cost_and_gradient(zero, x.T, y.T, ["tanh", output.name], loss.name)
    assert float(history()[1].split(",")[2]) == pytest.approx(J, rel=1e-12)
    assert not p["W1"].any()
    np.testing.assert_array_equal(p["b2"] != 0, np.array(gradient["b2"]) != 0)  # relu'(0) = 0


@hidden
def test_units_that_begin_alike_stay_alike(g: Activation, rng: np.random.Generator) -> None:
    """All weights 0: each hidden unit has the gradient of its neighbours, to the last bit."""
    _, p = train(
        rng.normal(size=(6, 4)),
        rng.normal(size=(6, K)),
        {"layers": [5, 4, K], "activations": [g.name, g.name, "linear"], "initialization": "zeros"},
    )
    for W in (p["W1"], p["W2"]):
        np.testing.assert_allclose(W, np.broadcast_to(W[0], W.shape), rtol=1e-12, atol=1e-14)


@heads
def test_one_example(output: Activation, loss: Loss, rng: np.random.Generator) -> None:
    """Its cost falls with every update, and its own label is what is predicted of a class."""
    y = target(loss, 1, rng)
    result, _ = train(
        rng.normal(size=(1, 4)),
        y,
        {"layers": [5, K], "activations": ["tanh", output.name]},
        loss=loss.name,
        training={"learning_rate": 0.02, "iterations": 300, "log_every": 100},
    )
    costs = [float(row.split(",")[2]) for row in history()[1:]]
    assert costs[-1] < costs[0]
    figures = result["figures"]["train"]
    assert figures["cost"] < costs[0]


@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "several sigmoids"])
def test_one_class_of_several(kind: str, rng: np.random.Generator) -> None:
    """All examples are of class 0: it is learned, and what needs two classes is null."""
    y = np.zeros((8, K) if kind == "several sigmoids" else 8, int)
    model = {
        "layers": [4, 1 if kind == "sigmoid" else K],
        "activations": ["tanh", kind.split()[-1].rstrip("s")],
    }
    result, _ = train(
        rng.normal(size=(8, 4)), y, model, training={"learning_rate": 0.5, "iterations": 100}
    )
    figures = result["figures"]["train"]
    assert figures["accuracy"] == 1
    assert figures["cost"] < 0.1
    assert figures.get("auc") is None


@pytest.mark.parametrize("scale", SCALINGS)
@pytest.mark.parametrize("constant", [0.0, 1e-3, 7e5])
def test_constant_features(scale: str, constant: float, rng: np.random.Generator) -> None:
    """Scaled to 0 or left as they are; of a 0 the weights never move."""
    x = rng.gamma(2, size=(8, 4))
    x[:, 2] = constant
    _, p = train(
        x,
        rng.integers(0, K, 8),
        {"layers": [5, K], "activations": ["tanh", "softmax"], "initialization": {"constant": 0.1}},
        data={"scale": scale},
    )
    still = (p["W1"] == 0.1).all(axis=0)
    if scale in ("auto", "none") and constant > 1:  # tanh is saturated
        assert still.all()
    else:
        centered = scale in ("standardize", "minmax", "robust")
        np.testing.assert_array_equal(still, [False, False, centered or not constant, False])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nothing_to_learn(name: str) -> None:
    """Gradients of exactly 0 move nothing, by any rule: no 0/0."""
    _, p = train(
        np.zeros((6, 4)),
        np.zeros((6, 2)),
        {"layers": [3, 2], "activations": ["tanh", "linear"], "initialization": "zeros"},
        training={"optimizer": name},
    )
    assert all(not block.any() for block in p.values())


@pytest.mark.parametrize("name", INITIALIZERS)
def test_one_unit_of_one_feature(name: str, rng: np.random.Generator) -> None:
    _, p = train(
        rng.normal(size=(6, 1)),
        rng.normal(size=6),
        {"layers": [1, 1], "activations": ["tanh", "linear"], "initialization": name},
    )
    assert p["W1"].shape == p["W2"].shape == (1, 1)


NUMBERS = [loss.name for loss in LOSSES.values() if loss.target == "number"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("size", [1e6, 1e30])
def test_targets_beyond_all_bounds(name: str, size: float, rng: np.random.Generator) -> None:
    """In float32 a run ends, or is told to have diverged: its last good state is finite."""
    with h5py.File("data.h5", "w") as file:
        file["x"], file["y"] = rng.normal(size=(6, 4)), size * np.arange(6.0)
    output = LOSSES[name].link.name
    config = write_config(
        Path("c.yaml"),
        data={"train": "data.h5"},
        model={"layers": [3, 1], "activations": ["tanh", output]},
        loss=name,
    )
    result = deepnet("train", config, "--run-dir", "run", "-q")
    assert result.code in (0, 4), result.err
    assert ("diverged" in result.err or "became" in result.err) is (result.code == 4)
    assert all(np.isfinite(block).all() for block in parameters(Path("run")).values())


@pytest.mark.parametrize(("m", "size"), [(6, 1), (1, "full"), (1, 4)])
def test_a_batch_norm_of_one_example_is_refused(m: int, size: int | str) -> None:
    with h5py.File("data.h5", "w") as file:
        file["x"], file["y"] = np.ones((m, 4)), np.zeros(m, int)
    model = {"layers": [{"units": 5, "batch_norm": True}, 3], "activations": ["tanh", "softmax"]}
    config = write_config(
        Path("c.yaml"), data={"train": "data.h5"}, model=model, training={"batch_size": size}
    )
    place = "training.batch_size" if m > 1 else "model.layers[0].batch_norm"
    assert_refused(deepnet("train", config), 2, [place, "needs the mean of several examples"])
