"""Checkpoints are made and written while training goes on, and are what they would have been."""

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from types import SimpleNamespace

import pytest
from cli import deepnet
from samples import same_files, write_blobs, write_config

from deepnet_cli.errors import MachineError
from deepnet_cli.training.kept.background import Background
from deepnet_cli.training.kept.copies import Copies
from deepnet_cli.training.kept.lock import Lock
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.run_directory import RunDirectory, checkpoint, checkpoints, updates
from deepnet_cli.training.loop.state import Event as Made
from deepnet_cli.training.run import session

SECONDS = 20.0
"""What never takes so long."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "more.h5", seed=9)
    write_config(
        tmp_path / "c.yaml",
        data={"validation": "more.h5"},
        training={"iterations": 30, "batch_size": 16, "optimizer": "adam", "log_every": 4},
        output={"checkpoint_every": 6},
    )
    return tmp_path


def test_pieces_are_done_in_order_and_one_at_a_time() -> None:
    background, made, go_on = Background(), list[str](), Event()
    background.do(lambda: made.append(f"first {go_on.wait(SECONDS)}"))
    assert made == []
    waiting = Thread(target=lambda: background.do(lambda: made.append("second")))
    waiting.start()
    go_on.set()
    waiting.join()
    background.wait()
    assert made == ["first True", "second"]
    background.wait()


@pytest.mark.parametrize("asks", [Background.look, Background.wait, lambda b: b.do(print)])
def test_what_went_wrong_is_told_once(asks: Callable[[Background], None]) -> None:
    def fails() -> None:
        raise MachineError("the disk is full")

    background = Background()
    background.do(fails)
    assert background._thread is not None
    background._thread.join()
    with pytest.raises(MachineError, match="disk is full"):
        asks(background)
    for _ in range(2):
        background.look()
        background.wait()


def test_of_each_update_there_is_one_copy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it has a row and a checkpoint, too: the memory of a run is foreseen by that."""
    made, copy = list[int](), Progress.copy

    def copied(progress: Progress) -> Progress:
        made.append(progress.state.iteration)
        return copy(progress)

    monkeypatch.setattr(Progress, "copy", copied)
    assert deepnet("train", "c.yaml", "-q", "--set", "output.checkpoint_every=1").code == 0
    assert made == [*range(30)]  # the last is written as it is


def test_without_a_thread_it_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", none)
    background, made = Background(), list[bool]()
    background.do(lambda: made.append(current_thread() is main_thread()))
    assert made == [True]
    background.wait()


def test_training_goes_on_while_a_checkpoint_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a state, begun when five more updates have been made, is that of the state."""
    assert deepnet("train", "c.yaml", "--run-dir", "whole", "-q").code == 0
    made, later, first = 0, Event(), dict[int, bytes]()
    to_bytes, event_of = Progress.to_bytes, session.Session._event

    def counted(self: session.Session, *steps: object) -> Made:
        nonlocal made
        made += 1
        if made == 12:
            later.set()
        return event_of(self, *steps)  # type: ignore[arg-type]

    def late(self: Progress, *rest: object) -> bytes:
        assert current_thread() is not main_thread()
        assert later.wait(SECONDS)
        content = to_bytes(self, *rest)  # type: ignore[arg-type]
        first.setdefault(self.state.iteration, content)
        return content

    monkeypatch.setattr("deepnet_cli.training.loop.loop.MOST", 1)
    monkeypatch.setattr(session.Session, "_event", counted)
    monkeypatch.setattr(Progress, "to_bytes", late)
    assert deepnet("train", "c.yaml", "--run-dir", "a", "-q").code == 0
    same_files(folder / "whole", folder / "a")
    names = [[path.name for path in sorted((folder / run).rglob("*"))] for run in ("whole", "a")]
    assert names[0] == names[1]
    for newer in checkpoints(folder / "a"):
        newer.unlink()
    checkpoint(folder / "a", 6).write_bytes(first[6])
    assert deepnet("train", "--resume", "a", "-q").code == 0
    same_files(folder / "whole", folder / "a")


@pytest.mark.parametrize("seconds", [0.5, 7.0, 29.0])
def test_a_minute_of_work_is_lost_at_most(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Whenever the run is killed, by a clock on which an update takes so many seconds.  The first
    checkpoint comes sooner, and with each a history.
    """
    made, lost, first = [0], list[int](), list[int]()
    confirm = Copies.confirm

    def killed_before(self: Copies) -> None:
        made[0] += 1
        there = checkpoints(self.directory.path)
        lost.append(made[0] - (updates(there[0]) if there else 0))
        first.extend(made[:1] if there and not first else [])
        assert (self.directory.path / "history.csv").exists() == bool(there)
        confirm(self)
        self.directory.background.wait()

    clock = SimpleNamespace(monotonic=lambda: seconds * made[0])
    monkeypatch.setattr("deepnet_cli.training.kept.copies.time", clock)
    monkeypatch.setattr("deepnet_cli.training.loop.loop.MOST", 1)
    monkeypatch.setattr(Copies, "confirm", killed_before)
    n = int(150 / seconds)
    often = ("--set", "output.checkpoint_every=auto", "--set", f"training.iterations={n}")
    assert deepnet("train", "c.yaml", "--run-dir", "a", "-q", *often).code == 0
    assert len(lost) == n
    assert 20 < seconds * max(lost) <= 60
    assert 2 < seconds * (first[0] - 1) <= 2 + 2 * seconds


@pytest.mark.parametrize("name", ["model.h5", "history.csv", "summary.json"])
def test_what_fails_at_the_very_end_is_told_with_how_to_go_on(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours are in the last checkpoint by then."""
    write = RunDirectory.write

    def full(self: RunDirectory, file: str, content: bytes) -> None:
        if file == name and (folder / "a" / "checkpoints").exists():
            raise MachineError("the disk is full")
        write(self, file, content)

    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "write", full)
        result = deepnet(
            "train", "c.yaml", "--run-dir", "a", "-q", "--set", "output.checkpoint_every=99"
        )
    assert result.code == 6
    assert result.err == "the disk is full\ngo on: deepnet train --resume a\n"
    assert deepnet("train", "--resume", "a", "-q").code == 0


def test_the_directory_is_ours_until_all_is_written(folder: Path) -> None:
    directory, go_on, closed = RunDirectory.at(folder / "a"), Event(), list[bool]()
    directory.background.do(lambda: go_on.wait(SECONDS))

    def close() -> None:
        directory.close()
        closed.append(True)

    closing = Thread(target=close)
    closing.start()
    with pytest.raises(MachineError, match="in use"):
        Lock(folder / "a")
    assert closed == []
    go_on.set()
    closing.join()
    Lock(folder / "a").release()
    shutil.rmtree(folder / "a")
