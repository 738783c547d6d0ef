"""`deepnet runs`: every run of a folder in whatever state, what differed, and any order."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli import assert_refused, assert_says, deepnet
from samples import write_blobs, write_config

from deepnet_cli.report.runs import by, differing
from deepnet_cli.training.kept.lock import Lock
from deepnet_cli.training.results.listing import Listed

RATES = {"slow": 0.001, "fast": 0.3, "wild": 1e38}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs that differ in their rate, of which one diverged; half-made ones, a damaged one
    and one that is being trained; a cross-validation; and what is no run.
    """
    folder = tmp_path_factory.mktemp("runs")
    write_blobs(folder / "blobs.h5")
    config = write_config(folder / "c.yaml", data={"validation": {"fraction": 0.3}})
    for name, rate in RATES.items():
        setting = f"training.learning_rate={rate}"
        code = deepnet("train", config, "--set", setting, "--run-dir", folder / name, "-q").code
        assert code == (4 if name == "wild" else 0)
    assert deepnet("cv", config, "--folds", "3", "--run-dir", folder / "cv", "-q").code == 0
    for name in ("half", "longer", "damaged", "busy"):
        shutil.copytree(folder / "slow", folder / name)
    (folder / "half" / "summary.json").unlink()
    newest = max((folder / "longer" / "checkpoints").iterdir())
    newest.rename(newest.with_name("iteration-000000050.h5"))  # as if it had gone on
    (folder / "damaged" / "summary.json").write_text('{"stopped": ')
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    lock = Lock(folder / "busy")
    result = deepnet("runs", ".", "--json")
    lock.release()
    assert result.code == 0
    assert_says(result.err, ["damaged/summary.json", "not a run's summary"])
    return {run["run"]: run for run in json.loads(result.out)["runs"]}


def test_each_run_is_listed_in_its_state(listed: dict[str, Any]) -> None:
    states = {name: run["state"] for name, run in listed.items()}
    assert states == {
        "slow": "completed",
        "fast": "completed",
        "wild": "diverged",
        "half": "broken off",
        "longer": "broken off",
        "damaged": "damaged",
        "busy": "training",
        "cv": "3 folds",
    }
    assert listed["half"]["updates"] == 40
    assert listed["longer"]["updates"] == 50


def test_its_figures_are_those_of_its_files(folder: Path, listed: dict[str, Any]) -> None:
    for name in ("slow", "fast"):
        summary = json.loads((folder / name / "summary.json").read_text())
        assert listed[name]["figures"] == summary["figures"]
        assert listed[name]["seconds"] == summary["seconds"]
        assert listed[name]["config"]["training.learning_rate"] == RATES[name]
    mean = json.loads((folder / "cv" / "cv.json").read_text())["mean"]
    assert listed["cv"]["figures"] == {"test": mean}
    last = (folder / "half" / "history.csv").read_text().splitlines()
    row = dict(zip(last[0].split(","), last[-1].split(","), strict=True))
    assert listed["half"]["figures"]["validation"]["cost"] == float(row["val_cost"])


@pytest.mark.parametrize("reverse", [False, True])
def test_the_best_come_first(folder: Path, *, reverse: bool) -> None:
    """By the figures of their summaries, read here; those without one last, either way."""
    names = [folder / name for name in ("wild", "slow", "cv", "fast")]
    figures = [json.loads((folder / n / "summary.json").read_text()) for n in ("slow", "fast")]
    slow, fast = (found["figures"]["validation"] for found in figures)
    assert slow["cost"] > fast["cost"]
    assert slow["accuracy"] < fast["accuracy"]
    for key in ("validation.cost", "val_cost", "val_accuracy"):
        result = deepnet("runs", *names, "--sort", key, *["--reverse"] * reverse, "--json")
        order = [Path(run["run"]).name for run in json.loads(result.out)["runs"]]
        order = [name for name in order if name in ("slow", "fast")]
        assert order == (["slow", "fast"] if reverse else ["fast", "slow"]), key
    runs = [
        Listed(Path(k), "", 0, 0, None, {"test": f}) for k, f in (("a", {}), ("b", {"r2": 1.0}))
    ]
    assert [str(run.path) for run in by("test.r2", runs, reverse=reverse)] == ["b", "a"]


def test_keys_sort_by_their_values_numbers_before_text() -> None:
    values: list[object] = [10, "text", 9, None, 0.5]
    keys = [{} if value is None else {"training.l2": value} for value in values]
    runs = [Listed(Path(str(k)), "", k, 0, None, {}, of) for k, of in enumerate(keys)]
    assert [str(run.path) for run in by("l2", runs)] == ["4", "2", "0", "1", "3"]
    assert [str(run.path) for run in by("when", runs)] == ["0", "1", "2", "3", "4"]


