"""Losses whose outputs are scores: what a run decides by, measures and hands out."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import parameters, write_blobs, write_config
from sklearn import metrics as sk

from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.types import Array

SCORED = [name for name, loss in LOSSES.items() if loss.scored]
ONE_OUTPUT = [name for name in SCORED if LOSSES[name].target == "binary"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(loss: str, units: int, output: str | None = "linear", **model: object) -> None:
    """A run in `a`; on blobs.h5 unless there is another file."""
    layers = [{"units": units} | ({"activation": output} if output else {})]
    config = write_config(
        Path("c.yaml"),
        model={"layers": layers, "activations": "relu", **model},
        loss=loss,
        training={"iterations": 60, "learning_rate": 0.2},
    )
    result = deepnet("train", config, "--run-dir", "a", "-q")
    assert result.code == 0, result.err


def by_hand(x: Array) -> Array:
    """(m, K): Z[1] of the trained network."""
    p = parameters(Path("a"))
    return np.asarray(x @ p["W1"].T + p["b1"].T)


def read(file: str, *names: str) -> list[Any]:
    with h5py.File(file) as source:
        return [source[name][()] for name in names]


@pytest.mark.parametrize("loss", SCORED)
def test_predictions_and_figures_are_those_of_the_scores(loss: str) -> None:
    """In a file, as CSV and JSON, and by evaluate; the output activation follows from the loss."""
    K = 2 if LOSSES[loss].target == "binary" else 3
    write_blobs(Path("blobs.h5"), K=K)
    x, y = read("blobs.h5", "x", "y")
    trained(loss, 1 if K == 2 else K, output=None)
    S = by_hand(x)
    decided = (S[:, 0] > 0).astype(int) if K == 2 else S.argmax(axis=1)
    assert deepnet("predict", "a", "blobs.h5", "-o", "out.h5").code == 0
    with h5py.File("out.h5") as file:
        assert set(file) == {"predictions", "scores", "class_names"}
    predictions, scores = read("out.h5", "predictions", "scores")
    np.testing.assert_allclose(scores, S, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(predictions, decided)

    rows = list(csv.reader(StringIO(deepnet("predict", "a", "blobs.h5").out)))
    columns = ["score_1"] if K == 2 else ["score_0", "score_1", "score_2"]
    assert rows[0] == ["prediction", *columns]
    np.testing.assert_array_equal(np.array(rows[1:], float)[:, 1:].astype("f4"), scores)
    told = json.loads(deepnet("predict", "a", "blobs.h5", "--json").out)
    assert told.keys() == {"predictions", "scores", "class_names"}

    figures = json.loads(deepnet("evaluate", "a", "blobs.h5", "--json").out)
    assert figures["accuracy"] == pytest.approx(sk.accuracy_score(y, decided))
    assert figures["accuracy"] > 0.8
    assert figures["confusion_matrix"] == sk.confusion_matrix(y, decided).tolist()
    if K == 2:
        assert figures["auc"] == pytest.approx(sk.roc_auc_score(y, scores[:, 0]))
    if loss == "hinge":
        assert figures["cost"] == pytest.approx(sk.hinge_loss(2 * y - 1, S[:, 0]), rel=1e-4)


@pytest.mark.parametrize("loss", ONE_OUTPUT)
def test_several_outputs_are_labels_that_do_not_exclude_each_other(
    loss: str, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(80, 4))
    with h5py.File("blobs.h5", "w") as file:
        file["x"], file["y"] = x, (x[:, :3] > 0).astype(np.uint8)
    trained(loss, 3)
    assert deepnet("predict", "a", "blobs.h5", "-o", "out.h5").code == 0
    predictions, scores = read("out.h5", "predictions", "scores")
    np.testing.assert_array_equal(predictions, scores > 0)
    assert np.mean(predictions == (x[:, :3] > 0)) > 0.9
    head = deepnet("predict", "a", "blobs.h5").out.splitlines()[0]
    assert head == ",".join(f"{word}_{k}" for word in ("prediction", "score") for k in (1, 2, 3))
    figures = json.loads(deepnet("evaluate", "a", "blobs.h5", "--json").out)
    assert figures["accuracy"] == pytest.approx(np.mean(predictions == (x[:, :3] > 0)))


@pytest.mark.parametrize("loss", ONE_OUTPUT)
def test_classes_for_labels_are_refused_with_what_to_do(loss: str) -> None:
    write_blobs(Path("blobs.h5"), K=3)
    config = write_config(
        Path("c.yaml"), model={"layers": [3], "activations": ["linear"]}, loss=loss
    )
    words = ["1 columns", "3 outputs", "for classes that do use softmax"]
    assert_refused(deepnet("train", config), 2, words)


def test_numbers_below_0_are_no_counts() -> None:
    """Told with their row, in training and later; a count may be a fraction."""
    x, y = np.eye(6), np.array([0.0, 2.5, 1, 3, 0, 7])
    bad, nan = y.copy(), y.copy()
    bad[[2, 4]], nan[1] = (-1.5, -3), np.nan
    for name, values in (("blobs.h5", y), ("bad.h5", bad), ("nan.h5", nan)):
        with h5py.File(name, "w") as file:
            file["x"], file["y"] = x, values
    trained("poisson", 1, output=None)
    words = ["'y': -1.5 at row 2", "2 below 0", "numbers >= 0"]
    assert_refused(deepnet("evaluate", "a", "bad.h5"), 3, ["bad.h5", *words])
    data = ("--set", "data.train=bad.h5")
    assert_refused(deepnet("train", "c.yaml", *data), 3, ["data.train", "bad.h5", *words])
    refused = deepnet("train", "c.yaml", "--set", "data.train=nan.h5")
    assert_refused(refused, 3, ["nan.h5: 'y': nan at row 1"])


def test_labels_of_a_multilabel_y_are_told_with_their_row() -> None:
    y = np.zeros((6, 2))
    y[4, 1] = 0.25
    with h5py.File("blobs.h5", "w") as file:
        file["x"], file["y"] = np.eye(6), y
    model = {"layers": [2], "activations": ["sigmoid"]}
    refused = deepnet("train", write_config(Path("c.yaml"), model=model))
    assert_refused(refused, 3, ["'y': 0.25 at row 4", "must be 0 or 1"])
