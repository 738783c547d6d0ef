"""deepnet init: what it writes says why, is read back as it was meant, and trains well."""

import json
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet, train_small
from made import MADE, made
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from deepnet_cli.config.load import check
from deepnet_cli.config.starting.choices import Chosen, choices, reasons, values
from deepnet_cli.config.starting.facts import Facts
from deepnet_cli.config.starting.sizes import WIDEST_FOR_CLASSES, batch, epochs, hidden
from deepnet_cli.config.starting.written import COLUMNS, written
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.types import Array

SHIPPED = Path(__file__).parents[1] / "data"
TARGETS = {
    "binary": "binary",
    "classes": "class",
    "multilabel": "binary",
    "counts": "count",
    "numbers": "number",
}
"""What the loss has to take y to be."""

NOISE = 0.03
"""Three standard errors of an accuracy of 0.9 on a thousand test rows."""

SHARES = {"wide": 0.75}
"""Of the way from knowing nothing to the best that can be had, at least; mostly 0.9.  200 rows say
too little of 2000 features for more.
"""


def some_facts() -> list[Facts]:
    """Of all kinds and sizes."""
    found = []
    kinds = [("binary", 1), ("classes", 3), ("classes", 300), ("multilabel", 4), ("numbers", 2)]
    for (kind, K), m, n in product([*kinds, ("counts", 1)], [2, 39, 40, 10**4, 10**9], [1, 10**5]):
        counts = () if kind not in ("binary", "classes") else (m - 1, *[1] * max(1, K - 1))
        found.append(Facts(m, n, kind, f"{K} of them", K, counts))
    more: list[dict[str, Any]] = [{"x": "pixels"}, {"x": "flags"}, {"missing": 7}]
    more += [{"sorted": True}, {"low": 3.0}, {"spreads": (1e-3, 1e5)}]
    return found + [replace(found[k], **changed) for k, changed in product((7, -5), more)]


TRAIN = {"train": Chosen("a.h5", "of all")}
OWN = TRAIN | {"validation": Chosen("b.h5", "own"), "test": Chosen({"file": "c.h5", "x": "z"}, "")}


@pytest.mark.parametrize("parts", [TRAIN, OWN], ids=["train", "all"])
def test_what_is_written_is_read_back_as_the_values(parts: dict[str, Chosen]) -> None:
    """By our own reader, which finds no mistake in it; every reason is there, in 80 columns."""
    for facts in some_facts()[:: len(parts)]:
        chosen = choices(facts, parts)
        text = written(chosen, "A head that is longer than one line may be, as it has much to say.")
        document = parse(text.encode(), "c.yaml")
        assert document.tree == values(chosen)
        assert check(document) is not None, document.problems
        document.raise_problems()
        assert max(map(len, text.splitlines())) <= COLUMNS
        told = " ".join(line.partition("# ")[2].strip() for line in text.splitlines())
        assert all(
            " ".join(why.split()) in " ".join(told.split()) for why in reasons(chosen).values()
        )


@pytest.mark.parametrize(
    "name",
    [
        "no.h5",
        "a: b.h5",
        "#.h5",
        "it's.h5",
        'a"b.h5',
        "ä ö.h5",
        "1e3",
        "{a}.h5",
        "-",
        "a\x1bb",
        "x" * 200,
    ],
)
def test_any_name_is_read_back(name: str) -> None:
    """Of a file or a dataset; what is no text to our reader is quoted."""
    parts = {
        "train": Chosen({"file": name, "x": name, "y": "y"}, f"{name}\n{name}"),
        "test": Chosen(name),
    }
    chosen = choices(Facts(50, 3, "numbers", "numbers"), parts)
    assert parse(written(chosen, name).encode(), "c.yaml").tree == values(chosen)


def test_the_choices_fit_the_data() -> None:
    for facts in some_facts():
        config: Any = values(choices(facts, TRAIN))
        loss = LOSSES[config["loss"]]
        kind = "numbers" if facts.kind == "counts" and facts.low > 0 else facts.kind
        assert loss.target == TARGETS[kind]
        assert config["model"]["activations"][-1] == loss.link.name
        assert config["model"]["layers"] == [*hidden(facts), facts.outputs]
        assert config["training"]["batch_size"] <= facts.m
        assert config["training"]["shuffle"]
        assert 1 <= batch(facts) <= 256
        assert 8 <= min(hidden(facts)) <= max(hidden(facts)) <= WIDEST_FOR_CLASSES
        assert ("scale_y" in config["data"]) == (loss.target == "number")
        assert ("impute" in config["data"]) == (facts.missing > 0)
        held = [config["data"].get(part, {}).get("fraction", 0) for part in ("validation", "test")]
        assert round(min(held) * facts.m) >= 100 or held[1] == 0
        assert ("early_stopping" in config["training"]) == (held[0] > 0) == (facts.m >= 40)
        assert config == values(choices(facts, TRAIN))


