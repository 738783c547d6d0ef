"""data.scale_y: the network learns (y - mean) / deviation, and all that is told is in y's units."""

import csv
import json
from io import StringIO
from pathlib import Path

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import parameters, rows, same_files, write_blobs, write_config
from sklearn.metrics import mean_absolute_error, mean_squared_error, median_absolute_error, r2_score
from sklearn.preprocessing import StandardScaler

from deepnet_cli.nn.types import Array

PARTS = {"train": slice(0, 40), "validation": slice(40, 52), "test": slice(52, 64)}
MEAN, SIZE = np.array([1e6, -3.0]), np.array([1e4, 0.02])


def like_one() -> Array:
    """Two numbers (64, 2) of the size of 1."""
    x = np.random.default_rng(3).normal(size=(64, 5))
    return np.stack([np.sin(x[:, 0]) + x[:, 1], x[:, 2] * x[:, 3]], axis=1)


def write_parts(path: Path, y: Array) -> None:
    """Five features that say something of y (64, K)."""
    x = np.random.default_rng(3).normal(size=(64, 5))
    with h5py.File(path, "w") as file:
        for part, i in PARTS.items():
            file[f"x_{part}"], file[f"y_{part}"] = x[i], y[i]


def config(folder: Path, y: Array, name: str, scale_y: str, **sections: object) -> Path:
    """A config over a file of y, both of that name."""
    write_parts(folder / f"{name}.h5", y)
    more = {"metrics": ["mae", "r2", "rmse", "medae"], "batch_size": 8, "iterations": 30}
    layers = {"layers": [6, y.shape[1]], "activations": ["tanh", "linear"]}
    path = write_config(folder / f"{name}.yaml", model=layers, training=more)
    data = dict.fromkeys(PARTS, f"{name}.h5") | {"scale_y": scale_y}
    tree = {"data": data, "model": layers, "training": more, **sections}
    return write_config(path, **tree)


def trained(folder: Path, y: Array, name: str, scale_y: str) -> Path:
    path = config(folder, y, name, scale_y)
    result = deepnet("train", path, "--run-dir", folder / name, "-q")
    assert result.code == 0, result.err
    return folder / name


def test_it_is_y_standardized_by_hand(tmp_path: Path) -> None:
    """The same parameters and J; errors so many times as large as y is, R2 as it is."""
    y = MEAN[:1] + SIZE[:1] * like_one()[:, :1]
    by_hand = StandardScaler().fit(y[PARTS["train"]])
    a = trained(tmp_path, by_hand.transform(y), "by_hand", "none")
    b = trained(tmp_path, y, "scaled", "standardize")
    for name, block in parameters(a).items():
        np.testing.assert_allclose(parameters(b)[name], block, rtol=1e-4, atol=1e-6)
    factors = dict.fromkeys(("mae", "rmse", "medae"), by_hand.scale_[0]) | {"r2": 1, "cost": 1}
    for row, told in zip(rows(a), rows(b), strict=True):
        for name, factor in factors.items():
            assert told[name] == pytest.approx(row[name] * factor, rel=1e-4), name
            assert told[f"val_{name}"] == pytest.approx(row[f"val_{name}"] * factor, rel=1e-4), name


def test_predictions_and_figures_are_in_the_units_of_y(tmp_path: Path) -> None:
    """Of each output by itself; scikit-learn measures what was predicted."""
    y = MEAN + SIZE * like_one()
    run, file = trained(tmp_path, y, "run", "standardize"), tmp_path / "run.h5"
    predicted = deepnet("predict", run, file)
    told = np.array([*csv.reader(StringIO(predicted.out))][1:], float)
    true = y[PARTS["test"]]
    assert r2_score(true, told) > 0.2
    figures = json.loads(deepnet("evaluate", run, file, "--json").out)
    for name, measure in {
        "mse": mean_squared_error,
        "mae": mean_absolute_error,
        "medae": median_absolute_error,
        "r2": r2_score,
    }.items():
        assert figures[name] == pytest.approx(measure(true, told), rel=1e-3), name
        low, high = figures["intervals"][name]
        assert low <= figures[name] <= high
    guessed = np.broadcast_to(y[PARTS["train"]].mean(axis=0), true.shape)
    expected = mean_absolute_error(true, guessed)
    assert figures["baselines"]["mean"]["mae"] == pytest.approx(expected, rel=1e-4)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["figures"]["test"]["mae"] == pytest.approx(figures["mae"], rel=1e-4)


