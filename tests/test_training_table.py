"""What training shows: the columns, the figures in them, and a terminal as a person sees it."""

import os
import re
import sys
from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pexpect
import pyte
import pytest
from cli import deepnet
from moments import path
from samples import rows, same_files, write_blobs, write_config

from deepnet_cli.config.job import load_job
from deepnet_cli.report.rows import Rows, clock
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import State

EVERY = ["epoch", "iteration", "cost", "val_cost", "val_accuracy", "learning_rate"]
EVERY += ["gradient_norm", "seconds", "left"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    return tmp_path


@pytest.mark.parametrize("screen", [20, 40, 60, 80, 88, 89, 120])
def test_a_row_fits_the_screen_and_what_is_needed_most_stays(screen: int) -> None:
    least = ["gradient_norm", "left", "learning_rate", "seconds", "epoch", "val_accuracy"]
    table = Rows(EVERY, screen, [*least, "val_cost"])
    values: dict[str, float | str] = dict.fromkeys(EVERY, -1.23456789e-123)
    values |= {"epoch": 99_999, "iteration": 999_999, "seconds": "86400.0", "left": "3d 04h"}
    line = table.line(values, best=True)
    assert len(line) == len(table.head) + 2 <= max(screen, 26)
    assert line.endswith(" *")
    gone = [name for name in EVERY if name not in table.names]
    assert sorted(gone) == sorted([*least, "val_cost"][: len(gone)])
    if gone and screen >= 26:  # and no more than had to go
        last = [*least, "val_cost"][len(gone) - 1]
        wider = [name for name in EVERY if name in (*table.names, last)]
        assert len(Rows(wider, 1000, ()).head) + 2 > screen


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0:00"),
        (59.6, "1:00"),
        (754, "12:34"),
        (3723, "1:02:03"),
        (4e5, "4d 15h"),
        (9e9, "104166d"),
    ],
)
def test_a_clock(seconds: float, told: str) -> None:
    assert clock(seconds) == told
    assert len(told) <= 7


VARIANTS: dict[str, dict[str, Any]] = {
    "full batch": {},
    "mini-batches": {"batch_size": 16, "l2": 0.3},
    "clipped": {"batch_size": 16, "clip_norm": 0.3, "clip_value": 0.1},
    "a search": {"optimizer": "lbfgs", "iterations": 8},
}


@pytest.mark.parametrize("training", VARIANTS.values(), ids=VARIANTS)
def test_the_norm_is_that_of_the_update_before_clipping(
    folder: Path, training: dict[str, Any]
) -> None:
    """By the plain objective, at the parameters before each update."""
    config = write_config(folder / "c.yaml", training={"iterations": 13, **training})
    assert deepnet("train", config, "--run-dir", "a").code == 0
    job = load_job(config)
    plain, state, expected = replace(job.objective), State.start(job.initial_theta(), job.rule), []
    for t in range(job.iterations):
        (batch,) = job.batches.deal(t, t + 1)
        grad = plain(state.theta, batch.X, batch.Y, None, t)[1]
        expected.append(sum(float(g) ** 2 for g in grad) ** 0.5)
        runs = job.batches.runs(t, t + 1)
        for _ in train(state, job.objective, job.clippings, job.rule, job.rate, runs):
            pass
    told = rows(folder / "a")
    assert len(told) > 2
    for row in told:
        assert row["gradient_norm"] == pytest.approx(expected[int(row["iteration"])], rel=1e-4)


def test_a_norm_that_overflows_is_kept_and_read_again(folder: Path) -> None:
    """Squares beyond the largest float64: the cost, by absolute errors, is none."""
    with h5py.File(folder / "far.h5", "w") as file:
        file["x"], file["y"] = 1e160 * np.arange(1.0, 9)[:, None], np.arange(8.0)
    config = write_config(
        folder / "c.yaml",
        data={"train": "far.h5"},
        model={"layers": [1], "activations": ["linear"]},
        loss="mean_absolute_error",
        compute={"precision": "float64"},
        training={"learning_rate": 1e-300, "iterations": 12},
    )
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    assert rows(folder / "whole")[-1]["gradient_norm"] == inf
    assert deepnet("train", config, "--run-dir", "a", "--set", "training.iterations=7").code == 0
    assert deepnet("train", "--resume", "a", "--set", "training.iterations=12").code == 0
    same_files(folder / "whole", folder / "a")


def test_what_is_watched_has_a_column_by_which_its_stars_are_understood(folder: Path) -> None:
    """And not the first metric, where there is room for one."""
    training = {
        "metrics": ["balanced_accuracy", "average_precision"],
        "early_stopping": {"monitor": "val_average_precision", "patience": 100},
        "iterations": 40,
        "log_every": 1,
    }
    data = {"validation": {"fraction": 0.3}}
    write_config(folder / "c.yaml", data=data, training=training)
    lines = deepnet("train", "c.yaml", "--run-dir", "a").err.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("epoch "))
    column = lines[head].split().index("val_average_precision")
    table = [line.split() for line in lines[head + 1 : head + 41]]
    seen = [row["val_average_precision"] for row in rows(folder / "a")]
    assert [float(row[column]) for row in table] == pytest.approx(seen, rel=1e-4)
    assert [row[-1] == "*" for row in table] == [
        value > max(seen[:i], default=-inf) for i, value in enumerate(seen)
    ]
    assert "val_balanced_accuracy" not in lines[head]


