"""scikit-learn's estimators keep scikit-learn's contract, and train what the command trains."""

import pickle
import sys
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import deepnet as command
from samples import parameters
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

import deepnet_cli as deepnet
from deepnet_cli.nn.types import Array

pytestmark = [
    pytest.mark.filterwarnings("ignore::deepnet_cli.DeepnetWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]

ESTIMATORS = [deepnet.DeepnetClassifier, deepnet.DeepnetRegressor]
each = pytest.mark.parametrize("estimator", ESTIMATORS)

MINI_BATCHES = (
    "a row that is dealt twice is in two mini-batches, one of weight 2 in one: with full batches "
    "the check passes (test_a_weight_is_so_many_rows), and scikit-learn's own networks fail it, too"
)
OPTIONAL = {"check_array_api_input"}
"""Of arrays of other libraries, where the environment asks for it: SCIPY_ARRAY_API."""


@pytest.mark.long
@each
def test_scikit_learns_own_checks(estimator: Any) -> None:
    failing = {"check_sample_weight_equivalence_on_dense_data": MINI_BATCHES}
    brief = estimator(epochs=10, learning_rate=0.03)
    results = estimator_checks.check_estimator(brief, expected_failed_checks=failing)
    status = {result["check_name"]: result["status"] for result in results}
    assert len(status) > 40
    odd = {name for name, told in status.items() if told != "passed"}
    assert odd <= {*failing} | OPTIONAL


@each
def test_a_weight_is_so_many_rows(estimator: Any) -> None:
    """Where rows are not dealt into batches, nor a scale fitted that no weight has a say in."""
    unscaled = {"data": {"scale_y": "none"}} if estimator is deepnet.DeepnetRegressor else {}
    whole = estimator(batch_size="full", scale="none", epochs=30, config=unscaled)
    name = estimator.__name__
    estimator_checks.check_sample_weight_equivalence_on_dense_data(name, whole)


def blobs(K: int, seed: int = 0) -> tuple[Array, Array]:
    X, y = make_blobs(60, 3, centers=K, random_state=seed)
    return X, y


def trained(folder: Path, arrays: dict[str, Any], config: str) -> dict[str, Array]:
    """The parameters that the command makes of arrays in a file."""
    with h5py.File(folder / "data.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values
    (folder / "c.yaml").write_text(config)
    result = command("train", folder / "c.yaml", "--run-dir", folder / "run", "-q")
    assert result.code == 0, result.err
    return parameters(folder / "run")


def same(one: dict[str, Array], other: dict[str, Array]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name], name)


CLASSIFIER = """
seed: 7
data: {{train: {train}, scale: standardize{more}}}
model: {{layers: [5, 4, {units}], activations: [tanh, tanh, {output}]}}
training:
  optimizer: adam
  learning_rate: 0.01
  epochs: 12
  batch_size: 16
  l2: 0.1
{stopping}
compute: {{precision: {precision}}}
output: {{plots: false}}
"""


@pytest.mark.parametrize(
    ("K", "precision", "weighted", "stopping"),
    [
        (2, "float32", False, False),
        (2, "float64", True, True),
        (3, "float64", False, True),
        (3, "float32", True, False),
    ],
)
def test_a_classifier_is_the_command(
    tmp_path: Path, rng: np.random.Generator, K: int, precision: str, weighted: bool, stopping: bool
) -> None:
    X, y = blobs(K)
    X = X.astype(precision)
    names = np.array(["ash", "birch", "cedar"])[y]
    arrays = {"x": X, "y": names.astype(h5py.string_dtype())}
    if weighted:
        arrays["w"] = rng.uniform(0.5, 2, 60)
    config = CLASSIFIER.format(
        train="{file: data.h5, weights: w}" if weighted else "data.h5",
        more=", validation: {fraction: 0.2, stratify: true}" if stopping else "",
        stopping="  early_stopping: {patience: 2}" if stopping else "",
        units=1 if K == 2 else K,
        output="sigmoid" if K == 2 else "softmax",
        precision=precision,
    )
    network = deepnet.DeepnetClassifier(
        (5, 4),
        "tanh",
        learning_rate=0.01,
        epochs=12,
        batch_size=16,
        l2=0.1,
        early_stopping=2 if stopping else None,
        validation_fraction=0.2,
        random_state=7,
    ).fit(X, names, arrays.get("w"))
    same(network.model_.parameters, trained(tmp_path, arrays, config))
    run = deepnet.Run(tmp_path / "run")
    np.testing.assert_array_equal(network.predict(X), run.model.predict(X))
    np.testing.assert_array_equal(network.predict_proba(X), run.model.predict_proba(X))
    assert network.score(X, names) == run.model.evaluate(X, names)["accuracy"]
    np.testing.assert_array_equal(network.classes_, run.model.classes)
    assert network.model_.class_names == run.model.class_names
    assert {k: [*v] for k, v in network.history_.items()} == {
        k: [*v] for k, v in run.history.items()
    }
    assert network.n_iter_ == run.summary["iterations"]


REGRESSOR = """
seed: 7
data: {train: data.h5, scale: standardize, scale_y: standardize}
model: {layers: [5, 2], activations: [relu, linear]}
loss: huber
training: {optimizer: {name: momentum, momentum: 0.8}, learning_rate: 0.01, epochs: 8,
           batch_size: 16}
compute: {precision: float64}
output: {plots: false}
"""


def test_a_regressor_is_the_command(tmp_path: Path, rng: np.random.Generator) -> None:
    X = rng.normal(size=(50, 3))
    Y = 100 + 20 * np.stack([X[:, 0] - X[:, 1], X[:, 2] ** 2], axis=1)
    network = deepnet.DeepnetRegressor(
        [5],
        ["relu"],
        optimizer={"name": "momentum", "momentum": 0.8},
        learning_rate=0.01,
        epochs=8,
        batch_size=16,
        random_state=np.int64(7),
        config={"loss": "huber"},
    ).fit(X, Y)
    same(network.model_.parameters, trained(tmp_path, {"x": X, "y": Y}, REGRESSOR))
    model = deepnet.load(tmp_path / "run")
    np.testing.assert_array_equal(network.predict(X), model.predict(X))
    assert network.score(X, Y) == pytest.approx(model.evaluate(X, Y)["r2"], rel=1e-9)


def test_it_learns() -> None:
    X, y = load_diabetes(return_X_y=True)
    scores = cross_val_score(deepnet.DeepnetRegressor((16,), l2=1.0, random_state=0), X, y, cv=3)
    assert scores.mean() > 0.4  # linear regression has 0.49
    X, y = blobs(3)
    assert deepnet.DeepnetClassifier((8,), random_state=0).fit(X, y).score(X, y) > 0.95


def test_config_has_the_last_word(rng: np.random.Generator) -> None:
    X, y = blobs(3)
    X = X.astype(np.float32).astype(np.float64)
    config = {"seed": 5, "training": {"epochs": 2}, "compute": {"precision": "float32"}}
    network = deepnet.DeepnetClassifier((8,), epochs=50, random_state=1, config=config).fit(X, y)
    assert network.n_iter_ == 4  # 2 epochs of 60 rows, 32 at a time
    assert network.model_.parameters["W1"].dtype == np.float32
    other = deepnet.DeepnetClassifier((8,), epochs=2, random_state=5).fit(X.astype("float32"), y)
    same(network.model_.parameters, other.model_.parameters)
    assert config["training"] == {"epochs": 2}


@pytest.mark.parametrize("single", [5, np.int64(5)])
def test_a_single_hidden_layer_may_be_a_number(single: int) -> None:
    X, y = blobs(3)
    one, two = (
        deepnet.DeepnetClassifier(layers, epochs=2, random_state=0).fit(X, y)
        for layers in (single, (5,))
    )
    same(one.model_.parameters, two.model_.parameters)


def test_randomness_is_scikit_learns() -> None:
    X, y = blobs(2)

    def fitted(random_state: Any) -> dict[str, Array]:
        network = deepnet.DeepnetClassifier((4,), epochs=2, random_state=random_state)
        return network.fit(X, y).model_.parameters

    same(fitted(3), fitted(3))
    same(fitted(np.random.RandomState(3)), fitted(np.random.RandomState(3)))
    assert (fitted(None)["W1"] != fitted(None)["W1"]).any()


def test_it_is_cloned_pickled_and_searched() -> None:
    X, y = blobs(3)
    network = deepnet.DeepnetClassifier((6,), epochs=5, random_state=0)
    line = make_pipeline(StandardScaler(), network)
    grid = {"deepnetclassifier__learning_rate": [1e-9, 0.05], "deepnetclassifier__l2": [0.0]}
    search = GridSearchCV(line, grid, cv=2).fit(X, y)
    assert search.best_params_["deepnetclassifier__learning_rate"] == 0.05
    other = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(other.predict_proba(X), search.predict_proba(X))
    assert clone(network).get_params() == network.get_params()
    assert not hasattr(clone(network.fit(X, y)), "model_")


def test_it_trains_in_any_thread_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    X, y = blobs(2)
    output = {"output": {"jsonl": True}}
    network = deepnet.DeepnetClassifier((4,), epochs=2, random_state=0, config=output)
    mine = ("diverged.h5", "summary.json", "history.jsonl", "events.out.tfevents.1")
    for name in mine:
        (tmp_path / name).write_text("mine")
    wild = deepnet.DeepnetRegressor(optimizer="gradient_descent", learning_rate=1e30, l2=1e9)
    with pytest.raises(deepnet.DivergedError, match="smaller learning_rate"):
        wild.fit(X, y)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(clone(network).fit(X, y)))
    thread.start()
    thread.join()
    same(found[0].model_.parameters, network.fit(X, y).model_.parameters)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        mine, "mine"
    )


