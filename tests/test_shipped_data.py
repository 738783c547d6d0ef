"""What is shipped does what it says: the sample data, and the configs that train on them."""

import csv
import importlib.util
import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from cli import deepnet
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from deepnet_cli.blas import choice
from deepnet_cli.blas.library import UnavailableError
from deepnet_cli.nn.types import Array

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "configs"
DATA = ROOT / "data"

LOADERS: dict[str, Callable[[], Any]] = {
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
    "diabetes": lambda: load_diabetes(scaled=False),
}
DIVISORS = {"digits": 16}
"""What the shipped features are divided by."""

ENOUGH = 5000
"""Epochs in which scikit-learn's training always ends by itself."""

CAT_NAMES = ("non-cat", "cat")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from more, and lose much on a busy machine."""
    with threadpool_limits(1):
        yield


def arrays(name: str) -> tuple[Array, Array, Array, Array]:
    """x_train, y_train, x_test, y_test"""
    with h5py.File(DATA / f"{name}.h5") as file:
        x_train, y_train = file["x_train"][()], file["y_train"][()]
        return x_train, y_train, file["x_test"][()], file["y_test"][()]


def settings(name: str) -> Any:
    return yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())


def trained(name: str, run: Path, *more: str) -> dict[str, Any]:
    """Train a shipped config; the figures on the test part."""
    sets = [part for setting in ("output.plots=false", *more) for part in ("--set", setting)]
    result = deepnet(
        "train", CONFIGS / f"{name}.yaml", "--run-dir", run, *sets, "--json", "--quiet"
    )
    assert result.code == 0, result.err
    figures: dict[str, Any] = json.loads(result.out)["figures"]["test"]
    return figures


def reference_accuracies(name: str, seeds: int) -> list[float]:
    """Of scikit-learn's network with the config's hidden layers, for so many seeds."""
    x_train, y_train, x_test, y_test = arrays(name)
    config = settings(name)
    if config["data"].get("scale") == "standardize":
        scaler = StandardScaler().fit(x_train)
        x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)
    hidden = config["model"]["layers"][:-1]
    with np.errstate(all="ignore"):
        return [
            MLPClassifier(hidden, max_iter=ENOUGH, random_state=seed)
            .fit(x_train, y_train)
            .score(x_test, y_test)
            for seed in range(seeds)
        ]


def test_every_shipped_config_is_tried_here() -> None:
    assert {path.stem for path in CONFIGS.iterdir()} == {*LOADERS, "cats"}


@pytest.mark.parametrize("seeds", [1, pytest.param(5, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_classes_are_told_apart_as_scikit_learn_does(name: str, seeds: int, tmp_path: Path) -> None:
    """96 %, and at most half a point below the first of its networks and below their mean."""
    accuracy = trained(name, tmp_path / "run")["accuracy"]
    reference = reference_accuracies(name, seeds)
    assert accuracy >= 0.96
    assert accuracy >= reference[0] - 0.005
    assert accuracy >= np.mean(reference) - 0.005


def test_a_number_is_predicted_as_well_as_by_linear_regression(tmp_path: Path) -> None:
    x_train, y_train, x_test, y_test = arrays("diabetes")
    linear = LinearRegression().fit(x_train, y_train).score(x_test, y_test)
    assert linear == pytest.approx(0.5226, abs=5e-5)  # data/README.md says 0.523
    assert trained("diabetes", tmp_path / "run")["r2"] >= linear


@pytest.fixture(scope="module")
def make() -> ModuleType:
    """data/make.py"""
    spec = importlib.util.spec_from_file_location("make_sample_data", DATA / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def content(path: Path) -> dict[str, tuple[str, object]]:
    """Every dataset and attribute of a file: its type and its values."""
    found: dict[str, tuple[str, object]] = {}

    def add_attributes(name: str, item: Any) -> None:
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = (str(np.asarray(value).dtype), np.asarray(value).tolist())

    def add(name: str, item: Any) -> None:
        found[name] = (str(item.dtype), item[()].tolist())
        add_attributes(name, item)

    with h5py.File(path) as file:
        add_attributes("", file)
        file.visititems(add)
    return found


@pytest.mark.parametrize("name", LOADERS)
def test_the_script_makes_what_is_shipped(name: str, make: ModuleType, tmp_path: Path) -> None:
    make.write(getattr(make, name)(), tmp_path / "made.h5")
    shipped = content(DATA / f"{name}.h5")
    assert {"x_train", "y_train", "x_test", "y_test", "@licence"} <= set(shipped)
    assert content(tmp_path / "made.h5") == shipped


@pytest.mark.parametrize("name", LOADERS)
def test_the_split_is_one_plain_shuffle(name: str) -> None:
    """The first fifth of the seeded order is the test part: nothing was picked."""
    raw = LOADERS[name]()
    order = np.random.default_rng(0).permutation(len(raw.data))
    test, train = np.split(order, [len(order) // 5])
    x = (raw.data / DIVISORS.get(name, 1)).astype(np.float32)
    x_train, y_train, x_test, y_test = arrays(name)
    np.testing.assert_array_equal(x_train, x[train])
    np.testing.assert_array_equal(x_test, x[test])
    np.testing.assert_array_equal(y_train, raw.target[train].astype(y_train.dtype))
    np.testing.assert_array_equal(y_test, raw.target[test].astype(y_test.dtype))


def write_pictures(path: Path, part: str, m: int, shape: tuple[int, ...]) -> Array:
    """A file of the course's layout, with blue cats and red others; its labels (m,)."""
    rng = np.random.default_rng(m)
    y = rng.permutation(np.arange(m) % 2)
    x = rng.integers(0, 56, (m, 64, 64, 3), np.uint8)
    x[np.arange(m), :, :, 2 * y] += 200
    with h5py.File(path, "w") as file:
        file[f"{part}_set_x"] = x
        file[f"{part}_set_y"] = y.reshape(shape)
        file["list_classes"] = np.array([name.encode() for name in CAT_NAMES])
    return y