def test_more_rows_never_make_a_smaller_network_or_a_longer_training() -> None:
    sizes = [Facts(m, 10, "numbers", "") for m in (10, 100, 1000, 10**4, 10**5, 10**6, 10**8)]
    widths, times = [hidden(facts)[0] for facts in sizes], [epochs(facts) for facts in sizes]
    assert widths == sorted(widths)
    assert times == sorted(times, reverse=True)
    assert min(times) >= 10


def linear(x: Array, y: Array) -> Pipeline:
    """scikit-learn's linear model of a y (m,)."""
    model = Ridge() if y.dtype.kind == "f" else LogisticRegression(max_iter=300)
    return make_pipeline(SimpleImputer(), StandardScaler(), model).fit(x, y)


def figure_of_linear(x: Array, y: Array, held: int, figure: str) -> float:
    """On the last rows, fitted to the others; of several labels the mean."""
    x = x.reshape(len(x), -1).astype(float)
    y = y.astype(str) if y.dtype.kind == "S" else y
    if figure == "r2":
        return float(linear(x[:-held], y[:-held].astype(float)).score(x[-held:], y[-held:]))
    if figure == "auc":
        scores = linear(x[:-held], y[:-held]).decision_function(x[-held:])
        return float(roc_auc_score(y[-held:], scores))
    columns = y.reshape(len(y), -1).T
    return float(
        np.mean([linear(x[:-held], c[:-held]).score(x[-held:], c[-held:]) for c in columns])
    )


def reached(folder: Path, train: Path, test: Path, figure: str) -> float:
    """What the config of `init`, trained as it is, has on the test rows."""
    config, run = folder / "made by init.yaml", folder / "run"
    begun = deepnet("init", train, "-o", config)
    assert begun.code == 0, begun.err
    result = deepnet("train", config, "--run-dir", run, "-q")
    assert result.code == 0, result.err
    assert "warning" not in result.err or "constant" in result.err
    told: dict[str, float] = json.loads(
        deepnet("evaluate", run, test, "--json", "--no-intervals").out
    )
    return told[figure]


@pytest.mark.parametrize(
    "name",
    [name if name == "sorted" else pytest.param(name, marks=pytest.mark.long) for name in MADE],
)
def test_made_data_are_learned_as_well_as_can_be(name: str, tmp_path: Path) -> None:
    """Nearly the best that can be had, and no worse than a linear model."""
    data = made(name)
    train, test = tmp_path / "train.h5", tmp_path / "test.h5"
    data.write(train, test)
    figure = reached(tmp_path, train, test, data.figure)
    assert data.chance < data.best
    share = SHARES.get(name, 0.9)
    assert figure >= data.chance + share * (data.best - data.chance)
    assert figure >= figure_of_linear(data.x, data.y, data.held, data.figure) - NOISE


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        pytest.param("breast_cancer", "accuracy", marks=pytest.mark.long),
        ("diabetes", "r2"),
        pytest.param("digits", "accuracy", marks=pytest.mark.long),
    ],
)
def test_shipped_data_are_learned_as_well_as_by_a_linear_model(
    name: str, figure: str, tmp_path: Path
) -> None:
    with h5py.File(SHIPPED / f"{name}.h5") as file:
        x, y = (np.concatenate([file[f"{k}_train"], file[f"{k}_test"]]) for k in "xy")
        held = len(file["y_test"])
    file = SHIPPED / f"{name}.h5"
    assert reached(tmp_path, file, file, figure) >= figure_of_linear(x, y, held, figure) - NOISE


