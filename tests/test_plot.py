"""deepnet plot, as a user types it."""

import json
import os
import shutil
from pathlib import Path

import pytest
from cli import assert_refused, assert_says, deepnet
from kinds import trained

from deepnet_cli.report.pictures.registry import PICTURES
from deepnet_cli.training.kept.lock import Lock


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs `three/run` and `number/run`."""
    folder = tmp_path_factory.mktemp("plot")
    for name in ("three", "number"):
        trained(folder, name, data={"validation": {"fraction": 0.2}})
    return folder


@pytest.fixture
def here(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty but for links to the runs and their data."""
    for path in place.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_name_the_file_is_called_as_the_run(here: Path) -> None:
    result = deepnet("plot", "three/run", "--kind", "cost")
    assert result.code == 0, result.err
    assert (here / "run-cost.png").read_bytes().startswith(b"\x89PNG")
    assert_says(result.err, ["wrote run-cost.png", "next: deepnet report three/run"])
    assert result.out == ""
    assert_refused(deepnet("plot", "three/run", "--kind", "cost"), 2, ["run-cost.png", "--force"])
    assert deepnet("plot", "three/run", "--kind", "cost", "--force").code == 0


def test_runs_are_laid_over_each_other(here: Path) -> None:
    result = deepnet("plot", "three/run", "number/run", "--kind", "cost", "-o", "both.svg")
    assert result.code == 0, result.err
    assert (here / "both.svg").read_text().startswith("<?xml")
    assert result.err.endswith("next: deepnet report three/run\n")  # they cannot be compared
    result = deepnet("plot", "three/run", "three/run", "--kind", "cost", "-o", "same.svg")
    assert result.err.endswith("next: deepnet compare three/run three/run\n")
    measured = ("plot", "three/run/model.h5", "three/run", "--kind", "confusion", "--json")
    result = deepnet(*measured, "--data", "three/d.h5")
    command = result.err.splitlines()[-1].removeprefix("next: deepnet ").split()
    assert command == ["compare", *measured[1:3], "--data", "three/d.h5"]
    assert deepnet(*command).code == 0


def test_json_has_every_number(here: Path) -> None:
    result = deepnet("plot", "three/run", "--json", "--smooth", "0.5")
    found = json.loads(result.out)
    assert list(found) == [name for name in PICTURES if name in found]
    (cost,) = found["cost"]
    assert [each["style"] for each in cost["series"]] == [
        "faint",
        "line",
        "faint",
        "dashed",
        "mark",
    ]
    assert cost["series"][0]["x"] == [0, 2, 4, 6, 8]
    assert sum(map(sum, found["confusion"][0]["C"])) == 24
    assert not list(here.glob("*.png"))


def test_in_the_terminal(here: Path) -> None:
    result = deepnet("plot", "number/run", "--terminal", "-o", "too.pdf")
    assert result.out.startswith("run: test, 24 examples\n\ncost\n")
    assert max(map(len, result.out.splitlines())) <= 80
    assert "true - predicted" in result.out
    assert (here / "too.pdf").read_bytes().startswith(b"%PDF")


def test_a_run_that_has_not_ended_has_its_curves(here: Path) -> None:
    shutil.copytree(here / "three" / "run", here / "half")
    for name in ("model.h5", "summary.json"):
        (here / "half" / name).unlink()
    result = deepnet("plot", "half", "--terminal")
    assert result.code == 0
    assert "validation" in result.out
    assert_says(result.err, ["not shown: half", "the run has not ended"])
    assert_refused(deepnet("plot", "half", "--kind", "roc"), 3, ["the run has not ended"])
    (here / "half" / "history.csv").unlink()
    assert_refused(deepnet("plot", "half"), 3, ["the run has not ended"])
    going_on = Lock(here / "half")
    told = [f"the run is trained by pid {os.getpid()} on host", "wait for its end", "!--resume"]
    assert_refused(deepnet("plot", "half"), 3, told)
    assert deepnet("report", "half").err.endswith("ended: deepnet report half\n")
    going_on.release()
    assert deepnet("report", "half").err.endswith("go on: deepnet train --resume half\n")


def test_data_that_are_gone_leave_the_curves(here: Path) -> None:
    shutil.copytree(here / "three", here / "moved")
    (here / "moved" / "d.h5").unlink()
    result = deepnet("plot", "moved/run", "--terminal")
    assert result.code == 0
    assert_says(result.err, ["not shown: ", "moved/d.h5: no such file"])
    again = deepnet("plot", "moved/run", "--terminal", "--data", "three/d.h5")
    assert "d.h5, 24 examples" in again.out


def test_a_model_by_itself(here: Path) -> None:
    model = "number/run/model.h5"
    assert deepnet("plot", model, "--kind", "weights", "--terminal").code == 0
    assert_refused(deepnet("plot", model), 2, ["names no data", "--data"])
    assert_refused(deepnet("plot", model, "--kind", "cost"), 2, ["no history", "name its run"])
    result = deepnet("plot", model, "--data", "number/d.h5", "--terminal")
    assert result.code == 0
    assert "predicted against true" in result.out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["number/run", "--kind", "roc"], 2, ["no picture 'roc'", "numbers", "predicted"]),
        (["number/run", "--kind", "first_layer"], 2, ["(4) are no images", "--image"]),
        (["number/run", "--kind", "first_layer", "--image", "4"], 2, ["--image", "8x8"]),
        (["number/run", "--kind", "gradient_norms"], 2, ["gradient_norm"]),
        (["number/run", "--smooth", "1"], 2, ["--smooth", "0<=x<1"]),
        (["number/run", "-o", "a.jpg"], 2, ["a.jpg", ".png, .svg or .pdf"]),
        (["number/run", "--kind", "cost", "-o", "gone/a.png"], 6, ["gone/a.png", "no such file"]),
        (["number/run", "--x", "x_test"], 2, ["--data"]),
        (["number/run", "--part", "test", "--data", "number/d.h5"], 2, ["--part", "--data"]),
        (["number/run", "--terminal", "--json"], 2, ["--terminal", "--json"]),
        (["number/run", "--data", "gone.h5", "--kind", "residuals"], 3, ["gone.h5: no such file"]),
        (["number"], 3, ["number", "is no run"]),
        (["gone"], 3, ["gone: no such file"]),
        ([], 2, ["RUNS"]),
    ],
)
def test_bad_usage_is_told(here: Path, words: list[str], code: int, says: list[str]) -> None:
    assert_refused(deepnet("plot", *words), code, says)
    assert not list(here.glob("*.png"))
