"""When a run ends and what it says of it: early stopping, a target, the time, a signal."""

import json
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from cli import assert_refused, deepnet
from samples import parameters, rows, same_files, write_blobs, write_config

from deepnet_cli.cli.progress import Display
from deepnet_cli.config.durations import seconds, spelled
from deepnet_cli.nn.improvement import improves, reaches
from deepnet_cli.report.table import number
from deepnet_cli.training.loop.state import Event

VALIDATED: dict[str, str] = {"validation": "more.h5"}
NAN, INF = float("nan"), float("inf")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "more.h5", seed=9)
    return tmp_path


def write(folder: Path, data: dict[str, str], **training: Any) -> Path:
    settings = {"batch_size": 16, "optimizer": "adam", "learning_rate": 0.1, "iterations": 300}
    return write_config(folder / "c.yaml", data=data, training={**settings, **training})


def summary(run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(run, "summary.json").read_text())
    return found


def cut_and_resumed(folder: Path, config: Path, stop: int) -> str:
    """A run that ended after `stop` iterations and went on to 300, or until something ends it."""
    run = f"part{stop}"
    short = ("--set", f"training.iterations={stop}")
    assert deepnet("train", config, "--run-dir", run, *short).code == 0
    rest = deepnet("train", "--resume", run, "--set", "training.iterations=300")
    assert rest.code == 0, rest.err
    return run


@pytest.mark.parametrize(
    ("figure", "new", "old", "better"),
    [
        ("cost", 1.0, 2.0, True),
        ("val_mae", 2.0, 1.0, False),
        ("val_accuracy", 2.0, 1.0, True),
        ("val_r2", -2.0, -1.0, False),
        ("cost", 1.0, 1.0, False),
        ("cost", 1.0, None, True),
        ("cost", NAN, None, False),
        ("cost", INF, None, False),
        ("val_r2", INF, 1.0, False),
        ("val_auc", NAN, 0.5, False),
    ],
)
def test_what_improves(figure: str, new: float, old: float | None, better: bool) -> None:
    assert improves(figure, new, old) is better
    if old is not None:
        assert reaches(figure, new, old) is (better or new == old)
        assert not improves(figure, new, old, by=1.0)


@pytest.mark.parametrize("figure", ["cost", "accuracy"])
@pytest.mark.parametrize("data", [{}, VALIDATED], ids=["alone", "validated"])
def test_a_figure_of_training_can_be_monitored(
    folder: Path, data: dict[str, str], figure: str
) -> None:
    """The parameters kept are those after the update of the best row."""
    stopping = {"monitor": figure, "patience": 3, "min_delta": 0.03}
    metrics = {"metrics": [figure]} if figure != "cost" else {}
    config = write(folder, data, early_stopping=stopping, **metrics)
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    told, values = summary("whole"), [row[figure] for row in rows(folder / "whole")]
    best = 5 * int(np.argmax(values) if figure == "accuracy" else np.argmin(values))
    assert 0 < best < told["iterations"] - 1 < 299
    assert told["stopped"] == "early"
    assert told["best"] == {"monitor": figure, "iteration": best}
    short = ("--set", f"training.iterations={best + 1}")
    assert deepnet("train", config, "--run-dir", "best", *short).code == 0
    for name, block in parameters(folder / "best").items():
        assert block.tobytes() == parameters(folder / "whole")[name].tobytes()
    for stop in (1, best, best + 1, best + 3, told["iterations"] - 1):
        same_files(folder / "whole", folder / cut_and_resumed(folder, config, stop))


