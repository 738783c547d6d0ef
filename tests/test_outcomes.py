"""What a finished run says of its held-out examples, held against the files by h5py alone."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from cli import deepnet
from kinds import HELD, KINDS, M, trained, write_kind
from sklearn import metrics

from deepnet_cli.data.reading.tables import Location
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept.model import load_model
from deepnet_cli.training.results import outcomes as module
from deepnet_cli.training.results.outcomes import Outcomes, outcomes, outcomes_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


def stored(run: Path, part: str = "test") -> Array:
    """y as it stands in the file."""
    with h5py.File(run.parent / "d.h5") as file:
        y: Array = file[f"y_{part}"][:]
    return y


def summary(run: Path) -> dict[str, float]:
    told: dict[str, float] = json.loads((run / "summary.json").read_text())["figures"]["test"]
    return told


each_kind = pytest.mark.parametrize("name", KINDS)


@each_kind
def test_the_truth_is_what_the_file_has(folder: Path, name: str) -> None:
    run = trained(folder, name)
    found, y = outcomes(run), stored(run)
    assert (found.part, found.m, found.of) == ("test", HELD, HELD)
    np.testing.assert_array_equal(found.rows, np.arange(HELD))
    if found.form == "classes":
        said = np.array(found.names)[found.true]
        np.testing.assert_array_equal(said, y.astype("U"))
    else:
        columns = y.reshape(HELD, -1).T
        wanted = np.broadcast_to(columns, found.true.shape)
        np.testing.assert_allclose(found.true, wanted, rtol=1e-5, atol=1e-4)


@each_kind
def test_figures_of_it_are_those_of_the_run(folder: Path, name: str) -> None:
    """By scikit-learn, from truth, decisions and outputs alone."""
    run = trained(folder, name)
    found, told = outcomes(run), summary(run)
    np.testing.assert_allclose(found.costs.mean(), told["cost"], rtol=1e-5)
    if found.form == "classes":
        assert metrics.accuracy_score(found.true, found.decided) == pytest.approx(told["accuracy"])
        wanted = metrics.confusion_matrix(found.true, found.decided, labels=range(len(found.names)))
        np.testing.assert_array_equal(found.confusion, wanted)
    elif found.form == "labels":
        assert found.right.mean() == pytest.approx(told["accuracy"])
    elif found.form == "numbers":
        assert metrics.r2_score(found.true.T, found.decided.T) == pytest.approx(
            told["r2"], rel=1e-4
        )
    else:
        inside = (found.A[0] <= found.Y[0]) & (found.Y[0] <= found.A[-1])
        assert inside.mean() == pytest.approx(told["coverage"])


@pytest.mark.parametrize("name", ["two", "two softmax", "scores", "labels"])
def test_rankings_have_the_area_that_evaluate_tells(folder: Path, name: str) -> None:
    run = trained(folder, name)
    found = [*outcomes(run).rankings()]
    if name == "labels":
        with h5py.File(run.parent / "d.h5") as file:
            flags = file["y_test"][:] == 1
        assert [ranking.name for ranking in found] == ["1", "2", "3"]
        for k, ranking in enumerate(found):
            np.testing.assert_array_equal(ranking.true, flags[:, k])
    else:
        (only,) = found
        assert only.name == "1"
        np.testing.assert_array_equal(only.true, stored(run) == 1)
        told = deepnet("evaluate", run, run.parent / "d.h5", "--no-intervals", "--json")
        area = metrics.roc_auc_score(only.true, only.score)
        assert area == pytest.approx(json.loads(told.out)["auc"])


def test_parts_that_were_split_off_are_known_by_their_rows(folder: Path) -> None:
    split = {"test": {"fraction": 0.2}, "validation": {"fraction": 0.25, "stratify": True}}
    run = trained(folder, "three", "split", data=split)
    y = stored(run, "train")
    with h5py.File(run / "splits.h5") as file:
        rows = {part: file[part][:] for part in ("train", "validation", "test")}
    for part in (None, *rows):
        found = outcomes(run, part)
        assert found.part == (part or "test")
        np.testing.assert_array_equal(found.rows, rows[found.part])
        np.testing.assert_array_equal(np.array(found.names)[found.true], y[found.rows].astype("U"))


def test_a_part_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="no validation part"):
        outcomes(trained(folder, "three"), "validation")


def test_without_anything_held_out_it_is_of_what_was_trained_on(folder: Path) -> None:
    run = trained(folder, "number", "all", data={"test": None})
    found = outcomes(run)
    assert (found.part, found.m) == ("train", M)


@pytest.mark.parametrize("changed", ["x", "y"])
def test_other_data_than_the_run_was_measured_on_are_refused(tmp_path: Path, changed: str) -> None:
    run = trained(tmp_path, "number")
    with h5py.File(tmp_path / "number" / "d.h5", "r+") as file:
        file[f"{changed}_test"][3] += 1
    with pytest.raises(DataError, match=f"another {changed} "):
        outcomes(run)
    assert outcomes(run, "train").m == M


def same(a: Outcomes, b: Outcomes, of_b: Array) -> None:
    np.testing.assert_array_equal(a.rows, b.rows[of_b])
    np.testing.assert_array_equal(a.Y, b.Y[:, of_b])
    np.testing.assert_allclose(a.A, b.A[:, of_b], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(a.costs, b.costs[of_b], rtol=1e-4, atol=1e-6)


def test_a_sample_is_of_the_same_examples(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(folder, "three")
    whole = outcomes(run)
    monkeypatch.setattr(module, "VALUES", 30)
    some = outcomes(run)
    assert (some.m, some.of) == (10, HELD)
    assert (np.diff(some.rows) > 0).all()
    same(some, whole, some.rows)


def test_many_blocks_are_as_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(folder, "numbers")
    whole = outcomes(run)
    monkeypatch.setattr("deepnet_cli.data.dealing.parts.VALUES", 40)
    same(outcomes(run), whole, np.arange(HELD))


def test_rows_that_stay_in_their_file_give_the_same(folder: Path) -> None:
    held, streamed = (
        trained(folder, "two"),
        trained(folder, "two", "streamed", data={"stream": True}),
    )
    same(outcomes(streamed, "train"), outcomes(held, "train"), np.arange(M))


def test_a_model_and_another_file(folder: Path) -> None:
    """The same as of the run whose test part that file is."""
    run = trained(folder, "two")
    model = load_model(run / "model.h5")
    location = Location(run.parent / "d.h5", "x_test", "y_test")
    found = outcomes_of(model, model.table(location, labelled=True))
    assert found.part == "data"
    same(found, outcomes(run), np.arange(HELD))


def test_weights_of_examples_count_and_those_of_classes_do_not(folder: Path) -> None:
    place = folder / "weighed"
    config = write_kind(place, "two")
    weights = np.arange(HELD) % 3.0
    with h5py.File(place / "d.h5", "r+") as file:
        file["w_test"] = weights
    text = config.read_text().replace(
        "test: d.h5", "test: {file: d.h5, x: x_test, weights: w_test}"
    )
    text = text.replace("loss: auto", "loss: {name: binary_cross_entropy, class_weight: {1: 3}}")
    config.write_text(text)
    result = deepnet("train", config, "-q", "--run-dir", place / "run")
    assert result.code == 0, result.err
    found = outcomes(place / "run")
    assert found.weights is not None
    np.testing.assert_array_equal(found.weights, weights)
    wanted = metrics.confusion_matrix(found.true, found.decided, sample_weight=weights)
    np.testing.assert_allclose(found.confusion, wanted)
