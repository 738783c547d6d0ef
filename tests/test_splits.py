"""Parts of the training file: by time, by row numbers, by names; what is written of them, and the
rows that stand in two of them.  Held against scikit-learn and plain loops.
"""

import json
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, assert_says, deepnet
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import same_files, write_blobs, write_config
from sklearn.model_selection import (
    GroupKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from deepnet_cli.config import shared_rows
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.data.files.here import Here
from deepnet_cli.data.files.opened import Opened
from deepnet_cli.data.reading.row_numbers import read_row_numbers
from deepnet_cli.data.reading.splitting import chain, folds, latest, split
from deepnet_cli.data.reading.tables import Location, read_table
from deepnet_cli.nn.types import Array

law = settings(max_examples=40, derandomize=True, deadline=None)
M = 48


# In order of time


@law
@given(st.integers(2, 9), st.integers(0, 60), st.integers(0, 5))
def test_folds_in_time_are_those_of_scikit_learn(k: int, more: int, seed: int) -> None:
    m = k + 1 + more
    times = np.random.default_rng(seed).permutation(m) - 3
    by_time = times.argsort()
    for fold, expected in enumerate(TimeSeriesSplit(k).split(by_time), start=1):
        for found, rows in zip(chain(times, fold, k), expected, strict=True):
            np.testing.assert_array_equal(found, np.sort(by_time[rows]))


MOMENTS = st.lists(st.integers(-9, 9), min_size=2, max_size=60).filter(lambda t: len(set(t)) > 1)


@law
@given(MOMENTS, st.floats(0.01, 0.99))
def test_what_is_held_out_came_last(moments: list[int], fraction: float) -> None:
    """Rows of one time together; no other cut between two times is nearer to the fraction."""
    times, m = np.array(moments), len(moments)
    kept, held = latest(times, fraction)
    np.testing.assert_array_equal(np.sort([*kept, *held]), np.arange(m))
    assert (np.diff(kept) > 0).all()
    assert (np.diff(held) > 0).all()
    assert times[kept].max() < times[held].min()
    wanted = len(split(m, fraction, 0, "test split")[1])
    possible = [(times >= t).sum() for t in set(moments) - {min(moments)}]
    assert abs(len(held) - wanted) == min(abs(n - wanted) for n in possible)


CALLED: dict[str, Any] = {
    "numbers": list(range(6)),
    "negative": [-1, -2, 3, -3, 0, 9],
    "large": [2**62 + i for i in range(6)],
    "halves": [i / 2 for i in range(6)],
    "text": list("fbadce"),
    "bools": [True, False] * 3,
}


@pytest.mark.parametrize("called", CALLED)
@law
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=2, max_size=50),
    st.floats(0.01, 0.99),
)
def test_groups_stay_whole_in_time(
    called: str, rows: list[tuple[int, int]], fraction: float
) -> None:
    """One that is held out ended after every one that is kept."""
    times = np.array([t for t, _ in rows])
    groups = np.array([CALLED[called][g] for _, g in rows])
    ended = {g: times[groups == g].max() for g in groups}
    if len(set(ended.values())) > 1:
        kept, held = latest(times, fraction, groups)
        assert not set(groups[kept]) & set(groups[held])
        assert max(ended[g] for g in groups[kept]) < min(ended[g] for g in groups[held])


# Shares


@settings(max_examples=12, derandomize=True, deadline=None)
@given(st.integers(2, 6), st.integers(0, 100))
def test_strata_and_groups_are_as_even_as_those_of_scikit_learn(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(30), rng.integers(1, 8, 30))
    m, y = len(groups), rng.integers(0, 3, len(groups))

    def shares(fold: Array) -> Array:
        return np.array([np.bincount(fold[y == c], minlength=k) for c in range(3)])

    def theirs(kind: Any, *of: Array) -> Array:
        fold = np.zeros(m, int)
        for f, (_, test) in enumerate(kind.split(np.zeros((m, 1)), y, *of)):
            fold[test] = f
        return fold

    plain = shares(theirs(StratifiedKFold(k)))
    np.testing.assert_array_equal(np.sort(shares(folds(m, k, seed, y))), np.sort(plain))
    sizes = [
        np.bincount(f) for f in (folds(m, k, seed, None, groups), theirs(GroupKFold(k), groups))
    ]
    assert np.ptp(sizes[0]) <= np.ptp(sizes[1])
    ours = shares(folds(m, k, seed, y, groups)).std(axis=1).sum()
    assert ours <= shares(theirs(StratifiedGroupKFold(k), groups)).std(axis=1).sum() + 1
    kept, held = split(m, 1 / k, seed, "test split", y, groups)
    assert not set(groups[kept]) & set(groups[held])
    for c in range(3):
        assert abs((y[held] == c).sum() - (y == c).sum() / k) <= 7


