"""deepnet predict and evaluate on what was trained."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from cli import Result, deepnet
from samples import parameters, write_blobs, write_config
from sklearn import metrics as sk

from deepnet_cli.data.reading.tables import Location, Table
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.evaluation import scores
from deepnet_cli.training.kept.model import Model, load_model


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with data and a run `a` trained on standardized features."""
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "more.h5", m=31, seed=9)
    config = write_config(tmp_path / "c.yaml", data={"scale": "standardize"})
    assert deepnet("train", config, "--run-dir", "a").code == 0
    return tmp_path


def read(path: Path, *names: str) -> list[Array]:
    with h5py.File(path) as file:
        return [file[name][()] for name in names]


def by_hand(run: Path, train: Path, data: Path) -> Array:
    """Softmax outputs (m, K) from W and b alone, scaled as the training part says."""
    x_train, x = read(train, "x")[0].astype(float), read(data, "x")[0].astype(float)
    X = ((x - x_train.mean(axis=0)) / x_train.std(axis=0)).T
    p = {name: block.astype(float) for name, block in parameters(run).items()}
    Z = p["W2"] @ np.tanh(p["W1"] @ X + p["b1"]) + p["b2"]
    A: Array = np.exp(Z) / np.exp(Z).sum(axis=0)
    return A.T


@pytest.mark.parametrize("model", ["a", "a/model.h5", "alone.h5"])
def test_probabilities_are_those_of_the_equations(folder: Path, model: str) -> None:
    """From a run directory, its model file, or the file alone, carried elsewhere."""
    shutil.copy("a/model.h5", "alone.h5")
    result = deepnet("predict", model, "more.h5", "-o", "out.h5")
    assert result.code == 0
    predictions, probabilities = read(folder / "out.h5", "predictions", "probabilities")
    expected = by_hand(folder / "a", folder / "blobs.h5", folder / "more.h5")
    np.testing.assert_allclose(probabilities, expected, atol=2e-6)
    np.testing.assert_array_equal(predictions, expected.argmax(axis=1))


def test_a_model_needs_no_other_file(folder: Path) -> None:
    shutil.move("a/model.h5", "model.h5")
    shutil.rmtree("a")
    Path("blobs.h5").unlink()
    Path("c.yaml").unlink()
    assert deepnet("predict", "model.h5", "more.h5").code == 0
    assert deepnet("evaluate", "model.h5", "more.h5").code == 0


def test_csv_is_the_same_on_stdout_and_in_a_file(folder: Path) -> None:
    out = deepnet("predict", "a", "more.h5").out
    deepnet("predict", "a", "more.h5", "-o", "out.csv")
    deepnet("predict", "a", "more.h5", "-o", "out.h5")
    assert Path("out.csv").read_text() == out
    table = list(csv.reader(io.StringIO(out)))
    assert table[0] == ["prediction", "probability_0", "probability_1", "probability_2"]
    predictions, probabilities = read(folder / "out.h5", "predictions", "probabilities")
    assert [int(row[0]) for row in table[1:]] == predictions.tolist()
    told = np.array([[float(v) for v in row[1:]] for row in table[1:]])
    np.testing.assert_array_equal(told.astype(np.float32), probabilities)
    as_json = json.loads(deepnet("predict", "a", "more.h5", "--json").out)
    assert as_json["predictions"] == predictions.tolist()


