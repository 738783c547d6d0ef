"""PReLU: what is trained, from where on, and how parameters from a file are taken."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import parameters, write_blobs, write_config

from deepnet_cli.nn.activations import ACTIVATIONS, made_activation
from deepnet_cli.nn.layer import Layer
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import L1, L2
from deepnet_cli.nn.types import Array

LINEAR, MSE = ACTIVATIONS["linear"], LOSSES["mean_squared_error"]


def one_layer(slopes: Array, X: Array) -> tuple[Network, Array]:
    """A network whose Z[1] is X, and whose output is A[1] summed over the units."""
    n = len(slopes)
    network = Network.of(n, [Layer(n, ACTIVATIONS["prelu"]), Layer(1, LINEAR)], MSE)
    theta = np.zeros(network.layout.size)
    p = network.layout.views(theta)
    p["W1"][...], p["W2"][...], p["slope1"][...] = np.eye(n), 1, slopes.reshape(-1, 1)
    return network, theta


def test_by_hand() -> None:
    """A = Z where Z > 0, else slope Z; dslope = 2 (A - Y) Z of the one example where Z < 0."""
    X = np.array([[3.0, -2.0], [-1.0, 5.0], [0.0, -0.0]])
    network, theta = one_layer(np.array([0.5, -4.0, 7.0]), X)
    J, grad = Objective(network)(theta, X, np.array([[6.0, 5.0]]))
    g = network.layout.views(grad)
    # A = [[3, -1], [4, 5], [0, -0]]: errors 7 - 6 = 1 and 4 - 5 = -1
    assert J == 1.0
    np.testing.assert_array_equal(g["slope1"], [[-1.0 * -2.0], [1.0 * -1.0], [0.0]])
    np.testing.assert_array_equal(g["b1"], [[1 - 0.5], [-4 - 1], [7 - 7]])


def test_slopes_start_where_they_are_told_and_are_no_weights() -> None:
    """As many as there are units, behind the weights, where no penalty reaches."""
    layers = [Layer(5, made_activation("prelu", initial=0.6)), Layer(2, LINEAR)]
    network = Network.of(3, layers, MSE)
    p = network.layout.views(network.layout.start())
    assert (p["slope1"] == np.full((5, 1), 0.6)).all()
    assert list(network.layout.shapes) == ["W1", "W2", "b1", "slope1", "b2"]
    theta = np.random.default_rng(0).normal(size=network.layout.size)
    X, Y = np.ones((3, 4)), np.zeros((2, 4))
    plain = Objective(network)(theta, X, Y)[1].copy()
    penalized = Objective(network, (L1(0.5), L2(0.5)))(theta, X, Y)[1]
    changed = network.layout.views(plain != penalized)
    assert {name for name, block in changed.items() if block.any()} == {"W1", "W2"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    return tmp_path


def write_first(**changed: Any) -> dict[str, Array]:
    """first.h5 for 4-6-3 with slopes in the first layer; some blocks changed, None left out."""
    rng = np.random.default_rng(2)
    first: dict[str, Any] = {
        "W1": rng.normal(size=(6, 4)),
        "b1": rng.normal(size=6),
        "slope1": np.linspace(-0.5, 2, 6),
        "W2": rng.normal(size=(3, 6)),
        "b2": rng.normal(size=3),
    } | changed
    with h5py.File("first.h5", "w") as file:
        for name, block in first.items():
            if block is not None:
                file[name] = block
    return first


def config_of(folder: Path, activation: object = "prelu", **training: Any) -> Path:
    return write_config(
        folder / "c.yaml",
        model={
            "layers": [6, 3],
            "activations": [activation, "softmax"],
            "initial_parameters": "first.h5",
        },
        training={"learning_rate": 0.1, "iterations": 1, **training},
        compute={"precision": "float64"},
    )


def test_training_begins_with_the_slopes_of_a_file(folder: Path) -> None:
    """One update by plain NumPy."""
    first = write_first()
    assert deepnet("train", config_of(folder), "--run-dir", "a").code == 0
    with h5py.File("blobs.h5") as file:
        X, Y = file["x"][()].T.astype(float), np.eye(3)[:, file["y"][()]]
    slope, m = first["slope1"][:, np.newaxis], X.shape[1]
    Z = first["W1"] @ X + first["b1"][:, np.newaxis]
    S = first["W2"] @ np.where(Z > 0, Z, slope * Z) + first["b2"][:, np.newaxis]
    A = np.exp(S) / np.exp(S).sum(axis=0)
    dA = first["W2"].T @ ((A - Y) / m)
    dslope = (dA * np.minimum(Z, 0)).sum(axis=1, keepdims=True)
    p = parameters(folder / "a")
    np.testing.assert_allclose(p["slope1"], slope - 0.1 * dslope, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(
        p["b1"][:, 0], first["b1"] - 0.1 * (dA * np.where(Z > 0, 1, slope)).sum(axis=1), rtol=1e-12
    )


UNFIT: dict[str, tuple[object, dict[str, Any], *tuple[str, ...]]] = {
    "no_slopes": ("prelu", {"slope1": None}, "no parameter 'slope1' of a prelu", "W1, W2, b1"),
    "one_slope": ("prelu", {"slope1": np.ones(1)}, "slope1 has shape (1,)", "(6, 1)"),
    "nan": ("prelu", {"slope1": np.full(6, np.nan)}, "slope1 holds NaN"),
    "no_prelu": ("relu", {}, "holds slope1", "layer 1", "no prelu"),
    "an_output": ("prelu", {"slope2": np.ones(3)}, "holds slope2", "layer 2", "no prelu"),
    "a_layer_more": ("prelu", {"slope3": np.ones(3)}, "holds slope3", "a layer more"),
}
"""The hidden activation, what is changed in first.h5, and the words of the message."""


@pytest.mark.parametrize("row", UNFIT.values(), ids=UNFIT)
def test_initial_parameters_that_do_not_fit(
    folder: Path, row: tuple[object, dict[str, Any], *tuple[str, ...]]
) -> None:
    activation, changed, *words = row
    write_first(**changed)
    result = deepnet("train", config_of(folder, activation), "-q")
    assert_refused(result, 3, ["model.initial_parameters: first.h5: ", *words])
