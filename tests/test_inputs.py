"""Missing values and categories, held against scikit-learn, and by hand from a model's file."""

import re
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from cli import assert_refused, assert_says, deepnet
from samples import same_files, write_config
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from deepnet_cli.config.data_schema import DataSection
from deepnet_cli.data.encoding import inputs as encoding_of_x
from deepnet_cli.data.encoding.imputation import IMPUTATIONS, Constant, Mean, Median
from deepnet_cli.data.encoding.inputs import Recipe
from deepnet_cli.data.encoding.inputs_file import read_inputs, write_inputs
from deepnet_cli.data.encoding.scaling import SCALINGS, Log1p, Rule, Standardize, Unscaled
from deepnet_cli.data.files.hdf5 import hdf5_bytes, open_hdf5_bytes
from deepnet_cli.data.reading import rows as blocks_of
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
NUMBERS, HOT = [0, 2, 3], [1, 4]
STRATEGIES = {"mean": "mean", "median": "median", "constant": "constant"}


def table(rows: Array, names: tuple[str, ...] = ()) -> Table:
    return Table(rows, np.arange(len(rows)), "f.h5: 'x'", "f.h5: 'y'", feature_names=names)


def mixed(m: int, rng: np.random.Generator, *, holes: bool = True) -> Array:
    """Numbers in columns 0, 2 and 3, the first and the last of them with holes; categories in 1
    and 4.
    """
    x = rng.gamma(2, [30, 1, 5, 1000, 1], (m, 5))
    x[:, 1], x[:, 4] = rng.integers(-2, 3, m), rng.choice([7, 100, 12345], m)
    if holes:
        x[rng.random(m) < 0.3, 0] = x[rng.random(m) < 0.1, 3] = np.nan
    return x


def features(recipe: Recipe, train: Array, x: Array, dtype: np.dtype[np.generic] = F64) -> Array:
    return recipe.fit(table(train))[0].rows(table(x), dtype)


def test_the_oracle_knows_every_imputation() -> None:
    assert STRATEGIES.keys() == IMPUTATIONS.keys()


@pytest.mark.parametrize("name", IMPUTATIONS)
@pytest.mark.parametrize("indicators", [True, False])
def test_missing_values_become_what_scikit_learn_makes_of_them(
    name: str, indicators: bool, rng: np.random.Generator
) -> None:
    """Then all is scaled; where a feature missed nothing in training, it has no indicator."""
    train, x = mixed(80, rng)[:, NUMBERS], mixed(30, rng)[:, NUMBERS]
    x[3] = np.nan
    oracle = SimpleImputer(strategy=STRATEGIES[name], add_indicator=indicators, fill_value=0.0)
    oracle.fit(train)
    expected = oracle.transform(x)
    expected[:, :3] = StandardScaler().fit(train).transform(expected[:, :3])
    impute = IMPUTATIONS[name](indicators=indicators)
    found = features(Recipe(Standardize(), impute), train, x)
    assert found.shape == (30, 5 if indicators else 3)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    if name == "mean":
        assert not found[3, :3].any()


@pytest.mark.parametrize("value", [0.0, -5.5])
def test_a_constant_is_scaled_as_any_value(value: float, rng: np.random.Generator) -> None:
    train = mixed(50, rng)[:, NUMBERS]
    filled = np.where(np.isnan(train), value, train)
    np.testing.assert_array_equal(features(Recipe(impute=Constant(value)), train, train), filled)
    expected = StandardScaler().fit(train).transform(filled)
    found = features(Recipe(Standardize(), Constant(value)), train, train)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["f8", ">f4", "i4", "u2"])