def test_what_all_share_is_not_shown_and_what_differs_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = deepnet("runs", "slow", "fast", "wild")
    head = result.out.split("\n")[0].split()
    assert head == ["run", "state", "val_accuracy", "updates", "time", "when", "learning_rate"]
    assert_says(result.err, ["next: deepnet compare fast "])
    every = deepnet("runs", ".")
    assert all(len(line) <= 80 for line in (result.out + every.out).splitlines())


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("data.scale=minmax", []),
        ("data.stream=true", []),
        ("seed=1", ["validation"]),
        ("data.validation.fraction=0.2", ["validation"]),
        ("data.test.fraction=0.2", ["validation"]),
        ("data.train=others/blobs.h5", ["validation"]),
    ],
)
def test_runs_that_were_not_judged_by_the_same_rows_are_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, parts: list[str]
) -> None:
    """By the rows as they are in the file, not by how they were scaled or read."""
    monkeypatch.chdir(folder)
    (folder / "others").mkdir(exist_ok=True)
    write_blobs(folder / "others/blobs.h5", seed=2)
    run = tmp_path / "run"
    assert deepnet("train", "c.yaml", "--set", setting, "--run-dir", run, "-q").code == 0
    assert json.loads(deepnet("runs", "slow", run, "fast", "--json").out)["unlike"] == parts
    told = deepnet("runs", "slow", run, "fast").out.split("\n\n")[-1]
    assert told.startswith("not all had the same validation rows") is bool(parts)


def test_options_of_another_choice_are_no_difference_of_their_own() -> None:
    """Adam's beta1 where another has no Adam; a clip_norm where another has none is one, and so are
    weights of the classes in the same loss.
    """

    def runs(*keys: dict[str, object]) -> list[Listed]:
        return [Listed(Path("r"), "", 0, 0, None, {}, of) for of in keys]

    plain: dict[str, object] = {"name": "a", "training.optimizer": "gradient_descent"}
    adam: dict[str, object] = {"training.optimizer": "adam", "training.optimizer.beta1": 0.9}
    held: dict[str, object] = {"data.validation.fraction": 0.1, "data.validation.take": "last"}
    assert differing(runs(plain, adam)) == ["training.optimizer"]
    assert differing(runs(adam, {**adam, "training.optimizer.beta1": 0.5})) == [
        "training.optimizer.beta1"
    ]
    assert differing(runs(plain, {**plain, "training.clip_norm": 1})) == ["training.clip_norm"]
    loss: dict[str, object] = {"loss": "cross_entropy"}
    weighed = {**loss, "loss.class_weight": "balanced"}
    assert differing(runs(loss, weighed)) == ["loss.class_weight"]
    assert differing(runs({"loss": "focal"}, weighed)) == ["loss"]
    assert differing(runs(plain, {**plain, **held})) == ["data.validation.fraction"]
    assert differing(runs({**plain, **held}, {**plain, **held, "data.validation.take": "x"})) == [
        "data.validation.take"
    ]
    assert differing(runs(plain, {})) == []  # one whose config cannot be read says nothing


def test_a_folder_of_folds_and_a_single_run_are_listed(folder: Path) -> None:
    for place, count in ((folder / "cv", 3), (folder / "slow", 1)):
        told = json.loads(deepnet("runs", place, "--json").out)
        assert len(told["runs"]) == count
        assert all(math.isfinite(run["seconds"]) for run in told["runs"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 3, ["nowhere: no such directory"]),
        (["empty"], 3, ["no runs there", "deepnet train"]),
        (["c.yaml"], 3, ["is not a directory"]),
        (["slow", "--sort", "val_acuracy"], 2, ["no run has it", "validation.accuracy"]),
        (["slow", "--sort", "accuracy"], 2, ["say which", "train.accuracy, validation.accuracy"]),
    ],
)
def test_what_cannot_be_listed(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    words: list[str],
) -> None:
    monkeypatch.chdir(folder)
    assert_refused(deepnet("runs", *arguments), code, words)


DAMAGE = {
    "summary.json": [
        "", "[]", "{", "null", '{"stopped": 3}', '{"stopped": "\\u001b[2J", "iterations": "many"}',
        '{"stopped": "early", "iterations": true, "figures": {"test": 3, "train": {"cost": "x"}}}',
        '{"stopped": "early", "seconds": 1e999, "data": {"train": 1}, "environment": []}',
        '{"stopped": "early", "iterations": 40, "environment": {"threads": -7}}', "[" * 9000,
    ],
    "history.csv": ["", "iteration\n", "a,b\n1,2\n", "iteration,epoch,cost\n1\n", "\0", "x\n" * 9],
    "config.yaml": ["", "[]", "name: [", "a: &x 1\nb: *x", "training: 3", "\0", "loss: {name: []}"],
    "checkpoints/iteration-best.h5": ["", "deepnet checkpoint\n"],
}  # fmt: skip
"""What may stand in a file of a run in place of what was written."""


@pytest.mark.parametrize("file", DAMAGE)
def test_whatever_stands_in_its_files_a_run_is_listed(
    folder: Path, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is made again, or not, with one message."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder / "slow", "run")
    shutil.copy(folder / "blobs.h5", "blobs.h5")
    for content in DAMAGE[file]:
        for each in Path("run").iterdir():
            if each.is_file():
                each.unlink()
        shutil.copytree(folder / "slow", "run", dirs_exist_ok=True)
        Path("run", file).write_text(content)
        result = deepnet("runs", "run")
        assert result.code == 0
        assert all(len(line) <= 80 for line in result.out.splitlines())
        assert len(json.loads(deepnet("runs", ".", "--json").out)["runs"]) == 1
        assert deepnet("reproduce", "run", "-q").code in (0, 1, 2, 3, 5), content