# In a file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """blobs.h5: row i of x is (i, ...), with times out of order, groups and row numbers."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    days = np.datetime64("2024-02-20") + rng.permutation(M)
    with h5py.File("blobs.h5", "w") as file:
        file["x"] = np.column_stack([np.arange(M), rng.normal(size=(M, 3))])
        file["y"] = np.arange(M) % 3
        file["when"], file["day"] = rng.permutation(M) / 7, [str(day).encode() for day in days]
        file["who"] = np.arange(M) // 6
        file["some"], file["others"] = [7, 3, 40], [[1.0, 2.0, 47.0]]
        file["mask"], file["ones"] = np.arange(M) % 5 == 0, (np.arange(M) % 5 == 1).astype("u1")
        file["x_more"], file["y_more"] = 100 + file["x"][:6], file["y"][:6]
        for name, values in BAD.items():
            file[f"bad/{name}"] = values
    with h5py.File("rows.h5", "w") as file:
        file["held"] = np.arange(10, 20)
    return tmp_path


BAD: dict[str, Any] = {
    "beyond": [1, M],
    "from_one": np.arange(1, M + 1),
    "negative": [-1],
    "halves": [1, 2.5],
    "nan": [np.nan],
    "twice": [5, 8, 5],
    "none": np.zeros(0, int),
    "no_row": np.zeros(M, bool),
    "text": [b"a"],
    "short": [True, False],
    "table": np.zeros((3, 2), int),
    "zones": [b"2024-01-31T00:00Z"] * M,
    "german": [b"31.01.2024"] * M,
    "missing": [b""] * M,
    "no_time": [*range(M - 1), np.inf],
    "one_time": np.ones(M),
}


def job_of(data: dict[str, Any], **train: str) -> Job:
    whole = {"train": {"file": "blobs.h5", "x": "x", "y": "y"} | train, "scale": "none"} | data
    return load_job(write_config(Path("c.yaml"), data=whole))


def rows_of(job: Job) -> dict[str, list[int]]:
    """Which rows the parts hold, read off their first column."""
    return {
        name: [int(i) for block in part.blocks() for i in block.rows[:, 0]]
        for name, part in job.dataset.parts.items()
    }


def column(name: str, file: str = "blobs.h5") -> Array:
    with h5py.File(file) as source:
        values: Array = source[name][()]
        return values


def but(*parts: list[int]) -> list[int]:
    return [i for i in range(M) if all(i not in part for part in parts)]


SOME, OTHERS = [3, 7, 40], [1, 2, 47]
FIVES, SIXES, HELD = [*range(0, M, 5)], [*range(1, M, 5)], [*range(10, 20)]
LAST = {"fraction": 0.25, "take": "last"}
QUARTER = [*range(36, M)]