@pytest.mark.parametrize("factor", [1e-9, 1e6])
def test_the_units_of_y_change_nothing(factor: float, tmp_path: Path) -> None:
    """y in nanometres or in megametres."""
    a = trained(tmp_path, like_one(), "a", "standardize")
    b = trained(tmp_path, factor * like_one(), "b", "standardize")
    told = [
        np.loadtxt(
            StringIO(deepnet("predict", run, tmp_path / "a.h5").out), delimiter=",", skiprows=1
        )
        for run in (a, b)
    ]
    np.testing.assert_allclose(told[1], factor * told[0], rtol=1e-3, atol=1e-4 * factor)


def test_a_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    y = MEAN + SIZE * like_one()
    whole = trained(tmp_path, y, "whole", "standardize")
    path = config(tmp_path, y, "whole", "standardize")
    short: list[str | Path] = [
        "--set",
        "training.iterations=15",
        "--run-dir",
        tmp_path / "part",
        "-q",
    ]
    assert deepnet("train", path, *short).code == 0
    more = ["--set", "training.iterations=30", "-q"]
    assert deepnet("train", "--resume", tmp_path / "part", *more).code == 0
    same_files(whole, tmp_path / "part")


def test_quantiles_are_in_the_units_of_y(tmp_path: Path) -> None:
    """The middle one is about the middle of y."""
    y = MEAN[:1] + SIZE[:1] * like_one()[:, :1]
    layers = {"layers": [3], "activations": ["linear"]}
    loss = {"name": "quantile", "tau": [0.1, 0.5, 0.9]}
    training = {"iterations": 300, "metrics": ["coverage", "width"]}
    path = config(tmp_path, y, "q", "standardize", model=layers, loss=loss, training=training)
    run = tmp_path / "run"
    assert deepnet("train", path, "--run-dir", run, "-q").code == 0
    out = deepnet("predict", run, tmp_path / "q.h5").out
    told = np.loadtxt(StringIO(out), delimiter=",", skiprows=1)
    assert abs(told[:, 1].mean() - MEAN[0]) < SIZE[0]
    figures = json.loads(deepnet("evaluate", run, tmp_path / "q.h5", "--json").out)
    true = y[PARTS["test"]][:, 0]
    low, _, high = told.T
    assert figures["width"] == pytest.approx((high - low).mean(), rel=1e-3)
    inside = (low <= true) & (true <= high)
    assert figures["coverage"] == pytest.approx(inside.mean())


def test_a_constant_y_stays_itself(tmp_path: Path) -> None:
    run = trained(tmp_path, np.full((64, 1), 1e6) * 1.1, "run", "standardize")
    out = deepnet("predict", run, tmp_path / "run.h5").out.split()[1:]
    np.testing.assert_allclose(np.array(out, float), 1.1e6, atol=10)


@pytest.mark.parametrize("y", [(0.1, np.nextafter(0.1, 1)), (1e-200, 3e-200)])
def test_what_has_no_size_to_measure_by_is_left_as_it_is(
    y: tuple[float, float], tmp_path: Path
) -> None:
    """As of a feature: two floats apart by rounding, or by what has no square."""
    run = trained(tmp_path, np.array(y * 32)[:, np.newaxis], "run", "standardize")
    with h5py.File(run / "model.h5") as file:
        assert file["units/divisor"][()].tolist() == [1]


def test_classes_have_no_units(tmp_path: Path) -> None:
    write_blobs(tmp_path / "blobs.h5")
    path = write_config(tmp_path / "c.yaml", data={"scale_y": "standardize"})
    assert_refused(deepnet("train", path), 2, ["c.yaml", "data.scale_y", "cross_entropy"])


def test_counts_have_no_units(tmp_path: Path) -> None:
    layers = {"layers": [1], "activations": ["exp"]}
    path = config(tmp_path, np.ones((64, 1)), "c", "standardize", model=layers)
    assert_refused(deepnet("train", path), 2, ["data.scale_y", "losses of numbers", "poisson"])


@pytest.mark.parametrize(
    ("y", "words"), [([1e300, -1e300], ["too large"]), ([np.nan, 1.0], ["nan at row 0"])]
)
def test_what_has_no_deviation_is_refused(y: list[float], words: list[str], tmp_path: Path) -> None:
    path = config(tmp_path, np.array(y * 32).reshape(64, 1), "c", "standardize")
    assert_refused(deepnet("train", path), 3, ["c.h5: 'y_train'", *words])


def test_parameters_of_other_units_are_told(tmp_path: Path) -> None:
    """As where a network goes on that was trained on another y."""
    run = trained(tmp_path, like_one(), "first", "standardize")
    for y, scale_y, warned in (
        (like_one(), "standardize", False),
        (like_one(), "none", True),
        (2 * like_one(), "standardize", True),
    ):
        path = config(tmp_path, y, "again", scale_y)
        start = f"model.initial_parameters={run / 'model.h5'}"
        result = deepnet("train", path, "--set", start, "--dry-run")
        assert result.code == 0, result.err
        assert ("data.scale_y" in result.err) is warned