def test_categories_are_scikit_learns(dtype: str, rng: np.random.Generator) -> None:
    """In the order of the columns, each column's in ascending order, behind the numbers."""
    low = 2 if dtype == "u2" else 0
    train, x = (mixed(60, rng, holes=False) for _ in range(2))
    train[:, 1], x[:, 1] = train[:, 1] + low, x[:, 1] + low
    train, x = train.astype(dtype), x.astype(dtype)
    oracle = OneHotEncoder(sparse_output=False).fit(train[:, HOT])
    found = features(Recipe(Standardize(), one_hot=(4, 1)), train, x)
    scaled = StandardScaler().fit(train[:, NUMBERS].astype(float)).transform(x[:, NUMBERS])
    expected = np.hstack([scaled, oracle.transform(x[:, HOT])])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_all_of_it_is_side_by_side(rng: np.random.Generator) -> None:
    """Numbers, categories, indicators; of a column of categories a missing value has one too."""
    train, x = mixed(60, rng), mixed(30, rng)
    train[4, 4] = np.nan
    fill = SimpleImputer().fit(train[:, NUMBERS])
    scaled = StandardScaler().fit(train[:, NUMBERS]).transform(fill.transform(x[:, NUMBERS]))
    hot = OneHotEncoder(sparse_output=False).fit(np.delete(train, 4, axis=0)[:, HOT])
    expected = [scaled, hot.transform(x[:, HOT]), np.isnan(x[:, [0, 3, 4]])]
    recipe = Recipe(Standardize(), Mean(indicators=True), one_hot=(1, 4), unknown="zeros")
    np.testing.assert_allclose(features(recipe, train, x), np.hstack(expected), 1e-12, 1e-12)


def test_an_unknown_category_is_refused_or_none(rng: np.random.Generator) -> None:
    train, x = mixed(60, rng, holes=False), mixed(20, rng, holes=False)
    x[5, 4], x[9, 1], x[11, 4] = 8, 3, np.nan
    with pytest.raises(DataError) as refused:
        features(Recipe(one_hot=(1, 4)), train, x)
    assert_says(
        str(refused.value),
        ["8 at row 5, column 4 is none of the categories (7, 100, 12345)", "unknown: zeros"],
    )
    found = features(Recipe(one_hot=(1, 4), unknown="zeros"), train, x)
    oracle = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(train[:, HOT])
    np.testing.assert_array_equal(found[:, 3:], oracle.transform(x[:, HOT]))
    assert not found[[5, 11], -3:].any()
    x[5, 4], x[9, 1], x[2, 0] = 7, 2, np.nan
    with pytest.raises(DataError, match=r"NaN at row 11, column 4 \(1 such .*unknown: zeros"):
        features(Recipe(impute=Mean(), one_hot=(1, 4)), train, x)


def test_every_column_may_name_categories(rng: np.random.Generator) -> None:
    x = rng.integers(0, 3, (40, 2)).astype(np.int8)
    found = features(Recipe(Standardize(), one_hot=(0, 1)), x, x)
    np.testing.assert_array_equal(found, OneHotEncoder(sparse_output=False).fit_transform(x))


@pytest.mark.parametrize("scale", [Standardize(), Log1p("standardize")], ids=["plain", "log1p"])
@pytest.mark.parametrize("dtype", ["f8", "f4", ">f2", "i8", ">i2"])
def test_some_values_mean_missing(dtype: str, scale: Rule, rng: np.random.Generator) -> None:
    """As they stand in the file, in its type: 0.1 is a float32 of its own."""
    codes = (-99.0, 0.1) if np.dtype(dtype).kind == "f" else (-99.0, 7.0)
    x = rng.integers(10, 90, (50, 3)).astype(dtype)
    told = x.astype(np.float64)
    for row, code in product(range(5), codes):
        x[3 * row + (code > 0), row % 2] = code
        told[3 * row + (code > 0), row % 2] = np.nan
    recipe = Recipe(scale, Median(indicators=True), one_hot=(2,))
    expected = features(recipe, told, told)
    found = features(replace(recipe, missing=codes), x, x)
    np.testing.assert_array_equal(found, expected)
    assert found.shape[1] == 2 + len(np.unique(x[:, 2])) + 2
    np.testing.assert_array_equal(np.isnan(told[:, :2]), found[:, -2:])


RECIPES = {
    f"{name}-{scale}": Recipe(SCALINGS[scale](), impute, (7.0,), one_hot, "zeros")
    for name, impute, one_hot in (
        ("plain", Mean(), ()),
        ("median", Median(indicators=True), (1, 4)),
        ("constant", Constant(value=2.5, indicators=True), (4,)),
    )
    for scale in ("auto", "standardize", "robust", "log1p")
}
each = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


def lawful(m: int, rng: np.random.Generator) -> Array:
    x = mixed(m, rng)
    x[:, 1] += 2  # log1p takes what is above -1
    return x