NAMED: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, list[int]]]] = {
    "numbers": ({"test": {"rows": "some"}}, {}, {"train": but(SOME), "test": SOME}),
    "a row of floats": ({"validation": {"rows": "others"}}, {}, {"validation": OTHERS}),
    "a mask": ({"test": {"rows": "mask"}}, {}, {"train": but(FIVES), "test": FIVES}),
    "ones": ({"test": {"rows": "ones"}}, {}, {"train": but(SIXES), "test": SIXES}),
    "another file": ({"test": {"rows": "held", "file": "rows.h5"}}, {}, {"test": HELD}),
    "two": (
        {"test": {"rows": "ones"}, "validation": {"rows": "some"}},
        {},
        {"train": but(SIXES, SOME), "test": SIXES, "validation": SOME},
    ),
    "to train on": ({}, {"rows": "mask"}, {"train": FIVES}),
    "all": ({"test": {"rows": "ones"}}, {"rows": "mask"}, {"train": FIVES, "test": SIXES}),
    "the last": ({"test": LAST}, {}, {"train": but(QUARTER), "test": QUARTER}),
    "the last of some": (
        {"test": LAST, "validation": {"rows": "others"}},
        {"rows": "mask"},
        {"train": FIVES[:-2], "test": FIVES[-2:], "validation": OTHERS},
    ),
    "the last twice": (
        {"test": LAST, "validation": LAST | {}},
        {},
        {"train": [*range(27)], "validation": [*range(27, 36)], "test": QUARTER},
    ),
    "names": ({"test": {"x": "x_more", "y": "y_more"}}, {}, {"test": [*range(100, 106)]}),
    "a name": ({"test": {"x": "x_more", "y": "y_more"}}, {"rows": "mask"}, {"train": FIVES}),
}


@pytest.mark.parametrize("stream", [False, True], ids=["in memory", "streamed"])
@pytest.mark.parametrize("kind", NAMED)
def test_the_rows_that_are_asked_for(folder: Path, kind: str, stream: bool) -> None:
    data, train, expected = NAMED[kind]
    found = rows_of(job_of(data | {"stream": stream}, **train))
    assert {name: found[name] for name in expected} == expected
    assert set(found) == {"train", *data}


def test_rows_of_rows_keep_their_numbers(folder: Path) -> None:
    table = read_table(Location(Path("blobs.h5"), "x", "y"), "train", last=False)
    some = table.take(np.array([5, 9, 30])).take(np.array([0, 2]))
    assert [some.number(0), some.number(1)] == [5, 30] == some.rows[:][:, 0].tolist()
    assert some.selection is not None
    assert some.selection.of == M


def test_what_says_how_to_split_is_neither_x_nor_y(folder: Path) -> None:
    """It has the length of y, which is found because nothing else has."""
    with h5py.File("plain.h5", "w") as file, h5py.File("blobs.h5") as source:
        names = {"measures": "x", "answer": "y", "t": "when", "g": "who", "r": "mask", "s": "ones"}
        for name, of in names.items():
            file[name] = source[of][()]
    data = {
        "train": {"file": "plain.h5", "times": "t", "groups": "g", "rows": "r"},
        "test": {"rows": "s"},
    }
    found = rows_of(load_job(write_config(Path("c.yaml"), data=data)))
    assert found == {"train": FIVES, "test": SIXES}


@law
@given(st.lists(st.booleans(), min_size=1, max_size=6), st.data())
def test_a_mask_names_the_rows_that_their_numbers_do(mask: list[bool], data: st.DataObject) -> None:
    """Bools of any number; 0 and 1 where they cannot be numbers, each of which stands once."""
    m, rows = len(mask), [i for i, named in enumerate(mask) if named]
    kinds: list[Any] = [np.array(mask)]
    kinds += [np.array(mask, "u1"), np.array(mask, "f8")] if m > 2 else []
    kinds += [np.array(data.draw(st.permutations(rows)), kind) for kind in ("i8", "u2", "f4")]
    for values in kinds if rows else ():
        if values.dtype == bool or m > 2 or len(values) < m:
            file = h5py.File(BytesIO(), "w")
            file["rows"] = values
            source = Source(Here(Opened(file, "r.h5")), "r.h5")
            assert read_row_numbers(source, "rows", m, "x").tolist() == rows


@pytest.mark.parametrize("times", ["when", "day"])
def test_named_times_say_what_came_last(folder: Path, times: str) -> None:
    """Numbers or dates, with nothing else asked for; each part before the next."""
    job = job_of({"test": {"fraction": 0.25}, "validation": {"fraction": 0.2}}, times=times)
    found, came = rows_of(job), column(times)
    assert [len(found[name]) for name in ("train", "validation", "test")] == [29, 7, 12]
    for one, other in combinations(("train", "validation", "test"), 2):
        assert came[found[one]].max() < came[found[other]].min()
    drawn = rows_of(job_of({"test": {"fraction": 0.25, "take": "random"}}, times=times))
    assert drawn == rows_of(job_of({"test": {"fraction": 0.25}}))


