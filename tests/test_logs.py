"""TensorBoard's events and JSON lines: the rows of history.csv, no more and no fewer, however the
run came to its end.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli import assert_refused, deepnet
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import largest_file, rows, write_blobs, write_config

from deepnet_cli.config import load
from deepnet_cli.training.kept.copies import Copies
from deepnet_cli.training.kept.logs import Log, json_line
from deepnet_cli.training.loop.history import Row
from deepnet_cli.training.loop.state import Event
from deepnet_cli.training.run.session import Session

BOTH = {"tensorboard": True, "jsonl": True, "checkpoint_every": 12}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_config(
        tmp_path / "c.yaml",
        data={"validation": {"fraction": 0.2}},
        training={"batch_size": 16, "log_every": 7},
        output=BOTH,
    )
    return tmp_path


def lines(run: Path) -> list[Row]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def scalars(run: Path) -> dict[str, list[tuple[int, float]]]:
    """By TensorBoard's own reader."""
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    accumulator = module.EventAccumulator(str(run), {module.SCALARS: 0})
    accumulator.Reload()
    tags = accumulator.Tags()["scalars"]
    return {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in tags}


def assert_logged(run: Path) -> None:
    """Both hold every row of the history; the events in the precision of TensorBoard's."""
    history = rows(run)
    assert lines(run) == history
    told = scalars(run)
    assert told.keys() == history[0].keys() - {"iteration"}
    for name, values in told.items():
        assert [step for step, _ in values] == [row["iteration"] for row in history]
        want = np.array([row[name] for row in history], np.float32)
        np.testing.assert_array_equal(np.array([value for _, value in values], np.float32), want)
    assert len([*run.glob("events.*")]) == 1


def test_they_hold_the_rows_however_the_run_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended by a signal between two rows, whose last row is no more when it goes on; killed within
    a line; made longer; forked.
    """
    run, steps = folder / "run", Session.steps

    def until(self: Session) -> Iterator[Event]:
        for event in steps(self):
            if event.steps.iteration >= 24:
                signal.raise_signal(signal.SIGTERM)
            yield event

    with monkeypatch.context() as patch:
        patch.setattr(Session, "steps", until)
        assert deepnet("train", "c.yaml", "--run-dir", run, "-q").code == 143
    assert_logged(run)
    assert rows(run)[-1]["iteration"] % 7
    for path in (run / "history.jsonl", next(run.glob("events.*"))):
        path.write_bytes(path.read_bytes() + b'{"iteration": 28, "ep')
    assert deepnet("train", "--resume", run, "-q").code == 0
    assert_logged(run)
    assert rows(run)[-1]["iteration"] == 39
    longer = ("--set", "training.iterations=60", "-q")
    assert deepnet("train", "--from", run, *longer, "--run-dir", folder / "fork").code == 0
    assert_logged(folder / "fork")


def test_rows_are_there_as_they_come(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    steps = Session.steps

    def watched(self: Session) -> Iterator[Event]:
        for event in steps(self):
            if event.row is not None and event.steps.iteration % 7 == 0:
                seen.append(len(lines(self.directory.path)))
                assert lines(self.directory.path)[-1]["iteration"] == event.row["iteration"]
            yield event

    monkeypatch.setattr(Session, "steps", watched)
    assert deepnet("train", "c.yaml", "--run-dir", "run", "-q").code == 0
    assert seen == [1, 2, 3, 4, 5, 6]


def test_they_are_durable_with_a_checkpoint_and_at_the_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is in them then: as much as fsync was called for."""
    safe: dict[int, int] = {}
    kept: list[bool] = []
    write, fsync = Copies._write, os.fsync

    def synced(descriptor: int) -> None:
        facts = os.fstat(descriptor)
        safe[facts.st_ino] = facts.st_size
        fsync(descriptor)

    def seen(self: Copies, *due: Any, history: bool) -> None:
        logs = [folder / "run" / "history.jsonl", *(folder / "run").glob("events.*")]
        there = [(log.stat().st_ino, log.stat().st_size) for log in logs]  # rows go on coming
        write(self, *due, history=history)
        if history:
            kept.extend(safe[node] >= size for node, size in there)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Copies, "_write", seen)
    assert deepnet("train", "c.yaml", "--run-dir", "run", "-q").code == 0
    assert len(kept) == 6
    assert all(kept)
    assert all(safe[log.stat().st_ino] == log.stat().st_size for log in Path("run").glob("*.jsonl"))


def test_what_diverged_is_taken_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row of the last update, whose parameters turned out to have no finite cost."""
    steps = Session.steps

    def spoiled(self: Session) -> Iterator[Event]:
        for event in steps(self):
            yield event
            if event.steps.iteration == 28:
                self.progress.state.theta[:] = np.nan

    monkeypatch.setattr(Session, "steps", spoiled)
    assert deepnet("train", "c.yaml", "--run-dir", "run", "-q").code == 4
    assert_logged(folder / "run")
    assert rows(folder / "run")[-1]["iteration"] < 28


def test_off_there_are_none(folder: Path) -> None:
    assert deepnet("train", "c.yaml", "--run-dir", "run", "-q").code == 0
    off = ("--set", "output.tensorboard=false", "--set", "output.jsonl=false")
    longer = ("--set", "training.iterations=60")
    assert deepnet("train", "--resume", "run", *off, *longer, "-q").code == 0
    assert not [*Path("run").glob("events.*"), *Path("run").glob("*.jsonl")]


def test_the_run_is_the_same_with_and_without(folder: Path) -> None:
    assert deepnet("train", "c.yaml", "--run-dir", "a", "-q").code == 0
    off = ("--set", "output.tensorboard=false", "--set", "output.jsonl=false")
    assert deepnet("train", "c.yaml", *off, "--run-dir", "b", "-q").code == 0
    assert Path("a/history.csv").read_bytes() == Path("b/history.csv").read_bytes()


def test_without_the_library_nothing_begins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "find_spec", {"tensorboard": None}.get)
    refused = deepnet("train", "c.yaml", "--run-dir", "run", "-q")
    assert_refused(refused, 2, ["c.yaml", "output.tensorboard", "deepnet-cli[tensorboard]"])
    assert not Path("run").exists()


def test_a_full_disk_ends_the_run_and_it_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Log._append

    def full(self: Log, content: bytes) -> None:
        with largest_file(self.path.stat().st_size + 5):
            append(self, content)

    with monkeypatch.context() as patch:
        patch.setattr(Log, "_append", full)
        failed = deepnet("train", "c.yaml", "--run-dir", "run", "-q")
    assert_refused(failed, 6, ["run/history.jsonl: cannot write", "train --resume run"])
    assert deepnet("train", "--resume", "run", "-q").code == 0
    assert_logged(folder / "run")


@given(cuts=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4)), max_size=12))
@settings(deadline=None, max_examples=25)
def test_a_log_follows_whatever_is_cut_and_added(
    cuts: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = Log(tmp_path_factory.mktemp("log") / "a.jsonl", json_line, lambda: b"# head\n")
    held: list[Row] = []
    made = 0
    for keep, more in cuts:
        held = held[:keep] + [{"iteration": made + k, "cost": float("nan")} for k in range(more)]
        made += more
        log.follow(held)
        told: Any = log.path.read_text().splitlines()
        assert told[0] == "# head"
        assert [json.loads(line)["iteration"] for line in told[1:]] == [
            row["iteration"] for row in held
        ]
        assert all(json.loads(line)["cost"] is None for line in told[1:])