DEEP = {"layers": [6] * 9 + [3], "activations": [*["sigmoid"] * 9, "softmax"]}


def test_looking_at_the_layers_changes_no_byte_and_names_what_is_wrong(folder: Path) -> None:
    config = write_config(folder / "c.yaml", model=DEEP, training={"optimizer": "adam"})
    assert deepnet("train", config, "--run-dir", "a").code == 0
    told = deepnet("train", config, "--run-dir", "b", "-v")
    same_files(folder / "a", folder / "b")
    lines = told.err.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert sum(line.startswith("  layer ") for line in lines) == 1, "the rows are 9"
    assert sum(line.startswith("epoch ") for line in lines) == 2, "a head after each look, too"
    warning = " ".join(told.err.split()).partition("warning: ")[2]
    assert warning.startswith("layers 1, 2, 3, 4")
    assert "of the last layer's since iteration 0: use relu, batch_norm" in warning


@pytest.mark.parametrize(
    "changed",
    [
        {"data": {"stream": True}, "training": {"batch_size": 16}},
        {"training": {"optimizer": "lbfgs"}},
        {"model": {"layers": [{"units": 6, "dropout": 0.5, "batch_norm": True}, 3]}},
    ],
    ids=["streamed", "a search", "dropout and a norm"],
)
def test_looking_changes_no_byte_of_any_run(folder: Path, changed: dict[str, Any]) -> None:
    config = write_config(folder / "c.yaml", **changed)
    assert deepnet("train", config, "--run-dir", "a").code == 0
    told = deepnet("train", config, "--run-dir", "b", "-v")
    assert "  layer  activation" in told.err
    same_files(folder / "a", folder / "b")


@pytest.mark.parametrize("columns", [80, pytest.param(120, marks=pytest.mark.long)])
def test_a_terminal_as_a_person_sees_it(folder: Path, columns: int) -> None:
    """The bar below the rows, the head again on each screen, and what Ctrl-C leaves."""
    config = {"validation": {"fraction": 0.2}}
    endless = {"iterations": 10_000_000, "log_every": 2000}
    write_config(folder / "c.yaml", data=config, training=endless)
    screen = pyte.HistoryScreen(columns, 24, history=1000)
    stream = pyte.Stream(screen)
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "deepnet_cli", "train", "c.yaml", "--run-dir", "a"],
        dimensions=(24, columns),
        env=env | {"PYTHONPATH": path(), "NO_COLOR": "1", "TERM": "xterm"},
        encoding="utf-8",
        timeout=30,
    )
    seen: list[str] = []
    child.logfile_read = Teller(stream, seen)
    child.expect(r"\b50000 ")
    while not BAR.fullmatch(bar(screen)):  # it is being drawn
        child.expect(r"\]")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    lines = [*map(text, screen.history.top), *screen.display]
    lines = [line.rstrip() for line in lines]
    heads = [i for i, line in enumerate(lines) if line.startswith("epoch ")]
    names = ["epoch", "iter", "cost", "val_cost", "val_accuracy", "|g|", "seconds", "left"]
    if columns == 120:
        names.insert(5, "rate")
    assert lines[heads[0]].split() == names
    assert all(later - earlier == 22 for earlier, later in pairwise(heads))
    end = next(i for i, line in enumerate(lines) if "ending when this step" in line)
    table = [line for i, line in enumerate(lines[heads[0] : end]) if i + heads[0] not in heads]
    assert all(re.fullmatch(r" *[0-9]+( +[0-9.e+:dh-]+)+( \*)?", line) for line in table)
    assert [int(line.split()[1]) for line in table[:3]] == [0, 2000, 4000]
    assert not any("%|" in line or "^C" in line for line in lines), "the bar has gone"
    assert any(line.startswith("go on: deepnet train --resume a") for line in lines)
    assert "\x1b[3" not in "".join(seen), "no color"


BAR = re.compile(r" *[0-9]+%\|[█ ▏▎▍▌▋▊▉]+\| [0-9]+/10000000 \[[0-9:?]+ left, cost [^]]*\]")


class Teller:
    """A file that shows a screen what is written to it."""

    def __init__(self, stream: pyte.Stream, seen: list[str]) -> None:
        self.stream, self.seen = stream, seen

    def write(self, text: str) -> None:
        self.stream.feed(text)
        self.seen.append(text)

    def flush(self) -> None:
        """Nothing waits."""


def bar(screen: pyte.Screen) -> str:
    """The last line in which there is something."""
    return [line.rstrip() for line in screen.display if line.strip()][-1]


def text(line: dict[int, Any]) -> str:
    """A line that has scrolled off a screen."""
    return "".join(line[i].data for i in range(max(line, default=-1) + 1))