@pytest.mark.parametrize(
    ("data", "train", "words"),
    [
        ({"test": {"rows": "bad/beyond"}}, {}, ["'bad/beyond': 48 at 1 is no row", "0 to 47"]),
        ({"test": {"rows": "bad/from_one"}}, {}, ["they count from 0"]),
        ({"test": {"rows": "bad/negative"}}, {}, ["-1 at 0 is no row", "!count"]),
        ({"test": {"rows": "bad/halves"}}, {}, ["2.5 at 1 is no row"]),
        ({"test": {"rows": "bad/nan"}}, {}, ["nan at 0 is no row"]),
        ({"test": {"rows": "bad/twice"}}, {}, ["row 5 stands there twice, at 0 and 2"]),
        ({"test": {"rows": "bad/none"}}, {}, ["names no row"]),
        ({"test": {"rows": "bad/no_row"}}, {}, ["names no row"]),
        ({"test": {"rows": "bad/text"}}, {}, ["holds text"]),
        ({"test": {"rows": "bad/short"}}, {}, ["a mask of 2", "'x' has 48 rows"]),
        ({"test": {"rows": "bad/table"}}, {}, ["shape (3, 2)"]),
        ({"test": {"rows": "soem"}}, {}, ["no dataset 'soem'", "did you mean 'some'"]),
        ({"test": {"rows": "held", "file": "row.h5"}}, {}, ["data.test", "did you mean 'rows.h5'"]),
        ({"validation": {"rows": "bad/none"}}, {}, ["data.validation.rows"]),
        ({}, {"rows": "bad/none"}, ["data.train.rows"]),
        (
            {"test": {"rows": "some"}, "validation": {"rows": "mask"}},
            {},
            ["data.validation.rows", "1 of its 10 rows also in data.test.rows", "row 40"],
        ),
        ({"test": {"rows": "mask"}}, {"rows": "mask"}, ["10 of its 10 rows", "data.train.rows"]),
        ({"test": {"rows": "all"}}, {}, ["no row is left to train on"]),
        ({"test": {"fraction": 0.1}}, {"times": "bad/german"}, ["2024-01-31", "'bad/german'"]),
        ({"test": {"fraction": 0.1}}, {"times": "bad/zones"}, ["no time zone"]),
        ({"test": {"fraction": 0.1}}, {"times": "bad/missing"}, ["the time at row 0 is NaT"]),
        ({"test": {"fraction": 0.1}}, {"times": "bad/no_time"}, ["the time at row 47 is inf"]),
        ({"test": {"fraction": 0.1}}, {"times": "bad/one_time"}, ["one time cannot be split"]),
        (
            {"test": {"fraction": 0.1}},
            {"times": "x"},
            ["data.train.times: ", "a time for each of 48 rows"],
        ),
        ({"test": {"fraction": 0.1}}, {"times": "wen"}, ["data.train.times", "'when'"]),
        (
            {"test": {"fold": 1, "of": 48, "take": "last"}},
            {},
            ["48 examples do not make 48 folds and what comes before the first"],
        ),
        (
            {"test": {"fold": 1, "of": 8}},
            {"times": "when", "groups": "who"},
            ["8 times do not make 8 folds"],
        ),
        (
            {"test": {"fraction": 0.2, "stratify": True}},
            {"y": "when"},
            ["data.test.stratify: ", "is not a class label; for numbers leave it out"],
        ),
    ],
)
def test_what_cannot_be(
    folder: Path, data: dict[str, Any], train: dict[str, str], words: list[str]
) -> None:
    with h5py.File("blobs.h5", "a") as file:
        file["all"] = np.arange(M)
    whole = {"train": {"file": "blobs.h5", "x": "x", "y": "y"} | train} | data
    write_config(Path("c.yaml"), data=whole)
    assert_refused(deepnet("train", "c.yaml"), 3, ["c.yaml:", "data.", *words])


def test_rows_that_part_groups_are_likely_a_mistake(folder: Path) -> None:
    (told,) = job_of({"test": {"rows": "some"}}, groups="who").warnings
    assert_says(
        told, ["c.yaml:", "data.test.rows: 3 groups have rows among these and in the train"]
    )
    job = job_of({"test": {"fraction": 0.25}}, groups="who", times="when")
    found, came, group = rows_of(job), column("when"), column("who")
    late = (came[found["train"]] >= came[found["test"]].min()).sum()
    assert not set(group[found["train"]]) & set(group[found["test"]])
    assert_says(job.warnings[0], ["data.test: groups overlap in time", f"{late} of 36 rows"])