def test_the_reason_of_early_stopping(folder: Path) -> None:
    """It is for the rows to say whether the sentence is true."""
    stopping = {"monitor": "val_cost", "patience": 6, "min_delta": 0.02}
    result = deepnet("train", write(folder, VALIDATED, early_stopping=stopping), "--run-dir", "a")
    costs = {int(row["iteration"]): row["val_cost"] for row in rows(folder / "a")}
    counted = [0]
    for iteration, cost in costs.items():
        if cost < costs[counted[-1]] - 0.02:
            counted.append(iteration)
    assert 1 < len(counted) < len(costs) - 6
    reason = f"val_cost has not improved by more than 0.02 since iteration {counted[-1]} (6 rows)"
    assert summary("a")["reason"] == reason
    assert f"early: {reason}\n" in result.out
    assert counted[-1] == list(costs)[-7]
    plain = {"monitor": "val_cost", "patience": 1}
    assert deepnet("train", write(folder, VALIDATED, early_stopping=plain)).code == 0
    assert "val_cost has not improved since iteration" in summary("runs/c-001")["reason"]
    long = {"early_stopping": {"patience": 10, "min_delta": 0.123456}}
    result = deepnet("train", write(folder, VALIDATED, **long), "--run-dir", "b")
    assert summary("b")["reason"] in " ".join(result.out.split())
    assert all(len(line) <= 80 for line in result.out.splitlines())


def test_more_patience_is_what_a_run_resumes_with(folder: Path) -> None:
    """As if it had been that patient from the first."""
    stopping = {"patience": 2, "min_delta": 0.01}
    config = write(folder, VALIDATED, early_stopping=stopping)
    assert deepnet("train", config, "--run-dir", "a").code == 0
    refused = deepnet("train", "--resume", "a")
    assert refused.code == 2
    more = ("--set", "training.early_stopping.patience=4")
    assert " ".join(more) in refused.err
    assert deepnet("train", "--resume", "a", *more).code == 0
    assert deepnet("train", config, "--run-dir", "b", *more).code == 0
    same_files(folder / "a", folder / "b")
    other = deepnet("train", "--resume", "a", "--set", "training.early_stopping.min_delta=0.1")
    assert other.code == 2
    assert "training.early_stopping.patience" in other.err


@pytest.mark.parametrize("lost", ["history.csv", "model.h5"])
@pytest.mark.parametrize(
    "ends",
    [
        {"early_stopping": {"patience": 2, "min_delta": 0.01}},
        {"target": {"monitor": "val_cost", "value": 0.4}},
    ],
    ids=["early", "target"],
)
def test_a_run_that_ended_and_lost_a_file_makes_no_more_steps(
    folder: Path, ends: dict[str, Any], lost: str
) -> None:
    assert deepnet("train", write(folder, VALIDATED, **ends), "--run-dir", "a").code == 0
    before, told = (folder / "a" / lost).read_bytes(), summary("a")
    assert told["iterations"] < 300
    (folder / "a" / lost).unlink()
    assert deepnet("train", "--resume", "a").code == 0
    assert (folder / "a" / lost).read_bytes() == before
    assert {**summary("a"), "seconds": 0} == {**told, "seconds": 0}


@pytest.mark.parametrize(
    ("monitor", "value", "reached"),
    [
        ("val_cost", 0.35, lambda x: x <= 0.35),
        ("val_accuracy", 0.86, lambda x: x >= 0.86),
        ("cost", 0.3, lambda x: x <= 0.3),
    ],
)
def test_a_target_ends_the_run_at_the_first_row_that_reaches_it(
    folder: Path, monitor: str, value: float, reached: Callable[[float], bool]
) -> None:
    """With its parameters, however many rows had a better val_cost."""
    config = write(folder, VALIDATED, target={"monitor": monitor, "value": value})
    result = deepnet("train", config, "--run-dir", "whole")
    assert result.code == 0
    history, told = rows(folder / "whole"), summary("whole")
    assert [reached(row[monitor]) for row in history] == [False] * (len(history) - 1) + [True]
    last = int(history[-1]["iteration"])
    assert 0 < last == told["iterations"] - 1 < 299
    assert told["stopped"] == "target"
    got = f"{history[-1][monitor]:g} at iteration {last}"
    assert told["reason"] == f"{monitor} has reached {value:g}: {got}"
    assert f"target: {told['reason']}\n" in result.out
    assert told["best"] == {"monitor": monitor, "iteration": last}
    assert told["figures"]["validation"]["cost"] == history[-1]["val_cost"]
    for stop in (1, last - 1, last):
        same_files(folder / "whole", folder / cut_and_resumed(folder, config, stop))


