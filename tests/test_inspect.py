"""What `deepnet inspect` says of data, models, checkpoints and runs: true, and on one screen."""

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import Result, assert_refused, deepnet, train_small

from deepnet_cli.data.describing.inspection import inspect_data
from deepnet_cli.data.files import survey
from deepnet_cli.data.files.opened import Opened
from deepnet_cli.data.files.storage import SMALL, WORTH, Storage, unwieldy
from deepnet_cli.nn.types import Array
from deepnet_cli.report.dataset import SCREEN
from deepnet_cli.report.figures import COLUMNS
from deepnet_cli.report.remarks import remarks
from deepnet_cli.report.spark import HEIGHTS, PLAIN, sparkline
from deepnet_cli.training.kept.lock import NAME as LOCK
from deepnet_cli.training.kept.lock import Lock
from deepnet_cli.training.kept.run_directory import RunDirectory

DATA = Path(__file__).parents[1] / "data"
SHIPPED = sorted(DATA.glob("*.h5"))
M = 60

Y = np.random.default_rng(5).integers(0, 3, M)
X = np.random.default_rng(6).normal(size=(M, 5)) + Y[:, np.newaxis]

Filler = Callable[[Any], object]
"""Puts datasets into an open h5py.File."""


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_small(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of a run, to be spoilt; its data are beside it, as they were."""
    shutil.copytree(trained.parent, tmp_path, dirs_exist_ok=True)
    return Path("run")


def write(**datasets: Any) -> Path:
    return write_to("f.h5", datasets)


def write_to(name: str, datasets: dict[str, Any]) -> Path:
    with h5py.File(name, "w") as file:
        for key, values in datasets.items():
            file[key] = values
    return Path(name)


def told(file: Path, *options: str) -> dict[str, Any]:
    result = deepnet("inspect", file, "--json", *options)
    assert result.code == 0, result.err
    told: dict[str, Any] = json.loads(result.out)
    return told


def shown(file: Path, *options: str) -> Result:
    """The text, which fits on a screen."""
    result = deepnet("inspect", file, *options)
    assert all(len(line) <= COLUMNS for line in result.out.splitlines()), result.out
    assert all(c.isprintable() or c == "\n" for c in result.out)
    if "--all" not in options:
        assert len(result.out.splitlines()) <= SCREEN
    return result


def kinds(told: dict[str, Any]) -> list[str]:
    return [remark["kind"] for remark in told["remarks"]]


def classes_of(part: dict[str, Any]) -> list[tuple[str, int]]:
    return [(each["name"], each["examples"]) for each in part["target"]["classes"]]


# --- data


def links(f: Any) -> None:
    f["soft"], f["gone"] = h5py.SoftLink("/x"), h5py.SoftLink("/nowhere")
    f["far"] = h5py.ExternalLink("other.h5", "/x")
    f["x"], f["y"] = X, Y


def names(f: Any) -> None:
    f["x\x1b[31m\n"], f["y"], f["z" * 300] = X, Y, 1.0
    f.attrs["title"] = np.bytes_(b"a\x1b[2J title\n" + b"w" * 200)
    f["x\x1b[31m\n"].attrs["feature_names"] = ["a\x1b[31m", "b\n", "c" * 99, "d", "e"]


def many_datasets(f: Any, count: int = 60) -> None:
    for i in range(count):
        f[f"group{i % 9}/d{i}"] = np.arange(3)
    f["x"], f["y"] = X, Y


def everything_odd(f: Any) -> None:
    x = X.repeat(2, axis=1)
    x[:, 1] *= 1e7
    x[3, 2], x[4, 2], x[::5, 3], x[:, 4], x[:, 6] = np.nan, np.inf, -999, 7, x[:, 5]
    x[:, 7], x[:, 8], x[40] = np.arange(M), Y, x[41]
    for part in ("train", "val", "test"):
        f[f"x_{part}"], f[f"y_{part}"] = x[Y.argsort()], np.sort(Y)
    for i in range(30):
        f[f"another {i}"] = i


ODD: dict[str, Filler] = {
    "links": links,
    "names": names,
    "many datasets": many_datasets,
    "all at once": everything_odd,
    "nested": lambda f: (f.create_dataset("a/b/c/spectra", data=X), f.__setitem__("a/b/kind", Y)),
    "many classes": lambda f: (f.__setitem__("x", X), f.__setitem__("y", np.arange(M) // 2)),
    "many outputs": lambda f: (f.__setitem__("x", X), f.__setitem__("y", np.tile(X, 9))),
    "multilabel": lambda f: (f.__setitem__("x", X), f.__setitem__("y", (X > 0).astype(int))),
    "long text": lambda f: (f.__setitem__("x", X), f.__setitem__("y", [b"a" * 90, b"b"] * 30)),
    "wide": lambda f: (f.__setitem__("x", np.tile(X, 60)), f.__setitem__("y", Y)),
    "images": lambda f: (
        f.__setitem__("train_set_x", np.zeros((M, 8, 8, 3), np.uint8)),
        f.__setitem__("train_set_y", Y.reshape(1, M)),
    ),
    "huge": lambda f: (f.__setitem__("x", X * 1e300), f.__setitem__("y", 1e300 * X[:, 0])),
    "all missing": lambda f: (f.__setitem__("x", X * np.nan), f.__setitem__("y", Y * np.nan)),
    "one row": lambda f: (f.__setitem__("x", X[:1]), f.__setitem__("y", Y[:1])),
    "one column": lambda f: (f.__setitem__("x", X[:, :1]), f.__setitem__("y", Y)),
    "bools": lambda f: (f.__setitem__("x", X > 0), f.__setitem__("y", Y > 0)),
    "unsigned": lambda f: (
        f.__setitem__("x", np.full((M, 3), 2**64 - 1, np.uint64)),
        f.__setitem__("y", Y),
    ),
    "y of another length": lambda f: (f.__setitem__("x", X), f.__setitem__("y", Y[1:])),
    "y of words": lambda f: (f.__setitem__("x", X), f.__setitem__("y", [[b"a", b"b"]] * M)),
    "without y": lambda f: f.__setitem__("x", X),
}


@pytest.mark.parametrize("filled", ODD.values(), ids=ODD)
def test_odd_files_fit_on_a_screen_and_say_what_json_says(filled: Filler) -> None:
    with h5py.File("f.h5", "w") as file:
        filled(file)
    everything = told(Path("f.h5"))
    for option in ("", "--all"):
        assert_shows(everything, shown(Path("f.h5"), *filter(None, [option])), option)


def assert_shows(everything: dict[str, Any], result: Result, option: str) -> None:
    assert result.code == 0, result.err
    for part in everything["parts"]:
        assert f"{part['part']}: {part['examples']:,} example" in result.out
        for name, value in ((part["target"] or {}).get("guessing", {})).items():
            text = "inf" if value is None else f"{value:.4g}"
            assert f"{name} {text}" in " ".join(result.out.split())
    remarks = everything["remarks"] if option else everything["remarks"][:3]
    words = " ".join(result.out.split())
    for remark in remarks:
        assert " ".join(f"! {remark['what']} -> {remark['do']}".split()) in words
    if option:
        assert "--all" not in result.out


def test_as_many_datasets_as_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "MOST_NAMES", 20)
    with h5py.File("f.h5", "w") as file:
        many_datasets(file, 21)
    out = shown(Path("f.h5")).out
    assert "20 datasets" in out
    assert "and 10 more: --all" in out
    assert "train x" in out


@pytest.mark.parametrize("file", SHIPPED, ids=lambda p: p.stem)
def test_shipped_data_are_as_h5py_says(file: Path) -> None:
    everything = told(file)
    with h5py.File(file) as f:
        datasets: list[str] = []
        f.visit(datasets.append)
        assert [each["name"] for each in everything["datasets"]] == sorted(datasets)
        for each in everything["datasets"]:
            dataset = f[each["name"]]
            assert tuple(each["shape"]) == dataset.shape
            assert each["stored"] == dataset.id.get_storage_size()
            assert tuple(each["chunks"]) == dataset.chunks
            assert dataset.compression in each["filters"]
        for part in everything["parts"]:
            x, y = f[part["x"]][()].astype(float), f[part["y"]][()]
            assert (part["examples"], part["features"]) == x.shape
            columns = part["columns"]
            np.testing.assert_allclose([c["mean"] for c in columns], x.mean(axis=0), rtol=1e-12)
            np.testing.assert_allclose([c["std"] for c in columns], x.std(axis=0), atol=1e-12)
            np.testing.assert_array_equal([c["min"] for c in columns], x.min(axis=0))
            np.testing.assert_array_equal([c["max"] for c in columns], x.max(axis=0))
            assert [c["name"] for c in columns] == (
                [name.decode() for name in f["x_train"].attrs["feature_names"]]
                if part["part"] == "train"
                else [None] * x.shape[1]
            )
            if "classes" in part["target"]:
                assert classes_of(part) == list(
                    zip(
                        f["list_classes"].asstr()[()].tolist(), np.bincount(y).tolist(), strict=True
                    )
                )
    assert [part["part"] for part in everything["parts"]] == ["train", "test"]
    assert everything["bytes"] == file.stat().st_size
    assert shown(file).err == f"next: deepnet init {file}\n"


def test_the_page_shows_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (DATA.parent / "docs" / "data" / "inspecting.md").read_text()
    command, output = re.findall(r"```(?:console|text)\n(.*?)```", page, re.DOTALL)[:2]
    monkeypatch.chdir(DATA.parent)
    result = deepnet(*command.split()[2:])
    assert result.out + result.err == output


def keys_of(told: object) -> set[str]:
    """Every key of a JSON value, at any depth, but those that names in a file have made."""
    if isinstance(told, list):
        return set().union(*map(keys_of, told))
    if not isinstance(told, dict):
        return set()
    free = {"attributes", "guessing", "figures", "files", "config", "quantiles"}
    inner = (keys_of(value) for key, value in told.items() if key not in {*free, "summary"})
    return {*told}.union(*inner)


def test_every_key_is_on_the_page(run: Path) -> None:
    page = (DATA.parent / "docs" / "data" / "inspecting.md").read_text()
    (checkpoint,) = (run / "checkpoints").iterdir()
    numbers = write(x=X, y=X[:, :2])
    objects = [told(file) for file in (SHIPPED[0], numbers, run, run / "model.h5", checkpoint)]
    keys = keys_of(objects) - {"epoch", "cost"}
    assert {key for key in keys if f"`{key}`" not in page} == set()
    assert {f"`{each['kind']}`" for each in objects} <= set(page.split())


def test_what_shipped_data_should_be_warned_of() -> None:
    """As data/README.md has it: the features of breast_cancer need a scaling."""
    found = {file.stem: kinds(told(file)) for file in SHIPPED}
    assert found == {"breast_cancer": ["scales"], "diabetes": ["scales"], "digits": ["constant"]}


PLANTED: dict[str, Callable[[Array, Array], object]] = {
    "missing": lambda x, _: x.__setitem__((3, 2), np.nan),
    "fill value": lambda x, _: x.__setitem__((slice(None, None, 7), 1), -999),
    "scales": lambda x, _: x.__imul__([1, 1, 1e4, 1, 1]),
    "offset": lambda x, _: x.__iadd__([0, 0, 0, 0, 90]),
    "large": lambda x, _: x.__imul__(1000),
    "repeated": lambda x, y: (x.__setitem__(9, x[8]), y.__setitem__(9, y[8])),
    "constant": lambda x, _: x.__setitem__((slice(None), 4), 2),
    "equal": lambda x, _: x.__setitem__((slice(None), 4), x[:, 0]),
    "rising": lambda x, _: x.__setitem__((slice(None), 4), np.sort(x[:, 4])),
    "categories": lambda x, _: x.__setitem__((slice(None), 4), np.arange(M) % 4),
    "answer": lambda x, y: x.__setitem__((slice(None), 4), y),
    "sorted": lambda _, y: y.sort(),
    "imbalance": lambda _, y: y.__setitem__(slice(None), (np.arange(M) == 30) * 2),
    "no target": lambda _, y: y.__setitem__(slice(None), 1),
}


def found_in(file: Path) -> list[str]:
    """The kinds of its remarks."""
    return [each.kind for each in remarks(inspect_data(file, None, None, lambda *_: bool))]


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_is_warned_of_and_nothing_else(kind: str) -> None:
    x, y = X.copy(), Y.copy()
    assert found_in(write(x=x, y=y)) == []
    PLANTED[kind](x, y)
    found = found_in(write(x=x, y=y))
    also = {"answer": ["categories"], "fill value": ["scales"]}.get(kind, [])
    assert found == [kind, *also]


def test_large_numbers_to_predict_are_told() -> None:
    assert kinds(told(write(x=X, y=90 * X[:, 0] * X[:, 1]))) == ["large y"]
    assert kinds(told(write(x=X, y=X[:, 0] * X[:, 1]))) == []


def test_places_are_told() -> None:
    x = X.copy()
    x[[7, 50], 2], x[9, 3] = np.nan, np.inf
    part = told(write(x=x, y=np.where(np.arange(M) == 12, np.nan, Y)))["parts"][0]
    assert [c["nan"] for c in part["columns"]] == [0, 0, 2, 0, 0]
    assert [c["infinite"] for c in part["columns"]] == [0, 0, 0, 1, 0]
    assert [c["first_missing"] for c in part["columns"]] == [None, None, 7, 9, None]
    assert (part["target"]["missing"], part["target"]["first_missing"]) == (1, 12)
    out = " ".join(shown(Path("f.h5")).out.split())
    assert "3 values are missing (NaN and inf), in 3 rows (7, ...): columns 2, 3" in out
    assert "'y': 1 of 60 are missing, the first at row 12" in out


def test_no_number_is_cut() -> None:
    """Of wide tables some columns are left out, and names are cut shorter."""
    x = -123456.7 - 98765.4 * X**2
    file = write(x=x, y=-1.234567e305 * np.exp(X))
    with h5py.File(file, "a") as opened:
        opened["x"].attrs["feature_names"] = [f"{i} of a long name for a column" for i in range(5)]
        opened["y"].attrs["target_names"] = [f"{i} of a long name" for i in range(5)]
    part = told(file)["parts"][0]
    out = shown(file).out
    for column in part["columns"]:
        assert f" {column['min']:.5g} " in out
        assert f" {column['max']:.5g} " in out
    for low in part["target"]["quantiles"]["0"][:2]:
        assert f" {low:.3g} " in out


def test_categories_are_told_by_name() -> None:
    """As convert writes them."""
    Path("a.csv").write_text("city,v,y\n" + "Oslo,1.5,0\nBergen,2.5,1\nMoss,0.5,1\n" * 9)
    assert deepnet("convert", "a.csv", "a.h5").code == 0
    everything = told(Path("a.h5"))
    columns = everything["parts"][0]["columns"]
    assert [c["categories"] for c in columns] == [["Bergen", "Moss", "Oslo"], None]
    assert "Bergen, Moss, Oslo" in shown(Path("a.h5")).out
    (do,) = [each["do"] for each in everything["remarks"] if each["kind"] == "categories"]
    assert do == "data.one_hot: {columns: [0], unknown: zeros}"


ADVICE: dict[str, tuple[dict[str, Array], str]] = {
    "NaN": ({"x": np.where(X > 3, np.nan, X)}, "data.impute: mean"),
    "infinity": ({"x": np.where(X > 3, np.inf, X)}, "write NaN for an infinity"),
    "no value": ({"x": X * [1, np.nan, 1, 1, 1]}, "data.impute: {constant: 0}"),
    "two fill values": (
        {"x": np.column_stack([np.where(Y, X[:, 0], -999), np.where(Y, X[:, 1], 9999)])},
        "data.missing: [-999, 9999], and",
    ),
    "a fill value of netCDF": (
        {"x": np.where([[True] * 4 + [False]] * 3 + [[True] * 5] * 57, X, 9.969209968386869e36)},
        "data.missing: 9.969209968386869e+36, and",
    ),
    "categories, some missing": (
        {"x": np.column_stack([X, np.where(Y, Y, np.nan), np.arange(M) % 3])},
        "data.one_hot: [6]",
    ),
    "categories with NaN": (
        {"x": np.column_stack([X, np.where(np.arange(M) % 9, np.arange(M) % 4, np.nan)])},
        "data.one_hot: {columns: [5], unknown: zeros}",
    ),
    "imbalance": (
        {"x": X, "y": (np.arange(M) == 7).astype(int)},
        "loss: {name: binary_cross_entropy, class_weight: balanced}",
    ),
}


@pytest.mark.parametrize(("datasets", "advice"), ADVICE.values(), ids=ADVICE)
def test_what_is_advised_can_be_typed(datasets: dict[str, Array], advice: str) -> None:
    remarks = told(write(**({"y": Y} | datasets)))["remarks"]
    assert [each["do"] for each in remarks if each["do"].startswith(advice)], remarks


def test_few_values_are_told() -> None:
    x = np.round(np.column_stack([Y / 4, X[:, 0]]), 2)
    columns = told(write(x=x, y=Y))["parts"][0]["columns"]
    assert [column["values"] for column in columns] == [[0, 0.25, 0.5], None]


def test_test_rows_that_stand_in_train_are_counted() -> None:
    file = write(x_train=X, y_train=Y, x_test=np.vstack([X[:4], X[:3] + 1]), y_test=Y[:7])
    everything = told(file)
    assert [part["rows_in_train"] for part in everything["parts"]] == [0, 4]
    assert kinds(everything) == ["shared"]
    assert "4 of 7 rows of test stand in train too" in shown(file).out


def test_parts_of_other_widths_are_told() -> None:
    assert kinds(told(write(x_train=X, y_train=Y, x_test=X[:, 1:], y_test=Y))) == ["features"]


def test_a_file_without_y_is_fine() -> None:
    part = told(write(x=X))["parts"][0]
    assert part["y"] is None
    assert part["target"] is None
    result = shown(Path("f.h5"))
    assert result.code == 0
    assert "y: cannot tell which dataset is y" in result.out


def test_what_could_be_y_is_listed() -> None:
    file = write(x=X, **{f"measured {i}": Y for i in range(12)})
    out = shown(file).out
    assert re.search(r"measured 0 .*could be y", out)
    assert "name it: --y 'measured 0'" in out
    assert "measured 11" in told(file)["parts"][0]["problem"]
    assert "could be y" in deepnet("init", file, "-o", "-").err


def test_the_next_command_is_one_that_works() -> None:
    """With the names that it takes, and those that were given; none where there is no y."""
    text = [f"class {i % 3}" for i in range(M)]
    file = write(spectra=X, species=text, sample_id=[f"S{i}" for i in range(M)])
    nexts = {
        (): " --y species",
        ("--x", "spectra"): " --x spectra --y species",
        ("--y", "species"): " --y species",
        ("--y", "sample_id"): " --y sample_id",
    }
    for given, words in nexts.items():
        assert shown(file, *given).err == f"next: deepnet init {file}{words}\n"
    assert deepnet("init", file, "--y", "species", "-o", "-").code == 0
    assert "--y species" in deepnet("init", file, "-o", "-").err
    assert shown(write(x=X)).err == ""


def test_examples_are_last_where_nothing_could_be_y_for_the_first() -> None:
    """What is as long as the first axis is in doubt y, and the doubt is told."""
    turned = {"spectra": X.T, "species": Y, "index": np.arange(5)}
    part = told(write(**turned))["parts"][0]
    assert (part["y"], part["examples_on"], part["examples"]) == ("species", "last", M)
    part = told(write(**turned, kind=Y))["parts"][0]  # two, of which none is the other's
    assert (part["y"], part["examples_on"], part["examples"]) == (None, "last", M)
    part = told(write(**turned, a=np.arange(5), b=np.arange(5)))["parts"][0]
    assert (part["y"], part["examples_on"], part["examples"]) == (None, "first", 5)


def test_examples_on_the_last_axis_are_known_by_y() -> None:
    everything = told(write(x=X.T, y=Y))
    part = everything["parts"][0]
    assert (part["examples"], part["features"], part["examples_on"]) == (M, 5, "last")
    np.testing.assert_allclose([c["mean"] for c in part["columns"]], X.mean(axis=0))
    assert kinds(everything) == ["axis"]
    assert told(write(x=X[:5].T, y=Y[:5]))["parts"][0]["examples_on"] == "first"  # it may be both


@pytest.mark.parametrize("name", ["class_names", "list_classes"])
def test_names_in_the_file_are_used(name: str) -> None:
    words = [b"red", b"green", b"blue"]
    file = write(x=X, y=Y, feature_names=[b"a", b"b", b"c", b"d", b"e"], **{name: words})
    part = told(file)["parts"][0]
    counts = np.bincount(Y).tolist()
    assert classes_of(part) == list(zip(["red", "green", "blue"], counts, strict=True))
    assert [c["name"] for c in part["columns"]] == ["a", "b", "c", "d", "e"]
    assert "names of the classes" in shown(file).out


def test_classes_are_told_apart_by_their_names() -> None:
    """Large numbers in full; and each of two that the file calls the same."""
    part = told(write(x=X, y=1234567 + Y % 2))["parts"][0]
    assert [name for name, _ in classes_of(part)] == ["1234567", "1234568"]
    assert "1234567 and 1234568" in shown(Path("f.h5")).out
    part = told(write(x=X, y=Y, class_names=[b"a", b"b", b"b"]))["parts"][0]
    assert [name for name, _ in classes_of(part)] == ["a", "b", "b"]


def test_a_y_that_does_not_fit_is_told_and_x_is_profiled() -> None:
    part = told(write(x=X, y=Y[1:]))["parts"][0]
    assert "59 examples" in part["problem"]
    assert len(part["columns"]) == 5


def test_flags_of_which_none_is_set() -> None:
    lines = shown(write(x=X, y=np.zeros((len(X), 3), np.uint8))).out.splitlines()
    (first, *_) = (k for k, line in enumerate(lines) if "y: multilabel" in line)
    assert [line.split() for line in lines[first + 1 : first + 4]] == [
        [name, "0", "0.0", "%"] for name in "123"
    ]


@pytest.mark.guarded
def test_a_y_that_crashes_the_library_is_told_and_all_else_is_profiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write(**{"train/x": X, "train/y": Y, "test/x": X, "test/y": Y})
    stretch = Opened.stretch

    def crashing(opened: Opened, name: str, *where: Any) -> object:
        if name == "train/y":
            os.kill(os.getpid(), signal.SIGSEGV)
        return stretch(opened, name, *where)

    monkeypatch.setattr(Opened, "stretch", crashing)
    train, test = told(file)["parts"]
    assert (train["y"], test["y"]) == (None, "test/y")
    assert train["problem"].startswith("the HDF5 library crashed")


@pytest.mark.parametrize(
    ("filled", "words"),
    [
        ({"a": X, "b": X, "y": Y}, ["cannot tell which dataset is x"]),
        ({"a": Y, "b": Y}, ["cannot tell which dataset is x"]),
        ({}, ["holds no dataset"]),
        ({"x": X[:0], "y": Y[:0]}, ["no examples"]),
        ({"x": X[:, 0], "y": Y}, ["'x' has shape (60,)", "at least 2 dimensions"]),
        ({"x": 1.0, "y": Y}, ["'x' has shape ()", "at least 2 dimensions"]),
        ({"x": X + 1j, "y": Y}, ["complex"]),
        ({"x": np.zeros(9, [("a", "i4"), ("b", "f8")])}, ["x"]),
    ],
)
def test_where_x_cannot_be_had_the_tree_is_shown_all_the_same(
    filled: dict[str, Array], words: list[str]
) -> None:
    file = write_to("f.h5", filled)
    result = shown(file)
    assert result.code == 3
    assert all(word in result.err for word in words)
    assert all(f"\n{name} " in result.out for name in filled)
    as_json = deepnet("inspect", file, "--json")
    assert as_json.code == 3
    everything = json.loads(as_json.out)
    assert [each["name"] for each in everything["datasets"]] == sorted(filled)
    assert everything["problem"].splitlines()[0] in as_json.err
    assert everything["parts"] == []


def test_columns_that_stand_by_themselves_are_stacked_by_the_line_that_is_shown() -> None:
    file = write(age=X[:, 0], height=X[:, 1], sick=Y)
    result = shown(file)
    assert result.code == 3
    _, _, line = result.err.partition('python -c "')
    code = line.rpartition('"')[0].replace("\\\n", "").replace("LABELS", "sick")
    exec(code, {})
    part = told(Path("f-plain.h5"))["parts"][0]
    assert (part["x"], part["y"], part["features"]) == ("x", "y", 2)
    assert "python" not in shown(write(age=X[:, 0], sick=Y[1:])).err


def test_named_datasets_are_looked_at() -> None:
    file = write(a=X, b=2 * X, label=Y, other=1 - Y)
    part = told(file, "--x", "b", "--y", "other")["parts"][0]
    assert (part["x"], part["y"]) == ("b", "other")
    np.testing.assert_allclose([c["max"] for c in part["columns"]], (2 * X).max(axis=0))
    refused = deepnet("inspect", file, "--x", "c")
    assert refused.code == 3
    assert "no dataset 'c'" in refused.err


def test_a_link_is_told_and_not_followed(tmp_path: Path) -> None:
    write_to("other.h5", {"x": X})
    with h5py.File("f.h5", "w") as file:
        links(file)
    by_name = {each["name"]: each for each in told(Path("f.h5"))["datasets"]}
    for name in ("soft", "gone", "far"):
        assert "link" in by_name[name]["problem"]
        assert "stored" not in by_name[name]


def test_what_is_cut_says_so() -> None:
    with h5py.File("f.h5", "w") as file:
        everything_odd(file)
    out = shown(Path("f.h5")).out
    assert out.count("--all") >= 3
    assert "train x" in out  # what is used is always shown
    rest = shown(Path("f.h5"), "--all").out
    assert all(f"another {i} " in rest for i in range(30))


def test_chunks_that_are_slow_to_read_are_told() -> None:
    def storage(*chunks: int) -> Storage:
        return Storage(chunks, (), WORTH, WORTH)

    shape = (WORTH // 8 // 64, 64)  # float64
    assert unwieldy(storage(1024, 64), shape) == ""
    assert "small" in unwieldy(storage(1, 64), shape)
    assert "large" in unwieldy(storage(shape[0], 64), shape)
    assert "few features" in unwieldy(storage(shape[0] // 8, 4), shape)
    assert unwieldy(Storage(None, (), WORTH, WORTH), shape) == ""
    assert unwieldy(Storage((1, 64), (), WORTH - 1, WORTH), shape) == ""
    assert SMALL > 8 * 64


# --- models, checkpoints, runs


def test_a_model_is_told_by_its_parameters(run: Path) -> None:
    with h5py.File(run / "model.h5") as file:
        blocks = {name: block[()].astype(float) for name, block in file["parameters"].items()}
    everything = told(run / "model.h5")
    assert {block["name"]: block["shape"] for block in everything["blocks"]} == {
        name: list(block.shape) for name, block in blocks.items()
    }
    for block in everything["blocks"]:
        values = blocks[block["name"]]
        figures = [block[name] for name in ("mean", "std", "min", "max")]
        expected = [values.mean(), values.std(), values.min(), values.max()]
        np.testing.assert_allclose(figures, expected, rtol=1e-12)
        if block["name"].startswith("W"):
            zero = [unit for unit in values if not unit.any()]
            assert block["zero_rows"] == len(zero)
            rms = np.sqrt(np.mean(values**2))
            assert block["tiny"] == np.mean(np.abs(values) <= rms / 1000)
    assert everything["parameters"] == sum(block.size for block in blocks.values())
    assert everything["figures"] == json.loads((run / "summary.json").read_text())["figures"]
    result = shown(run / "model.h5")
    assert f"{everything['parameters']} parameters" in result.out
    assert "next: deepnet evaluate run/model.h5" in result.err


def test_what_is_done_to_x_is_told(run: Path) -> None:
    """A column of three categories, and one with a value missing."""
    x = np.column_stack([X, np.arange(M) % 3])
    x[4, 1] = np.nan
    write_to("train.h5", {"x": x, "y": Y})
    keys = ["data.scale=standardize", "data.impute=mean", "data.one_hot=[5]"]
    sets = [word for key in keys for word in ("--set", key)]
    result = deepnet("train", "c.yaml", "--run-dir", "filled", "-q", *sets)
    assert result.code == 0, result.err
    model = told(Path("filled/model.h5"))
    assert (model["columns"], model["layers"][0]) == (6, 8)
    assert (model["scaling"], model["imputed"], model["one_hot"]) == ("standardize", True, [5])
    out = " ".join(shown(Path("filled/model.h5")).out.split())
    assert "scaling of x: standardize, missing values are filled in, 1 column one-hot" in out


def test_zero_rows_and_tiny_weights_are_counted(run: Path) -> None:
    with h5py.File("start.h5", "w") as file:
        file["W1"], file["b1"] = np.ones((4, 4)) * [[1], [0], [1e-6], [0]], np.zeros(4)
        file["W2"], file["b2"] = np.ones((3, 4)), np.zeros(3)
    frozen = ["model.layers=[{units: 4, trainable: false}, 3]", "model.initial_parameters=start.h5"]
    sets = [word for key in frozen for word in ("--set", key)]
    result = deepnet("train", "c.yaml", "--run-dir", "zero", "-q", *sets)
    assert result.code == 0, result.err
    (first,) = [block for block in told(Path("zero/model.h5"))["blocks"] if block["name"] == "W1"]
    assert (first["zero_rows"], first["tiny"]) == (2, 0.75)


def test_a_run_that_has_ended(run: Path) -> None:
    everything, summary = told(run), json.loads((run / "summary.json").read_text())
    assert (everything["state"], everything["summary"]) == ("ended", summary)
    assert everything["iterations"] == summary["iterations"] == 2
    assert everything["files"] == {
        each.name: each.stat().st_size for each in run.iterdir() if each.is_file()
    }
    (kept,) = everything["checkpoints"]
    assert (kept["iteration"], kept["problem"]) == (2, None)
    result = shown(run)
    assert "has ended" in result.out
    assert summary["reason"] in result.out
    assert result.err == "next: deepnet evaluate run DATA.h5\n"


def test_what_a_run_was_tested_on_is_what_it_is_evaluated_on(run: Path) -> None:
    """Not what it was trained on."""
    write_to("test.h5", {"x": X[:, :4], "y": Y})
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("train.h5,", "train.h5, test: ../test.h5,"))
    assert shown(run).err == "next: deepnet evaluate run test.h5\n"


def test_a_lock_that_a_killed_process_has_left_is_none(run: Path) -> None:
    lock = Lock(run)
    held = json.loads((run / LOCK).read_text())
    lock.release()
    (run / LOCK).write_text(json.dumps(held | {"began": "0"}))
    assert told(run)["state"] == "ended"


def test_a_run_that_was_broken_off(run: Path) -> None:
    (run / "summary.json").unlink()
    (run / "model.h5").unlink()
    assert told(run)["state"] == "broken off"
    result = shown(run)
    assert "was broken off" in result.out
    assert result.err == "go on: deepnet train --resume run\n"


def test_a_run_that_went_on_after_its_summary(run: Path) -> None:
    """It was resumed, and killed."""
    summary = json.loads((run / "summary.json").read_text()) | {"iterations": 1}
    (run / "summary.json").write_text(json.dumps(summary))
    everything = told(run)
    assert (everything["state"], everything["iterations"]) == ("broken off", 2)


def test_a_run_that_was_interrupted(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    summary |= {"stopped": "interrupted", "reason": "a signal ended it"}
    (run / "summary.json").write_text(json.dumps(summary))
    assert told(run)["state"] == "stopped"
    assert shown(run).err == "go on: deepnet train --resume run\n"


def test_a_run_in_use(run: Path) -> None:
    directory = RunDirectory.existing(run)
    try:
        everything = told(run)
        assert everything["state"] == "training"
        assert f"pid {os.getpid()} " in everything["used_by"]
        assert f"in use by pid {os.getpid()}" in " ".join(shown(run).out.split())
    finally:
        directory.close()
    assert told(run)["state"] == "ended"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"figures": 3, "iterations": "x"}',
        b"\xff",
        pytest.param(b"[" * 10**5, id="deep"),
        b"cost\n1.5\n",
    ],
)
def test_a_run_with_damaged_files_is_told_all_the_same(run: Path, content: bytes) -> None:
    for name in ("summary.json", "history.csv"):
        (run / name).write_bytes(content)
    for checkpoint in (run / "checkpoints").iterdir():
        checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    (kept,) = told(run)["checkpoints"]
    assert "sha256 does not match" in kept["problem"]
    assert "damaged" in shown(run).out
    (run / "config.yaml").write_bytes(content)
    everything = told(run)
    assert everything["config"] is None
    assert everything["problem"]
    shown(run)


def test_a_figure_that_a_part_lacks_is_left_open(run: Path) -> None:
    """A test part of one class has no auc."""
    write_to("train.h5", {"x": X, "y": Y > 0, "x_test": X[:9], "y_test": np.zeros(9)})
    keys = ["model.layers=[1]", "model.activations=[sigmoid]", "loss=binary_cross_entropy"]
    keys += ["data.test=train.h5", "training.metrics=[auc]"]
    sets = [word for key in keys for word in ("--set", key)]
    result = deepnet("train", "c.yaml", "--run-dir", "one", "-q", *sets)
    assert result.code == 0, result.err
    for file in (Path("one"), Path("one/model.h5")):
        out = shown(file).out
        head, train, test = re.findall(r"^(?:  .*auc.*|train .*|test .*)$", out, re.MULTILINE)
        assert len(train.split()) == len(head.split()) + 1 > len(test.split())


def test_nothing_of_a_run_is_changed(run: Path) -> None:
    def state() -> dict[str, tuple[int, bytes]]:
        files = [path for path in sorted(run.rglob("*")) if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = state()
    for name in (".", "model.h5"):
        shown(run / name)
    assert state() == before


def test_a_checkpoint(run: Path) -> None:
    (checkpoint,) = (run / "checkpoints").iterdir()
    everything = told(checkpoint)
    with h5py.File(checkpoint) as file:
        assert everything["iteration"] == file.attrs["iteration"] == 2
        assert everything["parameters"] == len(file["state/theta"])
        assert everything["slots"] == len(file["state/slots"])
    assert shown(checkpoint).err == "go on: deepnet train --resume run\n"


def test_what_is_damaged_or_something_else_is_refused(run: Path) -> None:
    model = run / "model.h5"
    model.write_bytes(model.read_bytes()[:-1] + b"!")
    assert_refused(deepnet("inspect", model), 3, ["sha256 does not match"])
    model.write_bytes(b"deepnet modem" + model.read_bytes()[13:])
    assert_refused(deepnet("inspect", model), 3, ["damaged"])
    Path("t.csv").write_text("a,b\n1,2\n")
    assert_refused(deepnet("inspect", "t.csv"), 3, ["t.csv", "text"])
    assert_refused(deepnet("inspect", "gone.h5"), 3, ["no such file"])
    assert_refused(deepnet("inspect", "."), 3, ["is no run", "it holds runs: run"])
    assert_refused(deepnet("report", "gone"), 3, ["gone: no such directory"])
    assert_refused(deepnet("report", run / "model.h5"), 3, [f"name the run, {run}"])
    assert_refused(deepnet("inspect", run, "--x", "x"), 2, ["--x", "is a run"])


def test_a_sparkline_has_a_height_for_each_value() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == HEIGHTS
    assert sparkline([7, 0], PLAIN) == "#_"
    assert sparkline([1, 10, 1000]) == "▁▃█"  # as their logarithms
    assert sparkline([5, 5]) == "▁▁"
    assert sparkline([float("nan"), 1, 2]) == "▁█"
    assert sparkline([]) == ""
    assert sparkline(range(1000), width=8) == HEIGHTS