# What is written


SPLIT: dict[str, dict[str, Any]] = {
    "drawn": {"test": {"fraction": 0.2, "stratify": True}, "validation": {"fraction": 0.2}},
    "rows": {"test": {"rows": "held", "file": "rows.h5"}, "validation": LAST},
    "names": {"test": {"x": "x_more", "y": "y_more"}, "validation": {"fold": 2, "of": 3}},
}


@pytest.mark.parametrize("kind", SPLIT)
def test_a_run_that_is_resumed_or_given_its_own_rows_is_the_same(folder: Path, kind: str) -> None:
    job_of(SPLIT[kind])
    assert deepnet("train", "c.yaml", "--run-dir", "whole", "-q").code == 0
    short = ("--set", "training.iterations=17")
    assert deepnet("train", "c.yaml", "--run-dir", "part", "-q", *short).code == 0
    assert deepnet("train", "--resume", "part", "--set", "training.iterations=40").code == 0
    same_files(Path("whole"), Path("part"))
    with h5py.File("whole/splits.h5") as file:
        rows = {name: values[()].tolist() for name, values in file.items()}
        assert (file.attrs["file"], file.attrs["examples"]) == ("../blobs.h5", M)
    found = rows_of(load_job(Path("c.yaml")))
    assert rows == {name: found[name] for name in rows}
    assert set(rows) == {"train", "validation", "test"} - ({"test"} if kind == "names" else set())
    given = [
        word
        for name in rows.keys() - {"train"}
        for word in ("--set", f"data.{name}={{file: whole/splits.h5, rows: {name}}}")
    ]
    assert deepnet("train", "c.yaml", "--run-dir", "again", "-q", *given).code == 0
    assert Path("again/splits.h5").read_bytes() == Path("whole/splits.h5").read_bytes()
    assert Path("again/history.csv").read_bytes() == Path("whole/history.csv").read_bytes()


def test_rows_of_other_examples_are_refused(folder: Path) -> None:
    job_of({"test": {"fraction": 0.5}})
    assert deepnet("train", "c.yaml", "--run-dir", "run", "-q").code == 0
    again = {"test": {"rows": "test", "file": "run/splits.h5"}}
    with h5py.File("blobs.h5", "a") as file:
        for name in ("x", "y"):
            values = file[name][()]
            del file[name]
            file[name] = np.concatenate([values, values + 0])
    with pytest.raises(Exception, match=r"run/splits.h5: its rows are those of 48 examples; .* 96"):
        job_of(again)


def test_a_run_on_all_of_a_file_has_none(folder: Path) -> None:
    job_of({})
    assert deepnet("train", "c.yaml", "--run-dir", "run", "-q").code == 0
    assert not Path("run/splits.h5").exists()


def test_folds_in_order_of_time(folder: Path) -> None:
    job_of({}, times="when")
    result = deepnet("cv", "c.yaml", "--folds", "3", "--run-dir", "cv")
    assert result.code == 0, result.err
    assert "3 folds in order of time" in result.err
    by_time = column("when").argsort()
    for k, (train, test) in enumerate(TimeSeriesSplit(3).split(by_time), start=1):
        for name, rows in (("train", train), ("test", test)):
            np.testing.assert_array_equal(
                column(name, f"cv/fold-{k}/splits.h5"), np.sort(by_time[rows])
            )


# Rows in two parts


def write_copies(rng: np.random.Generator, dtype: str = "f8") -> dict[str, tuple[Array, Array]]:
    """Three parts in files of their own, with rows of each other; -0.0 for 0.0 in some."""
    x = rng.integers(-9, 9, (60, 4)) / 4
    y = rng.integers(0, 3, 60)
    chosen = {"train": [*range(30)], "validation": [*range(28, 40)], "test": [*range(20, 50)] * 2}
    parts = {}
    for name, rows in chosen.items():
        own = x[rows] * np.where(x[rows] == 0, rng.choice([-1, 1], (len(rows), 4)), 1)
        labels = np.where(rng.random(len(rows)) < 0.2, (y[rows] + 1) % 3, y[rows])
        parts[name] = own, labels
        with h5py.File(f"{name}.h5", "w") as file:
            file["x"] = own.astype("f4" if name == "train" else dtype)
            file["y"] = labels
    files = {name: f"{name}.h5" for name in parts}
    write_config(Path("c.yaml"), data=files, training={"iterations": 2})
    return parts


