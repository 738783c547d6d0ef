"""Class weights: from the option of a loss to the weights of examples, a run and its model."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import write_config
from sklearn import metrics as sk
from sklearn.utils.class_weight import compute_class_weight

from deepnet_cli.data.dealing.weighing import balanced, class_named, weighed
from deepnet_cli.data.reading.labels import Classes
from deepnet_cli.nn.losses import LOSS_OPTIONS, LOSSES
from deepnet_cli.nn.types import Array

WEIGHABLE = [name for name, loss in LOSSES.items() if loss.target in ("binary", "class")]


def test_what_tells_classes_apart_takes_class_weights() -> None:
    takes = [name for name, made in LOSS_OPTIONS.items() if "class_weight" in vars(made())]
    assert set(takes) == set(WEIGHABLE)


@pytest.mark.parametrize("own", [False, True])
def test_balanced_is_scikit_learns(own: bool, rng: np.random.Generator) -> None:
    indices = rng.choice(5, 300, p=[0.6, 0.2, 0.15, 0.05, 0])
    weights = rng.uniform(0, 3, 300) if own else None
    expected = compute_class_weight(
        "balanced", classes=np.arange(4), y=indices, sample_weight=weights
    )
    np.testing.assert_allclose(balanced(indices, 5, weights), [*expected, 1.0], rtol=1e-12)


def test_balanced_classes_weigh_the_same(rng: np.random.Generator) -> None:
    """Whatever the examples weigh, however much or little; a class of weight 0 counts as absent."""
    indices, own = np.repeat([0, 1, 2, 3], [1, 5, 20, 3]), rng.uniform(0.1, 2, 29)
    own[indices == 3] = 0
    for size in (1e-300, 1.0, 1e305):
        made = balanced(indices, 5, size * own)
        totals = np.bincount(indices, weighed(indices, made, size * own))
        np.testing.assert_allclose(totals / totals.sum(), [1 / 3, 1 / 3, 1 / 3, 0], atol=1e-12)
        assert made[3:].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("name", "index"),
    [("cat", 1), ("non-cat", 0), ("0", 0), ("1", 1), ("true", 1), ("False", 0), ("2", None)],
)
def test_how_a_class_may_be_called(name: str, index: int | None) -> None:
    assert class_named(name, Classes((0, 1), ("non-cat", "cat"))) == index


def test_a_name_that_is_shown_goes_before_a_value() -> None:
    classes = Classes((0, 1), ("1", "true"))
    assert [class_named(name, classes) for name in ("1", "true", "0")] == [0, 1, 0]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


NAMES = ("ant", "file", "name")
"""Words that mean something else in a config."""
WEIGHTS = {"ant": 0.5, "name": 3.0}


def of_class(y: Array) -> Array:
    return np.array([0.5, 1.0, 3.0])[y]


def write_parts(K: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """parts.h5 with text labels and weights by class and of each example's own."""
    y, held = (rng.choice(3, m, p=[0.7, 0.2, 0.1]) % K for m in (60, 30))
    with h5py.File("parts.h5", "w") as file:
        for part, labels in (("train", y), ("test", held)):
            own = rng.uniform(0, 2, len(labels))
            file[f"x_{part}"] = rng.normal(size=(len(labels), 4)) + labels[:, np.newaxis]
            file[f"y_{part}"] = np.array(NAMES, "S")[labels]
            file[f"by_class_{part}"] = of_class(labels)
            file[f"own_{part}"], file[f"both_{part}"] = own, own * of_class(labels)
    return y, held


def config_of(loss: Any, weights: str = "", **training: object) -> Path:
    name = loss["name"] if isinstance(loss, dict) else loss
    K, link = 3 if LOSSES[name].target == "class" else 1, LOSSES[name].link.name
    parts = {"train": "train", "validation": "test"}
    return write_config(
        Path("c.yaml"),
        data={
            key: {"file": "parts.h5", "x": f"x_{part}", "y": f"y_{part}"}
            | ({"weights": f"{weights}_{part}"} if weights else {})
            for key, part in parts.items()
        },
        model={"layers": [5, K], "activations": ["tanh", link]},
        loss=loss,
        training={"iterations": 25, "batch_size": 16, **training},
        compute={"precision": "float64"},
    )


def train(*args: str | Path) -> None:
    result = deepnet("train", *args, "-q")
    assert result.code == 0, result.err


def history(run: str) -> Array:
    return np.genfromtxt(f"{run}/history.csv", delimiter=",", skip_header=1)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", WEIGHABLE)
def test_a_class_weight_is_the_weight_of_each_of_its_examples(
    name: str, own: bool, rng: np.random.Generator
) -> None:
    """The run, its validation included, is that of weights written beside the data; not another."""
    write_parts(3 if LOSSES[name].target == "class" else 2, rng)
    asked = {key: WEIGHTS[key] for key in WEIGHTS if LOSSES[name].target == "class" or key == "ant"}
    train(config_of({"name": name, "class_weight": asked}, "own" if own else ""), "--run-dir", "a")
    train(config_of(name, "both" if own else "by_class"), "--run-dir", "b")
    train(config_of(name, "own" if own else ""), "--run-dir", "plain")
    np.testing.assert_allclose(history("a"), history("b"), rtol=1e-11)
    assert not np.allclose(history("a"), history("plain"), rtol=1e-3)


