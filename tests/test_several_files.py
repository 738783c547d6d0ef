"""Several files are one: trained on as the same rows in one file are."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import deepnet
from samples import parameters, write_blobs, write_config

from deepnet_cli.config.job import load_job

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
        ({"x": np.zeros((5, 3), np.float32)}, "other features than in days/1.h5: 'x'"),
        ({"y": np.array([b"a"] * 5)}, "other labels that are text, or not than in"),
        ({"y": np.eye(5, 3)}, "other columns in y than in"),
        ({"x": np.zeros((5, 2, 2))}, "other axes of an example than in"),
        ({"list_classes": np.array([b"a", b"b", b"c"])}, "other names of the classes than in"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    folder: Path, change: dict[str, Any], told: str
) -> None:
    with h5py.File("days/2.h5", "w") as day:
        for name, values in {"x": np.zeros((5, 4)), "y": np.arange(5) % 3, **change}.items():
            day[name] = values
    write_config(folder / "c.yaml", data={"train": "days/*.h5"})
    result = deepnet("train", "c.yaml")
    assert result.code == 3
    assert "days/2.h5: 'x': " + told in result.err


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


def test_messages_say_that_there_are_more(folder: Path) -> None:
    with h5py.File("days/3.h5", "a") as day:
        day["x"][3, 1] = np.nan
    write_config(folder / "c.yaml", data={"train": "days/*.h5"})
    result = deepnet("train", "c.yaml")
    assert result.code == 3
    assert "days/1.h5: 'x' and 2 more files: NaN at row 36, column 1" in result.err