@pytest.mark.parametrize("stream", [False, True], ids=["in memory", "streamed"])
@pytest.mark.parametrize("dtype", ["f4", ">f8"])
def test_rows_in_two_parts_are_counted_and_told(
    folder: Path, dtype: str, stream: bool, rng: np.random.Generator
) -> None:
    """As tuples of Python tell them."""
    parts = write_copies(rng, dtype)
    result = deepnet("train", "c.yaml", "--run-dir", "run", "--set", f"data.stream={stream}")
    told = json.loads(Path("run/summary.json").read_text())["data"]
    for here, there in (("validation", "train"), ("test", "train"), ("test", "validation")):
        first: dict[tuple[float, ...], int] = {}
        for j, row in enumerate(parts[there][0]):
            first.setdefault(tuple(row), j)
        rows = [i for i, row in enumerate(parts[here][0]) if tuple(row) in first]
        alike = [first[tuple(row)] for row in parts[here][0][rows]]
        differ = (parts[here][1][rows] != parts[there][1][alike]).sum()
        assert told[here][f"shared_with_{there}"] == len(rows) > 0
        of = f"data.{here}: {len(rows)} of {len(parts[here][0])} rows also in {there}"
        example = f"(row {rows[0]} = row {alike[0]} there), {differ} of them with another y"
        assert f"{of} {example}" in result.err
    assert "shared_with_test" not in told["train"]


def test_rows_are_compared_in_the_wider_type(folder: Path) -> None:
    """0.1 in float32 is another number than 0.1, and the same as itself in float64."""
    short = np.array([0.1, 2], np.float32)
    for name, values in (("train", short), ("test", np.array([0.1, float(short[0]), 3]))):
        with h5py.File(f"{name}.h5", "w") as file:
            file["x"] = values[:, np.newaxis]
            file["y"] = np.arange(len(values)) % 2
    model = {"layers": [1], "activations": ["sigmoid"]}
    files = {"train": "train.h5", "test": "test.h5"}
    (told,) = load_job(write_config(Path("c.yaml"), data=files, model=model)).warnings
    assert_says(told, ["data.test: 1 of 3 rows also in train (row 1 = row 0 there)"])


@pytest.mark.parametrize("stream", [False, True], ids=["in memory", "streamed"])
def test_rows_are_numbered_as_in_their_file(folder: Path, stream: bool) -> None:
    with h5py.File("blobs.h5", "a") as file:
        file["x"][41] = file["x"][4]
    data = {"test": LAST, "stream": stream}
    (told,) = job_of(data).warnings
    assert_says(told, ["data.test: 1 of 12 rows also in train (row 41 = row 4 there)", "another y"])
    with h5py.File("blobs.h5", "a") as file:
        file["y"][41] = file["y"][4]
    (told,) = job_of(data).warnings
    assert_says(told, ["data.test: 1 of 12 rows", "!another y"])


def test_equal_hashes_are_not_believed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_rows, "row_hashes", lambda rows, *_: np.zeros(len(rows), np.uint64))
    job = job_of({"test": LAST})
    assert job.dataset.shared == {"test": {"train": 0}}
    assert job.warnings == []


def test_the_row_numbers_of_a_run_are_no_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    path = write_config(tmp_path / "c.yaml", data={"test": {"fraction": 0.2}})
    assert deepnet("train", path, "--run-dir", "run").code == 0
    write_config(path, data={"test": {"file": "run/splits.h5"}})
    told = deepnet("train", path)
    assert told.code == 3
    assert "run/splits.h5: holds row numbers" in told.err
    assert "add rows: test" in told.err
    write_config(path, data={"test": {"file": "run/splits.h5", "rows": "test"}})
    assert deepnet("train", path).code == 0