@each
def test_it_is_a_function_of_each_row(
    recipe: Recipe, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, however many are encoded together; what it is fitted to is not."""
    x = lawful(61, rng)
    before = x.copy()
    fitted, _ = recipe.fit(table(x))
    whole = fitted.apply(x, F32)
    np.testing.assert_array_equal(
        np.concatenate([fitted.apply(row, F32) for row in x[:, None]]), whole
    )
    np.testing.assert_array_equal(fitted.rows(table(x), F32, slice(7, 30)), whole[7:30])
    np.testing.assert_array_equal(whole, fitted.apply(x, F64).astype(F32))
    for size in (1, 100):
        monkeypatch.setattr(encoding_of_x, "VALUES", size)
        monkeypatch.setattr(blocks_of, "BYTES", 10 * size)
        np.testing.assert_array_equal(fitted.apply(x, F32), whole)
        assert recipe.fit(table(x))[0].same(fitted)
    np.testing.assert_array_equal(x, before)


@each
def test_the_training_part_alone_decides(recipe: Recipe, rng: np.random.Generator) -> None:
    """What is missing or known elsewhere has no part in it."""
    train, other = lawful(50, rng), lawful(20, rng) + 1
    other[:, 2] = np.nan
    fitted, _ = recipe.fit(table(train))
    assert fitted.rows(table(other), F64).shape[1] == fitted.features
    joined = fitted.rows(table(np.concatenate([train, other])), F64)
    np.testing.assert_array_equal(joined[:50], fitted.rows(table(train), F64))
    np.testing.assert_array_equal(joined[50:], fitted.rows(table(other), F64))
    assert not recipe.fit(table(np.concatenate([train, other])))[0].same(fitted)


@each
def test_the_file_of_a_model_keeps_them(recipe: Recipe, rng: np.random.Generator) -> None:
    x, names = lawful(40, rng), ("a", "b", "c", "d", "é")
    fitted, _ = recipe.fit(replace(table(x, names), example=(5, 1)))
    with open_hdf5_bytes(hdf5_bytes(partial(write_inputs, inputs=fitted)), "model") as source:
        found = read_inputs(source)
    assert found.same(fitted)
    assert (found.names, found.example) == (names, (5, 1))
    assert (found.scaling.name, found.missing) == (fitted.scaling.name, fitted.missing)
    np.testing.assert_array_equal(found.rows(table(x, names), F32), fitted.rows(table(x), F32))


def test_what_differs_is_not_the_same(rng: np.random.Generator) -> None:
    x = lawful(40, rng)
    one = Recipe(Standardize(), Mean(indicators=True), (7.0,), (4,))
    fitted, _ = one.fit(table(x))
    assert fitted.same(fitted)
    for other in (
        replace(one, impute=Mean()),
        replace(one, impute=Median(indicators=True)),
        replace(one, missing=()),
        replace(one, one_hot=(1,)),
        replace(one, one_hot=()),
        replace(one, scale=Log1p()),
    ):
        assert not other.fit(table(x))[0].same(fitted), other
    holed, plain = table(x[:, NUMBERS]), Recipe()
    for recipe in (Recipe(impute=Mean()), Recipe(Log1p())):
        assert not recipe.fit(holed)[0].same(plain.fit(holed)[0])


REFUSED: dict[str, tuple[Recipe, object, str]] = {
    "no_value": (
        Recipe(impute=Mean()),
        [[np.nan, 1], [np.nan, 2]],
        r"column 0 \('a'\) has no value",
    ),
    "no_median": (Recipe(impute=Median()), [[1, np.nan], [1, np.nan]], "constant: 0"),
    "no_category": (Recipe(one_hot=(1,)), [[1, np.nan], [1, np.nan]], "column 1 .* has no value"),
    "fraction": (Recipe(one_hot=(1,)), [[1, 2], [1, 2.5]], r"column 1 \('b'\) holds 2.5; .*whole"),
    "infinite": (Recipe(one_hot=(1,)), [[1, 2], [1, np.inf]], "holds inf"),
    "too_many": (Recipe(one_hot=(0,)), np.arange(2002).reshape(1001, 2), "more than 1000 values"),
    "nan": (Recipe(), [[1, 2], [1, np.nan]], r"NaN at row 1, column 1 \('b'\) .*data.impute: mean"),
    "code": (
        Recipe(missing=(7.0,)),
        [[1, 7], [7, 8]],
        r"7, which means missing, at row 0, column 1 \('b'\) \(2 such .*data.impute: mean",
    ),
    "inf": (Recipe(impute=Mean()), [[1, np.inf], [np.nan, 2]], r"infinity at row 0, .*\(1 such"),
    "log1p": (Recipe(Log1p(), Constant(value=-1)), [[1, 2], [np.nan, 3]], "NaN at row 1, column 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_encoded_is_refused_with_its_place(name: str) -> None:
    recipe, rows, told = REFUSED[name]
    x = table(np.array(rows, np.float64), ("a", "b"))
    with pytest.raises(DataError, match=f"^f.h5: 'x': .*{told}"):
        recipe.fit(x)[0].rows(x, F32)


def test_the_place_is_that_in_the_file() -> None:
    x = np.ones((9, 2))
    fitted, _ = Recipe().fit(table(x))
    x[6, 1] = np.nan
    with pytest.raises(DataError, match="NaN at row 6, column 1"):
        fitted.rows(table(x), F32, slice(5, 8))
    with pytest.raises(DataError, match="NaN at row 6, column 1"):
        fitted.rows(table(x).take(np.array([2, 6, 7])), F32)


def test_what_a_pass_has_seen_is_refused_at_once() -> None:
    """Before anything is trained, where the rows stay in their file; what may be is not."""
    x = np.arange(12.0).reshape(6, 2)
    x[4, 1] = np.nan
    for recipe in (Recipe(Standardize(), one_hot=(1,)), Recipe(Standardize())):
        with pytest.raises(DataError, match="NaN at row 4, column 1"):
            recipe.fit(table(x))
    taken = Recipe(Standardize(), one_hot=(1,), unknown="zeros")
    assert taken.fit(table(x))[0].features == 6
    Recipe(Standardize(), Mean()).fit(table(x))
    x[5, 0] = np.inf
    for recipe in (taken, Recipe(Standardize(), Mean())):
        with pytest.raises(DataError, match="infinity at row 5, column 0"):
            recipe.fit(table(x))


def test_columns_of_another_order_are_refused(rng: np.random.Generator) -> None:
    x = rng.normal(size=(5, 3))
    fitted, _ = Recipe().fit(table(x, ("a", "b", "c")))
    np.testing.assert_array_equal(fitted.rows(table(x), F64), x)
    for names, told in ((("a", "c", "b"), "in another order"), (("a", "B", "c"), "otherwise")):
        with pytest.raises(DataError) as refused:
            fitted.rows(table(x, names), F64)
        assert_says(str(refused.value), [f"column 1 ('{names[1]}') is 'b'", told, "--like"])


def columns(
    words: dict[int, tuple[str, ...]] | None = None, example: tuple[int, ...] = ()
) -> Table:
    """12 columns whose values stand for words."""
    x = np.arange(36.0).reshape(3, 12) % 2
    return replace(table(x), categories=words or {}, example=example)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({}, ""),
        ({1: ("a", "b", "c"), 2: ("x", "y")}, ""),
        ({1: ("a", "b")}, ""),
        ({1: ("b", "c")}, "column 1 stand for 'b', 'c', in the training data for 'a', 'b', 'c'"),
        ({1: ("a", "b", "c", "d")}, "column 1 stand for 'a', 'b', 'c', 'd', in the training"),
        ({1: ("a", "b", "c"), 4: ("é", "e")}, "column 4 stand for 'é', 'e', in the"),
    ],
)
def test_numbers_that_stand_for_other_names_are_refused(
    words: dict[int, tuple[str, ...]], told: str, kept: bool
) -> None:
    fitted, _ = Recipe().fit(columns({1: ("a", "b", "c"), 4: ("e", "é")}))
    if kept:
        with open_hdf5_bytes(hdf5_bytes(partial(write_inputs, inputs=fitted)), "model") as source:
            fitted = read_inputs(source)
    if not told:
        fitted.rows(columns(words), F64)
        return
    with pytest.raises(DataError, match=f"^f.h5: 'x': the values of {told}.* --like TRAIN.h5"):
        fitted.rows(columns(words), F64)


@pytest.mark.parametrize("name", IMPUTATIONS)
@pytest.mark.parametrize("scale", [Unscaled(), Standardize(), Log1p()])
def test_whatever_fills_holes_constant_features_are_told(
    name: str, scale: Rule, rng: np.random.Generator
) -> None:
    x = mixed(30, rng)
    x[:, 2] = 3
    _, doubts = Recipe(scale, IMPUTATIONS[name]()).fit(table(np.abs(x)))
    assert doubts == ["f.h5: 'x': 1 features are constant; they teach nothing"]


SHAPES = [(12,), (2, 6), (6, 2), (3, 4), (1, 6, 2), (2, 6, 1), (2, 2, 3), (12, 1), ()]


@pytest.mark.parametrize("trained", SHAPES)
@pytest.mark.parametrize("met", SHAPES)
def test_axes_in_another_order_are_refused(trained: tuple[int, ...], met: tuple[int, ...]) -> None:
    """Flat examples fit any, and so do axes of length 1."""
    fitted, _ = Recipe().fit(columns(example=trained))
    long = [[n for n in shape if n > 1] for shape in (trained, met)]
    if long[0] == long[1] or any(len(shape) < 2 for shape in long):
        fitted.rows(columns(example=met), F64)
        return
    with pytest.raises(DataError, match=r"an example is .* in the training data; arrange its axes"):
        fitted.rows(columns(example=met), F64)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with train.h5 and new.h5, whose x is `mixed`."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    for name, m in (("train.h5", 90), ("new.h5", 40)):
        x = mixed(m, rng).astype(np.float32)
        with h5py.File(name, "w") as file:
            file["y"] = (np.nan_to_num(x[:, 0]) > 50) * 1 + (x[:, 1] > 0)
            file["x"] = np.where(np.isnan(x), np.float32(-999.9), x)
            file["x"].attrs["feature_names"] = [*"abcde"]
    return tmp_path


DATA = {
    "train": "train.h5",
    "validation": {"fraction": 0.2},
    "scale": "standardize",
    "impute": {"name": "mean", "indicators": True},
    "missing": -999.9,
    "one_hot": ["b", 4],
}


def config(**data: object) -> Path:
    return write_config(
        Path("c.yaml"),
        data={**DATA, **data},
        compute={"precision": "float64"},
        loss="cross_entropy",
    )


def by_hand(run: str, data: str) -> Array:
    """The probabilities of the network that a model file describes, by h5py and NumPy alone."""
    with h5py.File(data) as file:
        raw = file["x"][()]
    x = np.where(raw == np.float32(-999.9), np.nan, raw.astype(np.float64))
    with h5py.File(f"{run}/model.h5") as file:
        p = {name: block[()] for name, block in file["parameters"].items()}
        column, value = (file[f"inputs/categories/{key}"][()] for key in ("column", "value"))
        numbers = [j for j in range(5) if j not in column]
        filled = np.where(np.isnan(x[:, numbers]), file["inputs/fill"][()], x[:, numbers])
        scaled = (filled - file["scaling/shift"][()]) / file["scaling/divisor"][()]
        ones = [x[:, j] == v for j, v in zip(column, value, strict=True)]
        told = [np.isnan(x[:, j]) for j in file["inputs/indicators"][()]]
    A1 = np.tanh(p["W1"] @ np.vstack([scaled.T, *ones, *told]) + p["b1"])
    Z2 = p["W2"] @ A1 + p["b2"]
    probabilities: Array = (np.exp(Z2) / np.exp(Z2).sum(axis=0)).T
    return probabilities


def test_a_run_from_its_config_to_its_predictions(folder: Path) -> None:
    """n[0] = 3 numbers + 5 and 3 categories + 2 indicators; every command takes the model."""
    result = deepnet("train", config(), "--run-dir", "run")
    assert result.code == 0, result.err
    assert "c: 13-6-3" in result.err
    told = "X: 3 numbers, what is missing filled in, 8 categories, 2 indicators"
    assert told in result.err
    assert deepnet("predict", "run", "new.h5", "-o", "out.h5").code == 0
    with h5py.File("out.h5") as file:
        np.testing.assert_allclose(file["probabilities"][()], by_hand("run", "new.h5"), rtol=1e-10)
    for command in (
        ("evaluate", "run", "new.h5"),
        ("gradcheck", "run/model.h5", "--data", "new.h5", "--examples", "5"),
        ("explain", "c.yaml"),
    ):
        result = deepnet(*command)
        assert result.code == 0, result.err
    assert "(6, 13)" in result.out


def test_what_has_ended_goes_on_as_if_it_had_not(folder: Path) -> None:
    path = config(impute={"name": "median", "indicators": True}, scale={"log1p": "robust"})
    for run, iterations in (("whole", 40), ("part", 17)):
        setting = f"training.iterations={iterations}"
        assert deepnet("train", path, "--run-dir", run, "--set", setting).code == 0
    assert deepnet("train", "--resume", "part", "--set", "training.iterations=40").code == 0
    same_files(folder / "whole", folder / "part")


def test_rows_in_their_file_train_as_rows_in_memory(folder: Path) -> None:
    for run, stream in (("memory", "false"), ("file", "true")):
        path = config(validation="new.h5")
        settings = (f"data.stream={stream}", "training.batch_size=20", "training.shuffle=false")
        given = [f"--set={setting}" for setting in settings]
        result = deepnet("train", path, "--run-dir", run, *given)
        assert result.code == 0, result.err
    found, expected = (by_hand(run, "new.h5") for run in ("file", "memory"))
    np.testing.assert_array_equal(found, expected)


def test_names_are_those_of_the_file(folder: Path) -> None:
    """Of a column that one_hot names, and of those of a new file."""
    told = deepnet("train", config(one_hot=["cc", "b", 1, 5]))
    words = ["no column 'cc'; did you mean 'c'?", "1 is the same column as b", "no column 5"]
    assert_refused(told, 2, [f"c.yaml:{line}:" for line in (9, 11, 12)] + words)
    assert deepnet("train", config(), "--run-dir", "run").code == 0
    Path("other.h5").write_bytes(Path("new.h5").read_bytes())
    with h5py.File("new.h5", "r+") as new, h5py.File("other.h5", "r+") as other:
        new["x"][3, 4], other["x"].attrs["feature_names"] = 8, [*"abdce"]
    told = deepnet("predict", "run", "new.h5")
    assert_refused(told, 3, ["8 at row 3, column 4 ('e') is none of"])
    told = deepnet("evaluate", "run", "other.h5")
    assert_refused(told, 3, ["column 2 ('d') is 'c' in the training data", "in another order"])


def test_features_that_do_not_fit_in_memory_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepnet_cli.config.inputs.available_memory", lambda: 72 * 13 * 8 - 1)
    told = deepnet("train", config())
    assert_refused(told, 6, ["data.one_hot: train.h5", "13 features, which take", "stream: true"])
    assert deepnet("train", config(), "--set", "data.stream=true").code == 0


def test_fine_tuning_takes_over_all_that_was_done_to_x(folder: Path) -> None:
    assert deepnet("train", config(), "--run-dir", "first").code == 0
    start = {"initial_parameters": "first/model.h5"}
    tuned = {"train": "new.h5", "scale": "initial"}
    path = write_config(Path("d.yaml"), data=tuned, model=start, compute={"precision": "float64"})
    result = deepnet("train", path, "--run-dir", "tuned")
    assert result.code == 0, result.err
    assert "warning" not in result.err
    with h5py.File("first/model.h5") as first, h5py.File("tuned/model.h5") as then:
        for name in ("inputs/fill", "inputs/categories/value", "inputs/missing", "scaling/shift"):
            np.testing.assert_array_equal(first[name][()], then[name][()])
    np.testing.assert_array_equal(by_hand("tuned", "new.h5").shape, (40, 3))
    told = deepnet(
        "train", path, *(f"--set=data.{key}={DATA[key]}" for key in ("missing", "one_hot"))
    )
    assert_refused(told, 2, ["data.missing: with scale: initial x is", "data.one_hot: with scale"])
    other = config(train="new.h5", impute="mean", one_hot={"columns": [1, 4]})
    told = deepnet("train", other, "--set=model.initial_parameters=first/model.h5")
    assert_refused(told, 3, ["W1"])  # the indicators are missing


def test_the_page_shows_what_a_config_takes() -> None:
    """Its examples, and every scaling and imputation in its tables."""
    page = (Path(__file__).parents[1] / "docs" / "data" / "scaling.md").read_text()
    examples = [
        yaml.safe_load(block)
        for block in re.findall(r"(?:^    .*\n)+", page, re.M)[1:]
        if re.match(r"    (data|one_hot):", block)
    ]
    scales = [yaml.safe_load(word) for word in re.findall(r"^\| `(.+?)` \|", page, re.M)]
    scales = [word for word in scales if word not in ("scale", "impute", "missing")]
    assert len(examples) == 4
    for scale in scales:
        examples.append({"scale": scale})
    for example in examples:
        DataSection.model_validate({"train": "f.h5", **example.get("data", example)})
    named = {next(iter(scale)) if isinstance(scale, dict) else scale for scale in scales}
    assert named == {*SCALINGS, "initial"}
    assert all(re.search(rf"`{{?{name}\b", page) for name in IMPUTATIONS)