def test_a_run_goes_on_with_another_target_or_without(folder: Path) -> None:
    config = write(folder, {}, target={"monitor": "cost", "value": 0.5}, iterations=80)
    assert deepnet("train", config, "--run-dir", "a").code == 0
    refused = deepnet("train", "--resume", "a")
    assert refused.code == 2
    assert "cost has reached 0.5" in refused.err
    for more in ("training.target.value=0.3", "training.target=null"):
        assert deepnet("train", "--resume", "a", "--set", more).code == 0
        assert deepnet("train", config, "--run-dir", more, "--set", more).code == 0
        same_files(folder / "a", folder / more)
    assert "--set training.target=null" in refused.err
    assert summary("a")["reason"] == "all 80 iterations were made"


@pytest.mark.parametrize(
    ("monitor", "value", "warned"),
    [
        ("val_accuracy", 1.0, False),
        ("val_accuracy", 98.0, True),
        ("cost", -1.0, False),
        ("accuracy", 1.5, True),
    ],
)
def test_a_target_that_nothing_reaches_is_warned_of(
    folder: Path, monitor: str, value: float, warned: bool
) -> None:
    target = {"monitor": monitor, "value": value}
    config = write(folder, VALIDATED, target=target, metrics=["accuracy"])
    result = deepnet("train", config, "--dry-run")
    assert result.code == 0
    told = f"training.target.value: is never reached: {monitor} is 1 at best"
    assert (told in result.err) is warned


@pytest.mark.parametrize("patience", [2, 3, 4, 5])
@pytest.mark.parametrize("waits", ["early_stopping", "learning_rate"])
def test_patience_that_outlasts_the_run_is_warned_of(
    folder: Path, waits: str, patience: int
) -> None:
    """Of five rows, where no row improves on the first, either it was warned of or it ran out."""
    options: dict[str, Any] = {"monitor": "val_cost", "patience": patience, "min_delta": 100.0}
    if waits == "learning_rate":
        options |= {"schedule": "reduce_on_plateau", "initial": 0.5}
    result = deepnet("train", write(folder, VALIDATED, iterations=25, **{waits: options}))
    rates = {row["learning_rate"] for row in rows(folder / "runs/c-001")}
    nothing = summary("runs/c-001")["stopped"] == "completed" and len(rates) == 1
    warning = f"training.{waits}.patience: the history has 5 rows, too few for {patience}: "
    assert (warning in result.err) is nothing


@pytest.mark.parametrize("rate", [0.1, {"schedule": "cosine", "initial": 0.1}])
def test_of_a_run_without_patience_none_is_said(folder: Path, rate: object) -> None:
    config = write(folder, VALIDATED, iterations=1, learning_rate=rate)
    assert "too few" not in deepnet("train", config, "--dry-run").err