X = np.random.default_rng(0).normal(size=(60, 3))
KINDS: dict[str, tuple[Array, str, int]] = {
    "bools": (X[:, 0] > 0, "binary_cross_entropy", 1),
    "text": (np.where(X[:, 0] > 0, b"yes", b"no"), "binary_cross_entropy", 1),
    "minus_and_plus_1": (np.sign(X[:, 0]), "binary_cross_entropy", 1),
    "one_hot": (np.eye(3, dtype=np.uint8)[np.arange(60) % 3], "cross_entropy", 3),
    "one_hot_of_two": (np.eye(2)[np.arange(60) % 2], "binary_cross_entropy", 1),
    "from_1": (1 + np.arange(60) % 4, "cross_entropy", 4),
    "row": ((np.arange(60) % 3).reshape(1, 60), "cross_entropy", 3),
    "flags": ((X > 0).astype(int), "binary_cross_entropy", 3),
    "numbers": (X**2, "mean_squared_error", 3),
    "column": (X[:, :1] ** 3, "mean_squared_error", 1),
    "counts": (np.arange(60)[::-1], "poisson", 1),
    "prices": (np.round(1e6 * np.exp(X[:, 0])).astype(int), "mean_squared_error", 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_y_begins_to_train(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the loss that fits it; in the working directory and under the name of the data."""
    monkeypatch.chdir(tmp_path)
    y, loss, outputs = KINDS[kind]
    with h5py.File("some.h5", "w") as file:
        file["x"], file["y"] = X, y
    begun = deepnet("init", "some.h5")
    assert (begun.code, begun.out) == (0, ""), begun.err
    assert begun.err == "wrote some.yaml\nnext: deepnet check some.yaml\n"
    config: Any = parse(Path("some.yaml").read_bytes(), "").tree
    assert (config["loss"], config["model"]["layers"][-1]) == (loss, outputs)
    result = deepnet("train", "some.yaml", "--dry-run")
    assert result.code == 0, result.err


def write(path: Path, **datasets: Array) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return path


def tree_of(*args: str | Path) -> Any:
    """What `deepnet init ARGS -o -` says, as our reader reads it."""
    result = deepnet("init", *args, "-o", "-")
    assert result.code == 0, result.err
    return parse(result.out.encode(), "").tree


def test_parts_of_its_own_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that there are; the others are split off."""
    monkeypatch.chdir(tmp_path)
    y = np.arange(60) % 2
    write(tmp_path / "a.h5", x=X, y=y, x_test=X[:9], y_test=y[:9])
    data = tree_of("a.h5")["data"]
    assert (data["train"], data["test"]) == ("a.h5", "a.h5")
    assert data["validation"] == {"fraction": 0.15, "stratify": True}
    write(tmp_path / "b.h5", x_train=X, y_train=y, x_val=X[:9], y_val=y[:9])
    data = tree_of("b.h5")["data"]
    assert (data["train"], data["validation"], "test" in data) == ("b.h5", "b.h5", False)


def test_names_that_say_nothing_are_written(tmp_path: Path) -> None:
    file = write(tmp_path / "a.h5", spectra=X, species=np.arange(60) % 2, other=X[:, 0])
    named = {"x": "spectra", "y": "species"}
    data = tree_of(file, "--x", "spectra", "--y", "species")["data"]
    assert {key: data["train"][key] for key in named} == named


def test_names_that_are_given_are_written(tmp_path: Path) -> None:
    """Though they say what they are: by itself another would be found."""
    file = write(tmp_path / "a.h5", x=X, x_smooth=X[:, :1], y=np.arange(60) % 2)
    data = tree_of(file, "--x", "x_smooth")["data"]
    assert (data["train"]["x"], data["train"]["y"]) == ("x_smooth", "y")


def byte_numbers(high: int) -> Array:
    return np.random.default_rng(2).integers(0, high, (60, 6), np.uint8)


BYTES: dict[str, tuple[Array, list[bytes], object]] = {
    "images": (byte_numbers(256).reshape(60, 2, 3), [], 255),
    "images, flat": (byte_numbers(256), [], 255),
    "columns with names": (byte_numbers(256), [b"a", b"b", b"c", b"d", b"e", b"f"], "standardize"),
    "small numbers": (byte_numbers(9), [], "standardize"),
    "one age": (byte_numbers(9) * [1, 9, 1, 1, 1, 1], [], "standardize"),
    "flags": (byte_numbers(2), [], "none"),
}
"""x, names of its columns, and how it is to be scaled."""


@pytest.mark.parametrize(("x", "names", "scale"), BYTES.values(), ids=BYTES)
def test_bytes_are_pixels_only_in_images(
    tmp_path: Path, x: Array, names: list[bytes], scale: object
) -> None:
    """Numbers that are small beside 255 would hardly be seen; inspect says what init writes."""
    file = write(tmp_path / "a.h5", x=x.astype(np.uint8), y=np.arange(60) % 2)
    with h5py.File(file, "a") as opened:
        opened["x"].attrs.update({"feature_names": names} if names else {})
    assert tree_of(file)["data"]["scale"] == scale
    told = json.loads(deepnet("inspect", file, "--json").out)["remarks"]
    assert [r["do"] for r in told if r["kind"] == "scales"] == (
        [] if scale == 255 else [f"data.scale: {scale}"]
    )


def test_weights_and_groups_are_used(tmp_path: Path) -> None:
    more = {"Groups": np.arange(60) // 3, "weights_train": np.ones(60), "group": np.ones(7)}
    file = write(tmp_path / "a.h5", x=X, y=np.arange(60) % 2, **more)
    config = tmp_path / "a.yaml"
    assert deepnet("init", file, "-o", config).code == 0
    tree: Any = parse(config.read_bytes(), "").tree
    assert tree["data"]["train"] == {"file": "a.h5", "weights": "weights_train", "groups": "Groups"}
    assert deepnet("train", config, "--dry-run").code == 0


NAN, EVERY = np.nan, np.arange(60)
GONE = np.where(EVERY % 9 == 0, -999, X[:, 0])
TAKEN: dict[str, tuple[dict[str, Any], dict[str, object]]] = {
    "an empty column": (
        {"x": X * [1, NAN, 1]},
        {"data.impute": {"constant": 0}},
    ),
    "weights of 0": ({"weights": 0.0 * EVERY}, {"data.train": "a.h5"}),
    "weights below 0": ({"weights": EVERY - 1.0}, {"data.train": "a.h5"}),
    "weights of NaN": ({"weights": NAN * EVERY}, {"data.train": "a.h5"}),
    "weights of text": ({"weights": EVERY.astype("S")}, {"data.train": "a.h5"}),
    "one group": ({"groups": EVERY * 0}, {"data.train": "a.h5"}),
    "two groups": ({"groups": EVERY % 2}, {"data.train": "a.h5"}),
    "another width": ({"x_test": X[:, 1:], "y_test": EVERY % 2}, {"data.test": None}),
    "a test part without y": ({"x_test": X[:7], "z": 1.0}, {"data.test": None}),
    "a fill value": (
        {"x": np.column_stack([GONE, X[:, 1:]])},
        {"data.missing": -999, "data.impute": {"name": "median", "indicators": True}},
    ),
    "two fill values": (
        {"x": np.column_stack([GONE, np.where(EVERY % 7, X[:, 1], 1e20), X[:, 2]])},
        {"data.missing": [-999, 1e20], "data.impute": {"name": "median", "indicators": True}},
    ),
    "a fill value that is a number elsewhere": (
        {"x": np.column_stack([GONE, X[:, 1] * 1000])},
        {"data.missing": None, "data.impute": None},
    ),
    "categories": (
        {"x": np.column_stack([X[:, 0], EVERY % 3, np.where(EVERY == 4, NAN, EVERY % 4)])},
        {"data.one_hot": {"columns": ["b", 2], "unknown": "zeros"}, "data.impute": "mean"},
    ),
    "categories alone": (
        {"x": np.column_stack([EVERY % 2, EVERY % 3, EVERY % 4])},
        {"data.one_hot": {"columns": ["b", 2], "unknown": "zeros"}},
    ),
}
"""What is put in a file, and what the config says; None is nothing."""


@pytest.mark.parametrize(("more", "keys"), TAKEN.values(), ids=TAKEN)
def test_train_takes_what_is_written(
    tmp_path: Path, more: dict[str, Any], keys: dict[str, object]
) -> None:
    """What cannot be used is told, at the side."""
    file = write(tmp_path / "a.h5", **({"x": X, "y": EVERY % 2} | more))
    if "data.one_hot" in keys:
        with h5py.File(file, "a") as opened:
            names = {"a": ["no", "yes"], "b": ["k", "l", "m"], "2": ["p", "q", "r", "s"]}
            opened["x"].attrs["feature_names"] = [*names]
            opened["x"].attrs.update({f"categories.{name}": each for name, each in names.items()})
    config = tmp_path / "a.yaml"
    begun = deepnet("init", file, "-o", config)
    assert begun.code == 0, begun.err
    result = deepnet("train", config, "--dry-run")
    assert result.code == 0, result.err
    tree: Any = parse(config.read_bytes(), "").tree
    for key, value in keys.items():
        assert tree["data"].get(key.removeprefix("data.")) == value
    if "a.h5" in keys.values() or "data.test" in keys:
        assert "not used" in config.read_text()
    assert ("999" in begun.err) is (None in keys.values() and "data.missing" in keys)


def test_examples_may_be_on_the_last_axis(tmp_path: Path) -> None:
    file = write(tmp_path / "a.h5", x=X.T, y=np.arange(60) % 2)
    config = tmp_path / "a.yaml"
    assert deepnet("init", file, "-o", config).code == 0
    assert deepnet("train", config, "--dry-run").code == 0
    assert parse(config.read_bytes(), "").tree["data"]["examples"] == "last"  # type: ignore[index]


def test_paths_are_those_from_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("data", "configs"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "data" / "a.h5", x=X, y=X[:, 0])
    monkeypatch.chdir(tmp_path / "data")
    assert deepnet("init", "a.h5", "-o", "../configs/b.yaml").code == 0
    config: Any = parse((tmp_path / "configs" / "b.yaml").read_bytes(), "").tree
    assert config["data"]["train"] == "../data/a.h5"
    monkeypatch.chdir(tmp_path)
    assert deepnet("train", "configs/b.yaml", "--dry-run").code == 0


def test_a_config_is_not_written_over(tmp_path: Path) -> None:
    file, config = write(tmp_path / "a.h5", x=X, y=X[:, 0]), tmp_path / "a.yaml"
    config.write_text("mine\n")
    assert_refused(deepnet("init", file, "-o", config), 2, ["a.yaml", "is there already", "-o"])
    assert config.read_text() == "mine\n"


def test_json_holds_what_the_config_does(tmp_path: Path) -> None:
    file = write(tmp_path / "a.h5", x=X, y=X[:, 0])
    told = json.loads(deepnet("init", file, "-o", "-", "--json").out)
    assert told["config"] == tree_of(file)
    assert "mean 0" in told["reasons"]["data.scale"]


def test_troubles_are_told(tmp_path: Path) -> None:
    y = X[:, 0].copy()
    file = write(tmp_path / "a.h5", x=np.column_stack([X[:, 1], y]), y=y)
    result = deepnet("init", file, "-o", tmp_path / "a.yaml")
    assert "warning: column 1 is y itself" in result.err


LABELS = np.arange(60) % 2
REFUSED: dict[str, tuple[dict[str, Array], list[str]]] = {
    "constant": ({"y": np.ones(60)}, ["'y'", "nothing to learn"]),
    "text": ({"y": np.full((60, 2), b"a")}, ["'y'", "text"]),
    "missing": ({"y": np.where(np.arange(60) == 7, np.nan, X[:, 0])}, ["'y'", "row 7", "remove"]),
    "infinite": ({"x": np.where(X > 2, np.inf, X), "y": LABELS}, ["'x'", "infinite", "NaN"]),
    "no_y": ({}, ["a.h5", "cannot tell which dataset is y"]),
    "unclear_x": ({"one": X, "two": X, "y": LABELS}, ["could be x"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_learned_is_refused(name: str, tmp_path: Path) -> None:
    more, words = REFUSED[name]
    x = {} if name == "unclear_x" else {"x": X}
    file = write(tmp_path / "a.h5", **(x | more))
    result = deepnet("init", file, "-o", tmp_path / "a.yaml")
    assert_refused(result, 3, words)
    assert not (tmp_path / "a.yaml").exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    assert_refused(deepnet("init", tmp_path / "a.csv", "-o", tmp_path / "a.yaml"), 3, ["a.csv"])
    assert_refused(deepnet("init", tmp_path / "b.h5", "-o", "-"), 3, ["b.h5", "no such file"])


def test_the_page_shows_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/data/starting.md"""
    page = (SHIPPED.parent / "docs" / "data" / "starting.md").read_text()
    _, _, rest = page.partition("```yaml\n")
    (tmp_path / "data").mkdir()
    shutil.copy(SHIPPED / "digits.h5", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    assert deepnet("init", "data/digits.h5").code == 0
    assert Path("digits.yaml").read_text() == rest.partition("```")[0]


def test_a_model_is_no_data(tmp_path: Path) -> None:
    result = deepnet("init", train_small(tmp_path) / "model.h5", "-o", "-")
    assert_refused(result, 3, ["model.h5: is a model"])
