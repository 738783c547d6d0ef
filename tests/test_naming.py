"""Names of classes, features and targets: where they stand, which win, and where they show."""

import csv
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, assert_says, config, deepnet
from samples import write_config

from deepnet_cli.data.reading.tables import Location, Table, read_table

X = np.arange(24.0).reshape(6, 4) / 8
Y = np.array([0, 1, 2, 2, 1, 0])
NAMES = ("cat", "dog", "eel")
COLUMNS = ("age", "size", "äge", "c")


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table(
    datasets: dict[str, Any],
    attributes: dict[str, dict[str, Any]] | None = None,
    classes: str | None = None,
) -> Table:
    """What is read of a file with these datasets, and these attributes of some."""
    with h5py.File("data.h5", "w") as file:
        for name, values in datasets.items():
            file[name] = values
        for name, pairs in (attributes or {}).items():
            file[name].attrs.update(pairs)
    return read_table(Location(Path("data.h5"), classes=classes), "train", last=False)


@pytest.mark.parametrize("attribute", ["class_names", "classes"])
@pytest.mark.parametrize("dtype", ["S", "O"])
def test_an_attribute_of_y_names_the_classes(attribute: str, dtype: str) -> None:
    names = np.array(NAMES, dtype)
    assert table({"x": X, "y": Y}, {"y": {attribute: names}}).class_names == NAMES


def test_the_config_wins_over_the_attribute_and_that_over_a_dataset() -> None:
    datasets = {"lab/x": X, "lab/y": Y, "kinds": [b"k", b"l", b"m"]}
    datasets |= {"class_names": [b"d", b"e", b"f"], "lab/class_names": [b"g", b"h", b"i"]}
    attributes = {"lab/y": {"class_names": NAMES}}
    assert table(datasets, attributes, classes="kinds").class_names == ("k", "l", "m")
    assert table(datasets, attributes).class_names == NAMES
    assert table(datasets).class_names == ("g", "h", "i")
    del datasets["lab/class_names"]
    assert table(datasets).class_names == ("d", "e", "f")


def test_features_are_named_by_an_attribute_or_a_dataset() -> None:
    encoded = [name.encode() for name in COLUMNS]
    attributes = {"x": {"feature_names": encoded}}
    assert table({"x": X, "y": Y}, attributes).feature_names == COLUMNS
    assert table({"x": X, "y": Y, "feature_names": encoded}).feature_names == COLUMNS
    datasets = {"lab/x": X, "lab/y": Y, "feature_names": encoded}
    assert table(datasets).feature_names == COLUMNS
    assert table({"x": X, "y": Y}).feature_names == ()


def test_another_number_of_feature_names_is_told_and_not_used() -> None:
    found = table({"x": X, "y": Y}, {"x": {"feature_names": COLUMNS[:3]}})
    assert found.feature_names == ()
    assert found.column(2) == "column 2"
    assert "3 names for 4 features not used" in found.told


def test_targets_are_named() -> None:
    attributes = {"y": {"target_names": ["depth", "width"]}}
    assert table({"x": X, "y": X[:, :2]}, attributes).output_names(2) == ("depth", "width")
    assert table({"x": X, "y": X[:, :2]}).output_names(2) == ("1", "2")


def test_text_that_fills_up_a_fixed_length_is_no_part_of_a_name() -> None:
    names = np.array([f"{name:9}".encode() for name in ("cat", "düg", "eel")])
    assert table({"x": X, "y": Y, "class_names": names}).class_names == ("cat", "düg", "eel")


def test_what_is_asked_for_in_every_file_is_not_read_from_its_heap() -> None:
    """Where HDF5 crashes if that is damaged; MATLAB writes its class with a fixed length."""
    for kind, rows in ((np.bytes_("double"), X.T), ("double", X)):
        y = np.arange(len(rows))
        assert table({"x": X, "y": y}, {"x": {"MATLAB_class": kind}}).rows.shape == rows.shape


@pytest.mark.parametrize("value", [3, [1.5, 2.5], h5py.Empty("f8")])
def test_an_attribute_that_is_no_text_names_nothing(value: object) -> None:
    """Others keep how many classes there are in `classes`."""
    assert table({"x": X, "y": Y}, {"y": {"classes": value}}).class_names == ()


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("kind", ["no dataset 'kind'", "did you mean 'kinds'"]),
        ("matrix", ["'matrix' has shape (3, 2); expected one name each"]),
        ("x/in", ["no dataset 'x/in'"]),
    ],
)
def test_names_that_are_none_are_refused(classes: str, words: list[str]) -> None:
    table({"x": X, "y": Y, "kinds": np.array(NAMES, "S"), "matrix": np.zeros((3, 2))})
    train = f"train: {{file: data.h5, classes: {classes}}}"
    Path("c.yaml").write_text(config(train))
    assert_refused(deepnet("train", "c.yaml"), 3, ["c.yaml:2:", "data.train", *words])