def test_a_figure_that_is_not_defined_is_told_of_when_the_run_ends(folder: Path) -> None:
    with h5py.File("more.h5") as file, h5py.File("same.h5", "w") as same:
        rows_of_one = file["y"][()] == 1
        same["x"], same["y"] = file["x"][rows_of_one], file["y"][rows_of_one]
    wanted = {"target": {"monitor": "val_auc", "value": 0.9}, "metrics": ["auc"]}
    for run, ends in (("target", wanted), ("early", {"early_stopping": {"monitor": "val_auc"}})):
        config = write(folder, {"validation": "same.h5"}, iterations=20, **ends)
        result = deepnet("train", config, "--run-dir", run)
        assert (
            "completed: all 20 iterations were made; val_auc is not a finite number" in result.out
        )


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's clock is a second later each time that it is looked at: once a step, none
    being made together.
    """
    clock: Iterator[int] = count()
    ticker = SimpleNamespace(monotonic=lambda: float(next(clock)))
    monkeypatch.setattr("deepnet_cli.training.run.session.time", ticker)
    monkeypatch.setattr("deepnet_cli.training.loop.loop.MOST", 1)


@pytest.mark.usefixtures("ticking")
def test_the_run_ends_after_the_step_in_which_the_time_is_over(folder: Path) -> None:
    """The step of iteration i ends i + 1 seconds after the start; log_every is 5."""
    config = write(folder, VALIDATED, iterations=40, max_time="0.2m")
    whole = ("--set", "training.max_time=null")
    assert deepnet("train", config, "--run-dir", "whole", *whole).code == 0
    result = deepnet("train", config, "--run-dir", "a")
    assert result.code == 0
    told = summary("a")
    assert (told["stopped"], told["iterations"]) == ("time", 13)
    assert told["reason"] == "max_time, 12s, is over"
    assert "time: max_time, 12s, is over\n" in result.out
    assert result.err.endswith("go on: deepnet train --resume a\nnext: deepnet report a\n")
    assert [row["iteration"] for row in rows(folder / "a")] == [0, 5, 10, 12]
    assert deepnet("predict", "a", "more.h5").code == 0

    assert deepnet("train", "--resume", "a").code == 0
    assert summary("a")["iterations"] == 26, "each start has the whole time"
    more = ("--set", "training.max_time=14.5")
    assert deepnet("train", "--resume", "a", *more).code == 0
    told = summary("a")
    assert (told["stopped"], told["iterations"]) == ("completed", 40)
    assert deepnet("train", "--resume", "a").code == 2
    without = ("--set", "training.max_time=null", "--set", "training.iterations=41")
    for run in ("a", "whole"):
        assert deepnet("train", "--resume", run, *without).code == 0
    same_files(folder / "whole", folder / "a")


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize("iteration", [4, 12])
def test_a_signal_before_the_time_is_over_is_an_interruption(
    folder: Path, iteration: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it comes with the very last step, as when a cluster ends a job."""
    config = write(folder, VALIDATED, iterations=40, max_time=12)
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    show = Display.show

    def interrupting(self: Display, event: Event) -> None:
        show(self, event)
        if event.steps.iteration == iteration:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Display, "show", interrupting)
        result = deepnet("train", config, "--run-dir", "a")
    assert result.code == 143
    assert result.err.endswith("go on: deepnet train --resume a\n")
    told = summary("a")
    assert (told["stopped"], told["iterations"]) == ("interrupted", iteration + 1)
    assert told["reason"] == "a signal ended it"
    assert deepnet("train", "--resume", "a").code == 0
    assert deepnet("train", "--resume", "whole").code == 0
    assert summary("a")["iterations"] == iteration + 1 + 13
    ends = ("--set", "training.max_time=null")
    for run in ("a", "whole"):
        assert deepnet("train", "--resume", run, *ends).code == 0
    same_files(folder / "whole", folder / "a")