@pytest.mark.parametrize("name", WEIGHABLE)
def test_the_model_keeps_them(name: str, rng: np.random.Generator) -> None:
    """evaluate tells the costs of the summary; a run is repeated, and resumed, bit for bit."""
    write_parts(3 if LOSSES[name].target == "class" else 2, rng)
    config = config_of({"name": name, "class_weight": "balanced"})
    train(config, "--run-dir", "a")
    told = json.loads(Path("a/summary.json").read_text())["figures"]
    for part, key in (("train", "train"), ("test", "validation")):
        names = ("--x", f"x_{part}", "--y", f"y_{part}")
        measured = json.loads(deepnet("evaluate", "a", "parts.h5", *names, "--json").out)
        assert {figure: measured[figure] for figure in told[key]} == told[key]
    train("a/config.yaml", "--run-dir", "again")
    train(config, "--run-dir", "part", "--set", "training.iterations=9")
    train("--resume", "part", "--set", "training.iterations=25")
    for run in ("again", "part"):
        assert Path(run, "history.csv").read_bytes() == Path("a/history.csv").read_bytes()
    assert deepnet("gradcheck", "a").code == 0
    assert deepnet("gradcheck", "a/model.h5", "--data", "parts.h5").code == 0


def test_balanced_counts_the_training_part_alone(rng: np.random.Generator) -> None:
    y, _ = write_parts(3, rng)
    train(config_of({"name": "cross_entropy", "class_weight": "balanced"}), "--run-dir", "a")
    with h5py.File("a/model.h5") as file:
        kept = file["classes/weights"][()]
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    np.testing.assert_allclose(kept, expected, rtol=1e-12)


def test_metrics_count_each_example_once(rng: np.random.Generator) -> None:
    _, held = write_parts(3, rng)
    config = config_of({"name": "cross_entropy", "class_weight": {"name": 40.0}})
    train(config, "--run-dir", "a")
    assert deepnet("predict", "a", "parts.h5", "--x", "x_test", "-o", "p.h5").code == 0
    with h5py.File("p.h5") as file:
        decided = file["predictions"].asstr()[()]
    told = json.loads(Path("a/summary.json").read_text())["figures"]["validation"]
    assert told["accuracy"] == pytest.approx(sk.accuracy_score(np.array(NAMES)[held], decided))


def test_a_resumed_run_does_not_take_other_class_weights(rng: np.random.Generator) -> None:
    write_parts(3, rng)
    train(config_of({"name": "cross_entropy", "class_weight": WEIGHTS}), "--run-dir", "a")
    text = Path("a/config.yaml").read_text()
    Path("a/config.yaml").write_text(text.replace("name: 3.0", "name: 4.0"))
    assert Path("a/config.yaml").read_text() != text
    changed = deepnet("train", "--resume", "a", "--set", "training.iterations=40")
    assert_refused(changed, 2, ["another config", "loss.class_weight.name: 3.0 -> 4.0"])


def test_a_run_is_told_apart_from_one_without(rng: np.random.Generator) -> None:
    write_parts(3, rng)
    asked: dict[str, object] = {"plain": None, "even": "balanced", "own": WEIGHTS}
    for run, weights in asked.items():
        loss = {"name": "cross_entropy"} | ({"class_weight": weights} if weights else {})
        train(config_of(loss), "--run-dir", run)
        compared = deepnet("compare", "plain", run).out
        assert ("loss.class_weight" in compared) == bool(weights)
    plain, even, own = (deepnet("inspect", run).out for run in asked)
    assert "class weights" not in plain
    assert ", balanced class weights," in even
    assert "cross_entropy, class weights," in own


def hinge(asked: object) -> dict[str, object]:
    return {"name": "hinge", "class_weight": asked}


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (hinge({"fiel": 2}), ["loss.class_weight.fiel", "no such class", "did you mean 'file'?"]),
        (hinge({"ant": 2, "bee": 1}), ["class_weight.bee", "its classes: ant, file", "c.yaml:"]),
        (hinge({"x": 2, "bee": 1}), ["class_weight.bee", "class_weight.x"]),
        (hinge({"ant": 0}), ["class_weight.ant", "must be > 0"]),
        (hinge({"ant": -1.0}), ["class_weight.ant", "must be > 0, found -1"]),
        (hinge({"ant": "much"}), ["class_weight.ant", "expected a number, found text 'much'"]),
        (hinge({}), ["class_weight", "the mapping is empty"]),
        (hinge("balancd"), ["did you mean 'balanced'?"]),
        (hinge(3.0), ["balanced or a number for each class", "found 3.0"]),
        (hinge([1, 2]), ["balanced or a number for each class", "found a list"]),
        ({"name": "log_cosh", "class_weight": "balanced"}, ["log_cosh has no such option"]),
    ],
)
def test_what_is_refused(loss: object, words: list[str], rng: np.random.Generator) -> None:
    write_parts(2, rng)
    assert_refused(deepnet("train", config_of(loss)), 2, words)


def test_the_same_class_twice_is_refused() -> None:
    with h5py.File("parts.h5", "w") as file:
        for part in ("train", "test"):
            file[f"x_{part}"], file[f"y_{part}"] = np.zeros((4, 2)), [0, 1, 0, 1]
        file["list_classes"] = np.array([b"no", b"yes"])
    config = config_of(hinge({"true": 3, "yes": 2}))
    assert_refused(deepnet("train", config), 2, ["class_weight.yes", "same class as 'true'"])


@pytest.mark.parametrize("name", [name for name in WEIGHABLE if LOSSES[name].target == "binary"])
def test_labels_that_do_not_exclude_each_other_have_none(
    name: str, rng: np.random.Generator
) -> None:
    with h5py.File("flags.h5", "w") as file:
        file["x"], file["y"] = rng.normal(size=(9, 4)), rng.integers(0, 2, (9, 3))
    config = write_config(
        Path("c.yaml"),
        data={"train": "flags.h5"},
        model={"layers": [3], "activations": [LOSSES[name].link.name]},
        loss={"name": name, "class_weight": "balanced"},
    )
    words = ["loss.class_weight", "do not exclude each other", "data.train.weights"]
    assert_refused(deepnet("train", config), 2, words)