@pytest.mark.parametrize("flags", [False, True])
@pytest.mark.parametrize("names", [("depth", "width, wet"), ()])
def test_predictions_are_headed_by_the_names_of_the_columns_of_y(
    flags: bool, names: tuple[str, ...]
) -> None:
    """Of those of training, whatever the new file has."""
    y = np.array([[0, 1], [1, 1], [0, 0]] * 2) if flags else X[:, :2]
    table({"x": X, "y": y}, {"y": {"target_names": names}} if names else {})
    activations, loss = ("sigmoid", "auto") if flags else ("linear", "mean_squared_error")
    model = {"layers": [2], "activations": [activations]}
    write_config(Path("c.yaml"), data={"train": "data.h5"}, model=model, loss=loss)
    assert deepnet("train", "c.yaml", "-q", "--run-dir", "run").code == 0
    with h5py.File("new.h5", "w") as file:
        file["x"] = X
    head = next(csv.reader(deepnet("predict", "run", "new.h5").out.splitlines()))
    words = ("prediction", "probability") if flags else ("prediction",)
    assert head == [f"{word}_{name}" for word in words for name in names or (1, 2)]


def test_an_enumeration_of_any_numbers_comes_back_as_they_are() -> None:
    """In the file of predictions as y has it, in the table by name."""
    kind = h5py.enum_dtype({"eel": 8, "cat": 2, "dog": 5}, "i4")
    with h5py.File("data.h5", "w") as file:
        file["x"] = X
        file.create_dataset("y", data=3 * Y + 2, dtype=kind)
    Path("c.yaml").write_text(config("train: data.h5"))
    assert deepnet("train", "c.yaml", "-q", "--run-dir", "run").code == 0
    assert deepnet("predict", "run", "data.h5", "-o", "p.h5").code == 0
    result = deepnet("predict", "run", "data.h5", "-o", "p.csv")
    assert_says(result.err, ["read data.h5: x 'x' (6, 4) float64\n"])
    with h5py.File("p.h5") as file, Path("p.csv").open() as lines:
        values = file["predictions"][()].tolist()
        named = [line["prediction"] for line in csv.DictReader(lines)]
    assert set(values) <= {2, 5, 8}
    assert named == [NAMES[(value - 2) // 3] for value in values]


def test_predict_names_the_column_and_asks_for_x_by_its_option() -> None:
    table({"x": X, "y": Y})
    Path("c.yaml").write_text(config("train: data.h5"))
    assert deepnet("train", "c.yaml", "-q", "--run-dir", "run").code == 0
    with h5py.File("new.h5", "w") as file:
        file["a"], file["odd name"] = np.full((2, 4), np.nan), X
        file["a"].attrs["feature_names"] = COLUMNS
    unclear = deepnet("predict", "run", "new.h5")
    assert_refused(unclear, 3, ["odd name  (6, 4)  float64  could be x", "\n  name it: --x a\n"])
    bad = deepnet("predict", "run", "new.h5", "--x", "a")
    assert_refused(bad, 3, ["NaN at row 0, column 0 ('age')"])


def test_a_command_is_not_made_of_a_name_that_could_harm() -> None:
    pandas_frame = "a'); import os; os.system('ls"
    with h5py.File("data.h5", "w") as file:
        file.create_group(pandas_frame).attrs["pandas_type"] = np.bytes_("frame")
    Path("c.yaml").write_text(config("train: data.h5"))
    result = deepnet("train", "c.yaml")
    assert_refused(result, 3, ["pandas.read_hdf('data.h5', 'NAME')"])


@pytest.mark.parametrize("form", ["fixed", "table"])
def test_what_pandas_writes_is_known(form: Any) -> None:
    """The command that is shown for it reads it."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    frame = pandas.DataFrame({"a": X[:, 0], "kind": Y, "name": [*"uvwuvw"]})
    frame.to_hdf("data.h5", key="deep/df", format=form)
    Path("c.yaml").write_text(config("train: data.h5"))
    result = deepnet("train", "c.yaml")
    assert_refused(result, 3, ["deep/df", "a pandas DataFrame", "!block0", "!_i_table"])
    command = result.err.partition('python -c "')[2].partition('"')[0]
    exec(command, {})
    pandas.testing.assert_frame_equal(pandas.read_csv("data.csv"), frame, check_dtype=False)