@pytest.mark.parametrize("training", [{}, {"early_stopping": {"patience": 1, "min_delta": 9.0}}])
def test_a_signal_with_the_last_step_changes_nothing(
    folder: Path, training: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run has ended, by its length or by early stopping; log_every is 5."""
    config = write(folder, VALIDATED, iterations=6, **training)

    def interrupting(_: Display, event: Event) -> None:
        if event.steps.iteration == 5:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Display, "show", interrupting)
    assert deepnet("train", config, "--run-dir", "a").code == 0
    assert summary("a")["stopped"] == ("early" if training else "completed")


def test_a_run_by_the_real_clock_takes_its_time(folder: Path) -> None:
    config = write(folder, {}, iterations=10_000_000, max_time=0.3)
    assert deepnet("train", config, "--run-dir", "a").code == 0
    told = summary("a")
    assert (told["stopped"], told["iterations"] < 10_000_000) == ("time", True)
    assert 0.3 <= told["seconds"] < 3


@pytest.mark.parametrize(
    "ends",
    [{"target": {"monitor": "cost", "value": 0.5}}, {"max_time": 1e-6}],
    ids=["target", "time"],
)
def test_a_fold_that_has_ended_so_is_not_trained_again(folder: Path, ends: dict[str, Any]) -> None:
    command = ("cv", write(folder, {}, **ends), "--folds", "2", "--run-dir", "a", "-q")
    assert deepnet(*command).code == 0
    folds = [folder / "a" / f"fold-{k}" / "summary.json" for k in (1, 2)]
    before = [fold.read_bytes() for fold in folds]
    assert {json.loads(text)["stopped"] for text in before} == {
        "target" if "target" in ends else "time"
    }
    assert deepnet(*command).code == 0
    assert [fold.read_bytes() for fold in folds] == before


def test_what_diverged_says_how(folder: Path) -> None:
    config = write_config(
        folder / "c.yaml",
        model={"layers": [6, 1], "activations": ["relu", "linear"]},
        loss="mean_squared_error",
        training={"learning_rate": 10.0, "iterations": 500},
    )
    result = deepnet("train", config, "--run-dir", "a")
    assert result.code == 4
    told = summary("a")
    assert told["stopped"] == "diverged"
    assert told["reason"].startswith("the cost became")
    assert told["reason"] in result.err


@pytest.mark.parametrize(
    "training",
    [
        {"early_stopping": {"monitor": "val_r2"}},
        {"target": {"monitor": "val_r2", "value": 1.0}},
        {"learning_rate": {"schedule": "reduce_on_plateau", "initial": 1.0, "monitor": "val_r2"}},
    ],
    ids=lambda training: next(iter(training)),
)
def test_a_figure_that_the_loss_has_not_is_refused(folder: Path, training: dict[str, Any]) -> None:
    words = [f"training.{next(iter(training))}.monitor", "cross_entropy has no metric 'r2'"]
    assert_refused(deepnet("train", write(folder, VALIDATED, **training)), 2, words)


def test_a_figure_of_training_that_is_not_measured_is_refused(folder: Path) -> None:
    config = write(folder, VALIDATED, early_stopping={"monitor": "accuracy"})
    words = ["training.early_stopping.monitor", "training.metrics names it", "val_accuracy"]
    assert_refused(deepnet("train", config), 2, words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5 h", 5400),
        ("1:30:00", 5400),
        ("2d", 172_800),
        ("1d2h3m4.5s", 93_784.5),
        (90, 90),
    ],
)
def test_a_length_of_time_is_read_and_told(text: object, expected: float) -> None:
    assert seconds(text) == expected
    assert seconds(spelled(expected)) == expected


def test_what_is_no_length_of_time_is_left_as_it_is() -> None:
    for text in (
        "",
        " ",
        "m",
        "90",
        "1:30",
        "1:60:00",
        "30m1h",
        "1h30",
        "-1s",
        "1h\n",
        "half an hour",
    ):
        assert seconds(text) == text


def test_the_config_of_a_run_has_the_time_in_seconds(folder: Path) -> None:
    config = write(folder, {}, iterations=1, max_time="1:30:00")
    assert deepnet("train", config, "--run-dir", "a").code == 0
    assert yaml.safe_load((folder / "a/config.yaml").read_text())["training"]["max_time"] == 5400


@pytest.mark.parametrize("width", [8, 10, 12])
def test_a_number_is_at_most_as_wide_as_its_column(width: int) -> None:
    for value in (0.0, 1.0, -1.2345678e-5, 9.99999e-300, -9.99996e200, 123456.7, NAN, -INF):
        text = number(value, width)
        assert len(text) == width
        assert float(text) == pytest.approx(value, rel=0.1, nan_ok=True)
    assert number(-1.2345678e-5, 10) == "-1.235e-05"
