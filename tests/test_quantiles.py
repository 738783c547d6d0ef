"""Several quantiles of one number: a tau for each output."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import write_config
from sklearn.metrics import mean_pinball_loss

from deepnet_cli.nn.losses import made_loss, shares
from deepnet_cli.nn.metrics import METRICS, figures_of, observed
from deepnet_cli.nn.types import Array

TAUS = (0.1, 0.5, 0.9)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_output_has_the_loss_of_its_own_tau(dtype: type, rng: np.random.Generator) -> None:
    A: Array = rng.normal(size=(3, 20)).astype(dtype)
    Y: Array = rng.normal(size=(1, 20)).astype(dtype).repeat(3, axis=0)
    A[:, :2] = Y[:, :2]
    several = made_loss("quantile", tau=TAUS)
    for kernel in ("entries", "gradient", "start"):
        made = getattr(several, kernel)(A, Y)
        assert made.dtype == dtype
        for k, tau in enumerate(TAUS):
            alone = getattr(made_loss("quantile", tau=tau), kernel)(A[[k]], Y[[k]])
            np.testing.assert_allclose(made[[k]], alone, rtol=1e-6 if dtype is np.float32 else 0)
    slope = several.entries(A + 1e-20j, Y).imag / 1e-20
    np.testing.assert_allclose(several.gradient(A, Y)[:, 2:], slope[:, 2:], rtol=1e-6)


def test_the_cost_is_the_mean_of_scikit_learns(rng: np.random.Generator) -> None:
    A, y, w = rng.normal(size=(3, 50)), rng.normal(size=50), rng.uniform(0, 2, 50)
    losses = [mean_pinball_loss(y, A[k], alpha=tau, sample_weight=w) for k, tau in enumerate(TAUS)]
    told = made_loss("quantile", tau=TAUS).cost(A, np.tile(y, (3, 1)), shares(w, 50))
    assert told == pytest.approx(np.mean(losses), rel=1e-13)


def test_figures_by_hand() -> None:
    A = np.array([[1.0, 1, 1, 1], [9, 9, 9, 9], [3, 3, 3, 2]])
    Y = np.tile([0.5, 1, 3, 2.5], (3, 1))
    metrics = METRICS["quantiles"]
    found = figures_of(metrics, observed(metrics, A, Y))
    assert found == {"coverage": 0.5, "width": 1.75}


def config_of(tau: Any, units: int, y: Array) -> Path:
    with h5py.File("data.h5", "w") as file:
        file["x"], file["y"] = np.zeros((len(y), 2)), y
    return write_config(
        Path("c.yaml"),
        data={"train": "data.h5"},
        model={"layers": [units], "activations": ["linear"]},
        loss={"name": "quantile", "tau": tau},
        training={
            "iterations": 3000,
            "optimizer": "adam",
            "learning_rate": {"schedule": "cosine", "initial": 0.1},
        },
        compute={"precision": "float64"},
    )


def test_a_run_finds_the_quantiles_of_its_data(rng: np.random.Generator) -> None:
    """Without features there is b alone, whose best values are the quantiles of y."""
    y = rng.exponential(3, 101)
    config = config_of([*TAUS], 3, y)
    assert deepnet("train", config, "--run-dir", "a", "-q").code == 0
    assert deepnet("predict", "a", "data.h5", "-o", "out.h5").code == 0
    with h5py.File("out.h5") as file:
        assert set(file) == {"predictions"}
        predictions = file["predictions"][()]
    assert predictions.shape == (101, 3)
    np.testing.assert_allclose(predictions[0], np.quantile(y, TAUS), atol=0.02)
    told = json.loads(deepnet("evaluate", "a", "data.h5", "--json").out)
    low, _, high = predictions[0]
    assert told["coverage"] == pytest.approx(np.mean((y >= low) & (y <= high)))
    assert told["width"] == pytest.approx(high - low)
    head = deepnet("predict", "a", "data.h5").out.splitlines()[0]
    assert head == "quantile_0.1,quantile_0.5,quantile_0.9"
    again = deepnet("train", "a/config.yaml", "--run-dir", "again", "-q")
    assert again.code == 0, again.err
    assert Path("again/history.csv").read_bytes() == Path("a/history.csv").read_bytes()
    assert deepnet("gradcheck", "a").code == 0


@pytest.mark.parametrize(
    ("tau", "units", "words"),
    [
        ([0.1, 0.9], 3, ["model.layers[0]: 3 units, but loss.tau names 2 quantiles"]),
        ([0.9, 0.1], 2, ["several tau must ascend"]),
        ([0.5, 0.5], 2, ["several tau must ascend"]),
        ([0.5], 1, ["a list is of several tau", "one stands alone", "!ascend"]),
        ([], 1, ["a list is of several tau"]),
        ([0.1, 1.0], 2, ["loss.tau[1]: must be < 1, found 1.0"]),
        ([0.1, "x"], 2, ["loss.tau[1]: expected a number"]),
        ("median", 1, ["loss.tau: expected a number, or several"]),
        ({"a": 1}, 1, ["loss.tau: expected a number, or several"]),
    ],
)
def test_what_is_refused(tau: Any, units: int, words: list[str]) -> None:
    assert_refused(deepnet("train", config_of(tau, units, np.arange(9) / 2)), 2, words)


def test_several_numbers_are_refused() -> None:
    config = config_of([0.1, 0.9], 2, np.arange(18).reshape(9, 2) / 4)
    assert_refused(deepnet("train", config), 3, ["data.h5: 'y' holds 2 numbers an example"])
