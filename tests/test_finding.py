"""Which dataset is x and which is y, and how their values become rows."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from deepnet_cli.data.files.hdf5 import open_hdf5
from deepnet_cli.data.reading.finding import find_x, find_y, part_to_predict
from deepnet_cli.data.reading.tables import Location, Table, read_table
from deepnet_cli.data.reading.unclear import MOST_LISTED
from deepnet_cli.data.reading.words import PART_WORDS, PATTERNS, X_WORDS, Y_WORDS
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

X, Y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 1, 0])
TEXT = h5py.string_dtype()

NAMES_OF_PARTS = [
    (pattern, part, word)
    for pattern, (part, words) in product(PATTERNS, PART_WORDS.items())
    for word in words
]
each_name = pytest.mark.parametrize(("pattern", "part", "word"), NAMES_OF_PARTS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "f.h5"


def write(file: Path, **datasets: Any) -> None:
    """An HDF5 file; `a__b` stands for the name a/b."""
    with h5py.File(file, "w") as f:
        for name, values in datasets.items():
            f[name.replace("__", "/")] = values


def write_names(file: Path, datasets: dict[str, Any]) -> None:
    with h5py.File(file, "w") as f:
        for name, values in datasets.items():
            f[name] = values


def found(file: Path, part: str = "train") -> tuple[str, str]:
    with open_hdf5(file) as source:
        x = find_x(source, part)
        return x, find_y(source, part, x, len(source.read(x)))


def read(file: Path, part: str = "train", *, last: bool = False, labelled: bool = True) -> Table:
    return read_table(Location(file), part, last=last, labelled=labelled).loaded()


def y_of(table: Table) -> list[Any]:
    assert table.y is not None
    values: list[Any] = table.y.tolist()
    return values


@each_name
def test_a_part_is_found_by_its_name(file: Path, pattern: str, part: str, word: str) -> None:
    """Beside plain names, which mean it less surely, and the names of another part."""
    x, y = (pattern.format(word=letter, part=word) for letter in "xy")
    other = "test" if part == "train" else "train"
    datasets = {x: X, y: Y, f"{other}_x": X, f"{other}_y": Y}
    if not x.startswith("x/"):  # x cannot be a group and a dataset
        datasets |= {"x": X, "y": Y}
    write_names(file, datasets)
    assert found(file, part) == (x, y)


@pytest.mark.parametrize(
    ("x", "y", "part"),
    [
        ("x_train", "y_train", "train"),
        ("train_images", "train_labels", "train"),
        ("train_set_x", "train_set_y", "train"),
        ("training/features", "training/targets", "train"),
        ("inputs/train", "outputs/train", "train"),
        ("x_val", "y_val", "validation"),
        ("valid_x", "valid_y", "validation"),
        ("dev/x", "dev/y", "validation"),
        ("validation_data", "validation_target", "validation"),
        ("test/input", "test/output", "test"),
        ("testing_x", "testing_classes", "test"),
    ],
)
def test_names_people_use(file: Path, x: str, y: str, part: str) -> None:
    write_names(file, {x: X, y: Y, "other": X, "another": Y})
    assert found(file, part) == (x, y)


def test_y_is_not_x_once_more(file: Path) -> None:
    """Somebody trains the way back: from what is called y."""
    write(file, y=X, target=Y, x=X)
    with open_hdf5(file) as source:
        assert find_y(source, "train", "y", 4) == "target"


@pytest.mark.parametrize("word", X_WORDS)
@pytest.mark.parametrize("name", ["{}", "{}_train", "train_set_{}", "train/{}"])
def test_every_word_for_x(file: Path, word: str, name: str) -> None:
    write_names(file, {name.format(word): X, "something": X, "y": Y})
    assert found(file) == (name.format(word), "y")


@pytest.mark.parametrize("word", Y_WORDS)
@pytest.mark.parametrize("name", ["{}", "{}_train", "train_set_{}", "train/{}"])
def test_every_word_for_y(file: Path, word: str, name: str) -> None:
    write_names(file, {name.format(word): Y, "something": Y, "x": X})
    assert found(file) == ("x", name.format(word))


@pytest.mark.parametrize("names", [("X", "Y"), ("X_Train", "Y_TRAIN"), ("Train/Images", "train/y")])
def test_case_does_not_matter(file: Path, names: tuple[str, str]) -> None:
    write_names(file, {names[0]: X, names[1]: Y, "table": X})
    assert found(file) == names


def test_a_plain_name_is_not_taken_from_another_part(file: Path) -> None:
    """Whatever stands nearer to the root."""
    write(file, test__x=X, test__y=Y, lab__run__x=X, lab__run__y=Y)
    assert found(file) == ("lab/run/x", "lab/run/y")
    assert found(file, "test") == ("test/x", "test/y")
    write(file, test__x=X, test__y=Y)
    assert found(file) == ("test/x", "test/y")  # there is nothing else


@pytest.mark.parametrize("x", ["a/b/x", "x", "a/x"])
def test_y_is_the_one_nearest_to_x(file: Path, x: str) -> None:
    write_names(file, {x: X, "y": Y, "a/y": Y, "a/b/y": Y, "c/y": Y})
    assert found(file) == (x, f"{x[:-1]}y")


def test_plain_names_serve_every_part(file: Path) -> None:
    write(file, x=X, y=Y, weights=Y)
    for part in PART_WORDS:
        assert found(file, part) == ("x", "y")


@pytest.mark.parametrize("y", [Y, Y / 3, np.array(list("abca"), object)])
def test_one_table_and_one_dataset_of_its_length_are_clear(file: Path, y: Array) -> None:
    write(file, spectra=X, substance=y)
    assert found(file) == ("spectra", "substance")


def test_one_table_deep_in_groups_is_clear(file: Path) -> None:
    write(file, a__b__c=X, a__b__d=Y)
    assert found(file) == ("a/b/c", "a/b/d")


def test_a_name_for_each_feature_does_not_count_as_y(file: Path) -> None:
    """Of `wavelengths` (3,) and `substance` (4,) only one has the length of `spectra` (4, 3)."""
    write(file, spectra=X, substance=Y, wavelengths=np.arange(3.0))
    assert found(file) == ("spectra", "substance")


@pytest.mark.parametrize(
    ("datasets", "letter"),
    [
        ({"a": X, "b": X, "y": Y}, "x"),
        ({"a": Y, "b": Y}, "x"),
        ({"a": np.full((4, 2), "text", object), "y": Y}, "x"),
        ({"x": X, "a": Y, "b": Y}, "y"),
        ({"x": X}, "y"),
        ({"x": X, "a": np.arange(7)}, "y"),
        ({"x_train": X, "y_train": Y, "a": X, "x_test": X}, "y"),
    ],
)
def test_what_is_not_clear_is_not_guessed(
    file: Path, datasets: dict[str, Array], letter: str
) -> None:
    write_names(file, datasets)
    with pytest.raises(DataError, match=rf"cannot tell which dataset is {letter} \(test\)") as told:
        found(file, "test")
    for name, values in datasets.items():
        assert re.search(rf"\n    {name} +{re.escape(str(values.shape))}  ", str(told.value))


def test_a_long_list_is_cut(file: Path) -> None:
    write_names(file, {f"table{i:02}": X for i in range(MOST_LISTED + 5)})
    with pytest.raises(DataError, match="and 5 more") as told:
        found(file)
    assert str(told.value).count("(4, 3)") == MOST_LISTED


def test_a_long_list_has_some_of_each_kind(file: Path) -> None:
    names = {f"table{i:02}": X for i in range(30)} | {f"text{i}": ["a"] for i in range(9)}
    write_names(file, names | {"weather": Y})
    with pytest.raises(DataError, match="and 20 more") as told:
        found(file)
    lines = str(told.value).splitlines()[1:21]
    kinds = [("table", "could be x"), ("weather", "could be y"), ("text", "text, no numbers")]
    counts = [sum(a in line and line.endswith(b) for line in lines) for a, b in kinds]
    assert counts == [13, 1, 6]


def test_an_empty_file_holds_nothing(file: Path) -> None:
    write(file)
    with pytest.raises(DataError, match="holds no dataset"):
        found(file)


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (["x_train", "x_test"], "test"),
        (["x_train", "x_val"], "train"),
        (["x_val"], "validation"),
        (["x"], "test"),
    ],
)
def test_what_predict_looks_at(file: Path, names: list[str], part: str) -> None:
    write_names(file, dict.fromkeys(names, X))
    with open_hdf5(file) as source:
        assert part_to_predict(source) == part
    assert (
        read(file, "any", labelled=False).x_at == f"{file}: '{names[-1 if part == 'test' else 0]}'"
    )


def test_the_layout_of_the_course(file: Path, rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, (5, 8, 8, 3), np.uint8)
    names = np.array([b"non-cat", b"cat"])
    write(file, train_set_x=pictures, train_set_y=[0, 1, 1, 0, 1], list_classes=names)
    table = read(file)
    np.testing.assert_array_equal(table.rows, [picture.flatten() for picture in pictures])
    assert table.rows.dtype == np.uint8
    assert y_of(table) == [0, 1, 1, 0, 1]
    assert table.class_names == ("non-cat", "cat")
    assert (table.x_at, table.y_at) == (f"{file}: 'train_set_x'", f"{file}: 'train_set_y'")


@pytest.mark.parametrize("shape", [(6, 5), (6, 4, 2), (6, 2, 3, 4), (6, 1), (1, 6)])
def test_examples_first_and_last_are_the_same_rows(
    file: Path, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    examples = rng.normal(size=shape)
    expected = np.array([example.ravel(order="C") for example in examples])
    write(file, x=examples, y=np.arange(shape[0]))
    first = read(file)
    write(file, x=np.stack(list(examples), axis=-1), y=np.arange(shape[0]))
    last = read(file, last=True)
    for table in (first, last):
        np.testing.assert_array_equal(table.rows, expected)
        assert np.asarray(table.rows).flags.c_contiguous
        assert table.m == shape[0]
        assert y_of(table) == list(range(shape[0]))


def test_y_turns_with_x(file: Path) -> None:
    hot = np.eye(3)[[0, 2, 2, 1]]
    write(file, x=X.T, y=hot.T)
    np.testing.assert_array_equal(y_of(read(file, last=True)), hot)
    write(file, x=X.T, y=Y.reshape(1, 4))
    assert y_of(read(file, last=True)) == Y.tolist()


NUMBERS = ["u1", "<u2", ">u2", "<u4", "u8", "i1", ">i2", "<i4", ">i8", "bool"]
NUMBERS += ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("options", [{}, {"chunks": (3, 2), "compression": "gzip"}])
def test_every_kind_of_number_is_read_right(
    file: Path, dtype: str, options: dict[str, Any]
) -> None:
    values = (np.arange(12).reshape(4, 3) * 10).astype(dtype)
    with h5py.File(file, "w") as f:
        f.create_dataset("x", data=values, **options)
        f["y"] = Y.astype(dtype)
    table = read(file)
    np.testing.assert_array_equal(np.asarray(table.rows, float), values.astype(float))
    assert table.rows.dtype.kind == np.dtype(dtype).kind
    assert y_of(table) == Y.astype(dtype).tolist()
    assert table.nbytes == values.nbytes


@pytest.mark.parametrize("dtype", [TEXT, "S", h5py.string_dtype("utf-8", 7)])
def test_text_labels_are_read_as_text(file: Path, dtype: Any) -> None:
    words = ["cat", "dog", "cat", "äpfel"] if dtype != "S" else ["cat", "dog", "cat", "eel"]
    write(file, x=X, y=np.array([word.encode() for word in words]).astype(dtype))
    assert y_of(read(file)) == words


@pytest.mark.parametrize("name", ["list_classes", "class_names"])
@pytest.mark.parametrize("dtype", [TEXT, "S"])
def test_class_names_are_read(file: Path, name: str, dtype: Any) -> None:
    write_names(file, {"x": X, "y": Y, name: np.array([b"non-cat", b"cat"]).astype(dtype)})
    assert read(file).class_names == ("non-cat", "cat")


def test_without_class_names_there_are_none(file: Path) -> None:
    write(file, x=X, y=Y)
    assert read(file).class_names == ()


def test_names_in_the_config_win(file: Path) -> None:
    write(file, x=X, y=Y, group__a=2 * X, b=1 - Y)
    table = read_table(Location(file, "group/a", "b"), "train", last=False).loaded()
    np.testing.assert_array_equal(table.rows, 2 * X)
    assert y_of(table) == [1, 0, 0, 1]


@pytest.mark.parametrize("part", ["train", "test", "any"])
@pytest.mark.parametrize("own", ["train", "test"])
def test_a_named_x_is_not_given_the_labels_of_another_part(file: Path, part: str, own: str) -> None:
    """The user names x alone: its own y is found, or asked for."""
    write(file, x_train=X, y_train=Y, x_test=2 * X, y_test=1 - Y)
    try:
        y_at = read_table(Location(file, x=f"x_{own}"), part, last=False).y_at
    except DataError as error:
        y_at = str(error)
    assert y_at.startswith((f"{file}: 'y_{own}'", f"{file}: cannot tell which dataset is y"))


def test_a_named_table_and_one_dataset_of_its_length_are_clear(file: Path) -> None:
    """Whichever axis counts the examples of y."""
    write(file, spectra=X.T, substance=Y.reshape(1, 4), other=np.zeros((2, 2)))
    with open_hdf5(file) as source:
        assert find_y(source, "train", "spectra", 4) == "substance"


def test_predicting_needs_no_y(file: Path) -> None:
    write(file, x=X)
    table = read(file, "any", labelled=False)
    assert table.y is None
    np.testing.assert_array_equal(table.rows, X)


def test_rows_are_taken_with_their_labels(file: Path) -> None:
    write(file, x=X, y=Y, class_names=["a", "b"])
    table = read(file).take(np.array([3, 1]))
    np.testing.assert_array_equal(table.rows, X[[3, 1]])
    assert y_of(table) == [0, 1]
    assert table.class_names == ("a", "b")


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (np.arange(4.0), Y, "'x' has shape .4,.; x needs at least 2 dimensions"),
        (np.zeros((0, 3)), np.zeros(0), "'x' has no examples"),
        (np.zeros((4, 0)), Y, "'x' has no features"),
        (np.full((4, 3), "a", object), Y, "'x' holds text; deepnet needs numbers"),
        (X, np.arange(5), r"'y' has 5 examples \(shape \(5,\)\) but x has 4"),
    ],
)
def test_tables_that_are_none_are_refused(file: Path, x: Array, y: Array, reason: str) -> None:
    write(file, x=x, y=y)
    with pytest.raises(DataError, match=reason):
        read(file)


def test_a_misspelt_name_is_told_the_nearest(file: Path) -> None:
    write(file, train_set_x=X, train_set_y=Y)
    with pytest.raises(DataError, match="no dataset 'train_x'; did you mean 'train_set_x'"):
        read_table(Location(file, "train_x"), "train", last=False)