@pytest.mark.parametrize("shape", [(-1,), (1, -1), (-1, 1)])
def test_the_course_s_pictures_train_as_they_are(shape: tuple[int, ...], tmp_path: Path) -> None:
    """cats.yaml, on made pictures: no key has to be told where anything is."""
    train, test, run = tmp_path / "train.h5", tmp_path / "test.h5", tmp_path / "run"
    write_pictures(train, "train", 40, shape)
    y = write_pictures(test, "test", 20, shape)
    figures = trained(
        "cats", run, f"data.train={train}", f"data.test={test}", "training.iterations=120"
    )
    assert figures["accuracy"] == 1
    with (run / "history.csv").open() as file:
        assert [row["iteration"] for row in csv.DictReader(file)] == ["0", "100", "119"]
    with h5py.File(run / "model.h5") as file:
        sizes = [file[f"parameters/W{l}"].shape for l in (1, 2, 3, 4)]
    assert sizes == [(20, 12288), (7, 20), (5, 7), (1, 5)]

    predicted = deepnet("predict", run, test)
    assert predicted.code == 0, predicted.err
    rows = list(csv.DictReader(StringIO(predicted.out)))
    assert [row["prediction"] for row in rows] == [CAT_NAMES[k] for k in y]
    assert all((float(row["probability_cat"]) > 0.5) == k for row, k in zip(rows, y, strict=True))

    evaluated = deepnet("evaluate", run, test, "--json")
    assert evaluated.code == 0, evaluated.err
    told = json.loads(evaluated.out)
    assert told["class_names"] == list(CAT_NAMES)
    assert told["confusion_matrix"] == [[10, 0], [0, 10]]
    assert told["accuracy"] == figures["accuracy"]


def test_the_cats_config_is_the_course_s() -> None:
    config = settings("cats")
    assert config["model"] == {
        "layers": [20, 7, 5, 1],
        "activations": ["relu", "relu", "relu", "sigmoid"],
        "initialization": "lecun",
    }
    training = config["training"]
    assert (training["learning_rate"], training["iterations"]) == (0.0075, 2500)
    assert (training["batch_size"], training["log_every"]) == ("full", 100)


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        pytest.param("digits", "accuracy", marks=pytest.mark.long),
        ("breast_cancer", "accuracy"),
        ("diabetes", "r2"),
    ],
)
def test_mixed_does_as_well_as_float32(
    name: str, figure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To half a point in the mean of five seeds, with every product in bfloat16.

    One seed says little: the 359 test digits are 0.28 points each.
    """
    monkeypatch.setattr(choice, "SHARED", 1)
    try:
        choice.check_precision("mixed")
    except UnavailableError as problem:
        pytest.skip(str(problem))

    def reached(precision: str) -> float:
        sets = [(f"compute.precision={precision}", f"seed={seed}") for seed in range(5)]
        runs = (trained(name, tmp_path / "-".join(more), *more) for more in sets)
        return float(np.mean([figures[figure] for figures in runs]))

    assert reached("mixed") == pytest.approx(reached("float32"), abs=0.005)