@pytest.mark.parametrize("name", ["out.h5", "out.csv"])
def test_one_pass_makes_what_is_printed_and_what_is_written(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = deepnet("predict", "a", "more.h5", "--json").out
    assert deepnet("predict", "a", "more.h5", "-o", f"alone_{name}").code == 0
    monkeypatch.setattr("deepnet_cli.data.dealing.parts.VALUES", 60)  # several blocks
    passes, outputs = [], Model.outputs

    def counted(model: Model, table: Table) -> Iterator[Array]:
        passes.append(table)
        return outputs(model, table)

    monkeypatch.setattr(Model, "outputs", counted)
    both = deepnet("predict", "a", "more.h5", "--json", "-o", name)
    assert len(passes) == 1
    np.testing.assert_allclose(
        json.loads(both.out)["probabilities"], json.loads(whole)["probabilities"], atol=1e-6
    )
    if name.endswith(".h5"):
        one, other = (read(folder / path, "probabilities")[0] for path in (name, f"alone_{name}"))
    else:
        one, other = (
            np.loadtxt(path, delimiter=",", skiprows=1) for path in (name, f"alone_{name}")
        )
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 7])
def test_batches_change_no_more_than_the_last_bit(
    folder: Path, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = deepnet("predict", "a", "more.h5", "--json").out
    monkeypatch.setattr("deepnet_cli.training.figures.evaluation.VALUES", 6 * batch)
    parts = deepnet("predict", "a", "more.h5", "--json").out
    np.testing.assert_allclose(
        json.loads(parts)["probabilities"], json.loads(whole)["probabilities"], atol=1e-6
    )


@pytest.mark.parametrize("values", [1, 40, 6 * 31 - 1])
def test_blocks_of_any_size_cover_every_row(
    folder: Path, values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(Path("a"))
    rows = model.encoding.rows(model.table(Location(Path("more.h5")), labelled=False))
    whole = scores(model.network, model.theta, rows)
    monkeypatch.setattr("deepnet_cli.training.figures.evaluation.VALUES", values)
    np.testing.assert_allclose(scores(model.network, model.theta, rows), whole, rtol=2e-5)


@pytest.mark.parametrize(("value", "told"), [(np.nan, "NaN"), (1e300, "does not fit float32")])
def test_a_bad_value_in_a_later_block_has_its_own_place(
    folder: Path, value: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepnet_cli.data.dealing.parts.VALUES", 6 * 7)
    (x,) = read(folder / "more.h5", "x")
    x = x.astype(float)
    x[23, 2] = value
    with h5py.File("bad.h5", "w") as file:
        file["x"] = x
    result = deepnet("predict", "a", "bad.h5")
    assert result.code == 3
    assert told in result.err
    assert "at row 23, column 2" in result.err


def test_evaluate_is_scikit_learn_on_the_predictions(folder: Path) -> None:
    told = json.loads(deepnet("evaluate", "a", "more.h5", "--json").out)
    (y,) = read(folder / "more.h5", "y")
    A = by_hand(folder / "a", folder / "blobs.h5", folder / "more.h5")
    decided = A.argmax(axis=1)
    assert told["cost"] == pytest.approx(sk.log_loss(y, A), rel=1e-5)
    assert told["accuracy"] == sk.accuracy_score(y, decided)
    assert told["f1"] == pytest.approx(sk.f1_score(y, decided, average="macro"))
    assert told["confusion_matrix"] == sk.confusion_matrix(y, decided).tolist()
    assert told["examples"] == 31


def test_evaluate_reads_as_a_table(folder: Path) -> None:
    result = deepnet("evaluate", "a", "more.h5")
    assert "accuracy" in result.out
    assert "true \\ decided" in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines())


BINARY = {"layers": [5, 1], "activations": ["relu", "sigmoid"]}


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (np.array([0, 1]), ["0", "1"]),
        (np.array([-1, 1]), ["-1", "1"]),
        (np.array([True, False]), ["0", "1"]),
        (np.array([b"dog", b"cat"]), ["cat", "dog"]),
        (np.array([2.0, 5.0]), ["2", "5"]),
    ],
    ids=["0 1", "-1 1", "bool", "text", "float"],
)
def test_binary_classes_come_back_as_they_were(
    folder: Path, values: Array, names: list[str]
) -> None:
    x, y = read(write_blobs(folder / "two.h5", K=2), "x", "y")
    with h5py.File("two.h5", "w") as file:
        file["x"], file["y"] = x, values[y]
    config = write_config(folder / "b.yaml", data={"train": "two.h5"}, model=BINARY)
    assert deepnet("train", config, "--run-dir", "b").code == 0
    assert deepnet("predict", "b", "two.h5", "-o", "out.h5").code == 0
    predictions, probabilities = read(folder / "out.h5", "predictions", "probabilities")
    assert probabilities.shape == (90, 1)
    assert np.mean(predictions == values[y]) > 0.9
    table = list(csv.reader(io.StringIO(deepnet("predict", "b", "two.h5").out)))
    assert table[0] == ["prediction", f"probability_{names[1]}"]
    assert {row[0] for row in table[1:]} == set(names)
    told = json.loads(deepnet("evaluate", "b", "two.h5", "--json").out)
    assert told["auc"] == pytest.approx(
        sk.roc_auc_score((values[y] == max(values)), probabilities[:, 0])
    )


