"""Several files are one: trained on as the same rows in one file are."""

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import deepnet
from samples import parameters, write_blobs, write_config

from deepnet_cli.config.job import load_job
from deepnet_cli.data.files import chunks, opened
from deepnet_cli.data.reading.stored import KEPT, Piece, Stored

FORMS: dict[str, Any] = {
    "a list": ["days/1.h5", "days/2.h5", "days/3.h5"],
    "a pattern": "days/[0-9].h5",
    "both": ["days/1.h5", "days/[23].h5"],
    "with names": {"file": "days/*.h5", "x": "x", "y": "y"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """all.h5, and its rows in three files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "days").mkdir()
    whole = write_blobs(tmp_path / "all.h5", m=90)
    with h5py.File(whole, "a") as file:
        file["patient"] = [f"p{k // 4}" for k in range(90)]
        for k, (first, last) in enumerate([(0, 20), (20, 33), (33, 90)], 1):
            with h5py.File(f"days/{k}.h5", "w") as day:
                for name in ("x", "y", "patient"):
                    day[name] = file[name][first:last]
    return tmp_path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stream", [False, True])
def test_training_is_as_on_one_file(folder: Path, form: str, stream: bool) -> None:
    training = {"batch_size": 7, "shuffle": False, "iterations": 30}
    for name, train in (("one", "all.h5"), ("several", FORMS[form])):
        data = {"train": train, "validation": {"fraction": 0.2}, "stream": stream}
        write_config(folder / f"{name}.yaml", data=data, training=training)
        assert deepnet("train", f"{name}.yaml", "--run-dir", name).code == 0
    one, several = parameters(folder / "one"), parameters(folder / "several")
    for name in one:
        np.testing.assert_array_equal(one[name], several[name])
    again = deepnet("train", "several/config.yaml", "--run-dir", "again")
    assert again.code == 0
    assert (folder / "again/model.h5").read_bytes() == (folder / "several/model.h5").read_bytes()


def test_groups_are_the_same_in_every_file(folder: Path) -> None:
    """A patient whose rows are in two files is in one part."""
    for name, file in (("one", "all.h5"), ("several", "days/*.h5")):
        data = {"train": {"file": file, "groups": "patient"}, "test": {"fraction": 0.3}}
        write_config(folder / f"{name}.yaml", data=data)
    one, several = (load_job(folder / f"{name}.yaml").dataset for name in ("one", "several"))
    for name in one.parts:
        assert one.parts[name].digests == several.parts[name].digests


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"x": np.zeros((5, 3), np.float32)},
            "'x' has 3 features but days/1.h5: 'x' has 4 features",
        ),
        ({"y": np.array([b"a"] * 5)}, "'y' holds text but days/1.h5: 'y' holds numbers"),
        ({"y": np.eye(5, 3)}, "'y' has 3 columns but days/1.h5: 'y' has 1 column"),
        (
            {"list_classes": np.array([b"a", b"b", b"c"])},
            "'y' has other names of its classes than days/1.h5: 'y'",
        ),
        ({"patient": np.arange(5)}, "'x' has groups that are numbers but days/1.h5: 'x' has"),
        ({"day": [b"2024-01-31"] * 5}, "'x' has times that are dates but days/1.h5: 'x' has"),
        ({"x": np.zeros((5, 2, 2))}, "'x' has examples of shape (2, 2) but days/1.h5"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    folder: Path, change: dict[str, Any], told: str
) -> None:
    with h5py.File("days/2.h5", "w") as day:
        whole = {"x": np.zeros((5, 4)), "y": np.arange(5) % 3, "patient": [b"p"] * 5}
        for name, values in {**whole, "day": np.arange(5), **change}.items():
            day[name] = values
    for name, m in (("1", 20), ("3", 57)):
        with h5py.File(f"days/{name}.h5", "a") as day:
            day["day"] = np.arange(m)
    train = {"file": "days/*.h5", "groups": "patient", "times": "day"}
    write_config(folder / "c.yaml", data={"train": train})
    result = deepnet("train", "c.yaml")
    assert result.code == 3
    assert f"days/2.h5: {told}" in result.err


def test_a_pattern_without_a_match_is_told(folder: Path) -> None:
    write_config(folder / "c.yaml", data={"train": "nights/*.h5"})
    result = deepnet("train", "c.yaml")
    assert result.code == 3
    assert "nights/*.h5: no file has a name like this" in result.err


def test_row_numbers_say_which_file_they_are_in(folder: Path) -> None:
    with h5py.File("days/1.h5", "a") as day:
        day["held"] = [0, 1]
    for part in ({"rows": "held"}, {"rows": "held", "file": "days/1.h5"}):
        write_config(folder / "c.yaml", data={"train": "days/*.h5", "test": part})
        result = deepnet("train", "c.yaml")
        assert result.code == (0 if "file" in part else 3), result.err
        if result.code:
            assert (
                "several files; say which: file: FILE" in result.err or "no dataset" in result.err
            )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("bad", ["x", "y"])
@pytest.mark.parametrize("row", [0, 30, 56])
@pytest.mark.parametrize("split", [None, {"fraction": 0.4}])
def test_a_bad_value_is_told_with_its_file_and_its_row_there(
    folder: Path, bad: str, row: int, split: dict[str, Any] | None, stream: bool
) -> None:
    with h5py.File("days/3.h5", "a") as day:
        if bad == "x":
            day["x"][row, 1] = np.nan
        else:
            y = day["y"][()].astype(float)
            y[row] = 0.5
            del day["y"]
            day["y"] = y
    data = {"train": "days/*.h5", "validation": split, "stream": stream}
    write_config(folder / "c.yaml", data={key: value for key, value in data.items() if value})
    result = deepnet("train", "c.yaml")
    told = "NaN at row {}, column 1" if bad == "x" else "0.5 at row {} is not a class label"
    assert result.code == 3
    assert f"days/3.h5: '{bad}': {told.format(row)}" in result.err


@pytest.fixture
def pieces(tmp_path: Path) -> list[Piece]:
    """Of more files than stay open; every value of a row is its number."""
    found = []
    for k in range(3 * KEPT):
        with h5py.File(tmp_path / f"{k}.h5", "w") as file:
            rows = np.repeat(np.arange(10 * k, 10 * k + 10.0), 3).reshape(10, 3)
            file.create_dataset("x", data=rows, chunks=(4, 3), compression="gzip")
        found.append(Piece(tmp_path / f"{k}.h5", "x"))
    return found


def open_files() -> int:
    return int(h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE))


def test_few_files_stay_open_and_none_when_nobody_reads_them(pieces: list[Piece]) -> None:
    gc.collect()
    before, stored = open_files(), Stored(tuple(pieces))
    np.testing.assert_array_equal(stored[:][:, 0], np.arange(30 * KEPT))
    assert before < open_files() <= before + KEPT
    del stored
    pieces.clear()
    gc.collect()
    assert open_files() <= before


def test_threads_read_the_same_files_in_any_order(pieces: list[Piece]) -> None:
    stored = Stored(tuple(pieces))

    def wrong(seed: int) -> int:
        starts = np.random.default_rng(seed).integers(0, len(stored), 60)
        return sum(
            not (stored[a : a + 7][:, 0] == np.arange(a, len(stored))[:7]).all() for a in starts
        )

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(wrong, range(4))) == 0


def test_a_dataset_is_checked_once_and_a_large_chunk_unpacked_once(
    pieces: list[Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []
    monkeypatch.setattr(opened, "check_storage", lambda *args: checked.append(args[1]))
    monkeypatch.setattr(chunks, "UNPACKED", 4 * 3 * 8 - 1)
    with h5py.File(pieces[0].file) as file:
        answers = opened.Opened(file, "f.h5")
        for _ in range(3):
            np.testing.assert_array_equal(answers.read("x")[:, 0], np.arange(10))
        answers.dataset("x")
        room = answers._dataset("x").id.get_access_plist().get_chunk_cache()[1]
    assert room == 4 * 3 * 8
    assert checked == ["x"]