def test_it_needs_no_room_on_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepnet_cli.files.os.open", None)
    deepnet.DeepnetClassifier((4,), epochs=2).fit(*blobs(2))


@each
def test_a_fit_that_fails_leaves_none(estimator: Any) -> None:
    """Not the model of one fit with the classes and features of another."""
    X, y = blobs(2)
    network = estimator((4,), epochs=30, optimizer="gradient_descent")
    wild = {"learning_rate": 1e30, "l2": 1e9}
    for calm in (wild, {"learning_rate": 0.01, "l2": 0.0}, wild):
        network.set_params(**calm)
        if calm is not wild:
            assert network.fit(X, y).predict(X).shape == (60,)
            continue
        with pytest.raises(deepnet.DivergedError):
            network.fit(X[:, :1], y + 3)
        for asked in (X, X[:, :1]):
            with pytest.raises(NotFittedError):
                network.predict(asked)


def test_mistakes_are_told() -> None:
    X, y = blobs(2)
    with pytest.raises(deepnet.ConfigError, match="unknown activation 'rleu'"):
        deepnet.DeepnetClassifier(activations="rleu").fit(X, y)
    with pytest.raises(deepnet.ConfigError, match="learning_rate"):
        deepnet.DeepnetClassifier(learning_rate=-1.0).fit(X, y)
    with pytest.raises(ValueError, match=r"holds one class, 0\.0: there"):
        deepnet.DeepnetClassifier().fit(X, np.zeros(60))


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "deepnet_cli.api.estimators")
    with pytest.raises(ImportError, match=r"pip install 'deepnet-cli\[sklearn\]'"):
        deepnet.DeepnetClassifier  # noqa: B018