@pytest.mark.parametrize("K", [1, 2])
def test_numbers(folder: Path, K: int, rng: np.random.Generator) -> None:
    x = rng.normal(size=(80, 3))
    y = x @ rng.normal(size=(3, K))
    with h5py.File("numbers.h5", "w") as file:
        file["x"], file["y"] = x, y[:, 0] if K == 1 else y
    config = write_config(
        folder / "n.yaml",
        data={"train": "numbers.h5"},
        model={"layers": [K], "activations": ["linear"]},
        training={"iterations": 300},
    )
    assert deepnet("train", config, "--run-dir", "n").code == 0
    assert deepnet("predict", "n", "numbers.h5", "-o", "out.h5").code == 0
    (predictions,) = read(folder / "out.h5", "predictions")
    assert predictions.shape == ((80,) if K == 1 else (80, K))
    np.testing.assert_allclose(predictions.reshape(80, K), y, atol=1e-3)
    told = json.loads(deepnet("evaluate", "n", "numbers.h5", "--json").out)
    assert told["r2"] == pytest.approx(sk.r2_score(y, predictions.reshape(80, K)), rel=1e-6)
    head = deepnet("predict", "n", "numbers.h5").out.splitlines()[0]
    assert head == ("prediction" if K == 1 else "prediction_1,prediction_2")


def test_multilabel(folder: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(80, 3))
    with h5py.File("multi.h5", "w") as file:
        file["x"], file["y"] = x, (x[:, :2] > 0).astype(np.uint8)
    config = write_config(
        folder / "m.yaml",
        data={"train": "multi.h5"},
        model={"layers": [2], "activations": ["sigmoid"]},
        training={"iterations": 300, "learning_rate": 1.0},
    )
    assert deepnet("train", config, "--run-dir", "m").code == 0
    assert deepnet("predict", "m", "multi.h5", "-o", "out.h5").code == 0
    predictions, probabilities = read(folder / "out.h5", "predictions", "probabilities")
    np.testing.assert_array_equal(predictions, probabilities > 0.5)
    assert np.mean(predictions == (x[:, :2] > 0)) > 0.95


def test_the_test_part_is_what_is_looked_at(folder: Path) -> None:
    x, y = read(folder / "blobs.h5", "x", "y")
    with h5py.File("both.h5", "w") as file:
        file["x_train"], file["y_train"], file["x_test"], file["y_test"] = x, y, x[:5], y[:5]
    result = deepnet("predict", "a", "both.h5")
    assert len(result.out.splitlines()) == 6
    assert "'x_test'" in result.err
    assert len(deepnet("predict", "a", "both.h5", "--x", "x_train").out.splitlines()) == 91


def refused(result: Result, code: int, *words: str) -> None:
    assert result.code == code
    assert result.out == ""
    for word in words:
        assert word in result.err


def test_what_does_not_fit_is_told_by_name(folder: Path) -> None:
    with h5py.File("wide.h5", "w") as file:
        file["x"] = np.zeros((5, 7))
    refused(deepnet("predict", "a", "wide.h5"), 3, "wide.h5: 'x'", "7 features", "takes 4")
    refused(deepnet("predict", "a", "more.h5", "--x", "X2"), 3, "no dataset 'X2'", "found:")
    refused(deepnet("evaluate", "a", "wide.h5"), 3, "cannot tell which dataset is y")
    refused(deepnet("predict", "a", "mor.h5"), 3, "no such file; did you mean 'more.h5'?")
    refused(deepnet("predict", "blobs.h5", "more.h5"), 3, "not a deepnet model")
    refused(deepnet("predict", ".", "more.h5"), 3, "without a model.h5")
    refused(deepnet("predict", "a", "more.h5", "-o", "out.txt"), 2, ".h5 or .csv")
    with h5py.File("labels.h5", "w") as file:
        file["x"], file["y"] = np.zeros((3, 4)), np.array([0, 2, 7])
    refused(deepnet("evaluate", "a", "labels.h5"), 3, "label 7 at row 2")


def test_predictions_never_replace_what_they_are_made_of(folder: Path) -> None:
    shutil.copy("a/model.h5", "lone.h5")
    for model, output in (("a", "a/model.h5"), ("lone.h5", "lone.h5"), ("a", "more.h5")):
        before = Path(output).read_bytes()
        refused(deepnet("predict", model, "more.h5", "-o", output), 2, "is what is read")
        assert Path(output).read_bytes() == before


def test_a_file_that_is_there_is_replaced_only_if_asked(folder: Path) -> None:
    for name in ("out.h5", "out.csv"):
        Path(name).write_bytes(b"old")
        refused(deepnet("predict", "a", "more.h5", "-o", name), 2, f"{name}: is there", "--force")
        assert Path(name).read_bytes() == b"old"
        assert deepnet("predict", "a", "more.h5", "-o", name, "--force").code == 0
        assert Path(name).read_bytes() != b"old"


def test_options_that_do_not_apply_are_refused(folder: Path) -> None:
    refused(deepnet("train", "--resume", "a", "--dry-run"), 2, "--dry-run")
    refused(deepnet("train", "--resume", "a", "--run-dir", "b"), 2, "--run-dir")
    refused(deepnet("train", "c.yaml", "--resume", "a"), 2, "one of them")


def test_the_part_that_a_name_speaks_of(folder: Path) -> None:
    """--x or --y alone names the part of both."""
    x, y = read(folder / "blobs.h5", "x", "y")
    with h5py.File("both.h5", "w") as file:
        file["x_train"], file["y_train"] = x, y
        file["x_test"], file["y_test"] = x[::-1], y[::-1]
    whole = json.loads(deepnet("evaluate", "a", "blobs.h5", "--json").out)
    for option in (["--x", "x_train"], ["--y", "y_train"], []):
        result = deepnet("evaluate", "a", "both.h5", "--json", *option)
        told = json.loads(result.out)
        assert told["cost"] == pytest.approx(whole["cost"], rel=1e-6)
        assert told["confusion_matrix"] == whole["confusion_matrix"]


def test_json_holds_no_nan(folder: Path) -> None:
    """AUC of one class is no number; outputs of huge examples are none either."""
    x, y = read(write_blobs(folder / "two.h5", K=2), "x", "y")
    config = write_config(folder / "b.yaml", data={"train": "two.h5"}, model=BINARY)
    assert deepnet("train", config, "--run-dir", "b").code == 0
    with h5py.File("one.h5", "w") as file:
        file["x"], file["y"] = x[y == 0], y[y == 0]
    told = strict_json(deepnet("evaluate", "b", "one.h5", "--json").out)
    assert told["auc"] is None
    strict_json(deepnet("predict", "b", "one.h5", "--json").out)


def strict_json(text: str) -> dict[str, object]:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    told: dict[str, object] = json.loads(text, parse_constant=refuse)
    return told
