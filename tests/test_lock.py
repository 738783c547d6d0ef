"""One process a run directory, with the kernel's locks and without."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli import deepnet
from samples import write_blobs, write_config

from deepnet_cli.errors import ConfigError, MachineError
from deepnet_cli.training.kept import lock, run_directory
from deepnet_cli.training.kept.lock import Lock, user_of
from deepnet_cli.training.kept.run_directory import RunDirectory


@pytest.fixture(params=["flock", "no flock"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Locks of the kernel's, or a file system that has none."""
    if request.param == "no flock":
        code = errno.ENOLCK
        monkeypatch.setattr(fcntl, "flock", lambda *_: refuse(code))
    return str(request.param)


def refuse(code: int) -> None:
    raise OSError(code, os.strerror(code))


def told(folder: Path) -> dict[str, object]:
    holder: dict[str, object] = json.loads((folder / ".lock").read_text())
    return holder


def leave(folder: Path, **changed: object) -> None:
    """A lock file as another process has written it."""
    mine = Lock(folder)
    holder = told(folder)
    mine.release()
    (folder / ".lock").write_text(json.dumps(holder | changed))


def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def test_the_second_is_told_who_the_first_is(tmp_path: Path, kind: str) -> None:
    first = Lock(tmp_path)
    who = f"in use by pid {os.getpid()} on host {os.uname().nodename} since 20[0-9]{{2}}-"
    for _ in range(2):
        with pytest.raises(MachineError, match=who) as refused:
            Lock(tmp_path)
        assert refused.value.exit_code == 6
    first.release()
    assert list(tmp_path.iterdir()) == []
    Lock(tmp_path).release()


def test_a_file_that_a_killed_process_left_is_no_lock(tmp_path: Path, kind: str) -> None:
    leave(tmp_path, pid=dead_pid())
    Lock(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


OTHERS: dict[str, tuple[dict[str, object], bool]] = {
    "this process": ({}, True),
    "before the machine was started": ({"boot": "another"}, False),
    "another process of the same number": ({"began": "1"}, False),
    "gone, of another host": ({"host": "elsewhere", "pid": 2**22}, True),
    "no number": ({"pid": "4711"}, True),
    "no process": ({"pid": -1}, True),
}
"""What a file says, and whether it is a lock where there are no better ones."""


@pytest.mark.parametrize(("holder", "held"), OTHERS.values(), ids=OTHERS)
def test_whose_file_is_a_lock_without_flock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: dict[str, object], held: bool
) -> None:
    leave(tmp_path, **holder)
    Lock(tmp_path).release()  # with flock any file is nothing
    monkeypatch.setattr(fcntl, "flock", lambda *_: refuse(errno.EOPNOTSUPP))
    leave(tmp_path, **holder)
    if held:
        with pytest.raises(MachineError, match=r"in use by .* remove .*/\.lock"):
            Lock(tmp_path)
        assert (tmp_path / ".lock").exists()
    else:
        mine = Lock(tmp_path)
        assert told(tmp_path)["pid"] == os.getpid()
        mine.release()
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_process_that_nobody_has_waited_for_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: refuse(errno.ENOLCK))
    with subprocess.Popen(["sleep", "60"]) as process:
        leave(tmp_path, pid=process.pid, began=lock._began(process.pid))
        assert user_of(tmp_path).startswith(f"pid {process.pid} ")
        with pytest.raises(MachineError, match="in use"):
            Lock(tmp_path)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert user_of(tmp_path) == ""
        Lock(tmp_path).release()


def test_without_what_linux_tells_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: refuse(errno.ENOLCK))
    monkeypatch.setattr(lock, "_proc", lambda _: "")
    leave(tmp_path, pid=dead_pid())
    mine = Lock(tmp_path)
    with pytest.raises(MachineError, match="in use"):
        Lock(tmp_path)
    mine.release()


@pytest.mark.parametrize("content", ["", "[1]", "no JSON", '{"pid": "\\u001b[31m"}'])
def test_a_file_that_says_nothing_is_a_lock_without_flock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    """Its process may be about to write it."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: refuse(errno.ENOSYS))
    (tmp_path / ".lock").write_text(content)
    with pytest.raises(MachineError, match="in use by") as refused:
        Lock(tmp_path)
    assert "\x1b" not in str(refused.value)
    assert (tmp_path / ".lock").read_text() == content


def test_two_that_find_a_file_left_do_not_both_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one takes it over between our look at the file and our removing it."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: refuse(errno.ENOLCK))
    leave(tmp_path, pid=dead_pid())
    gone, others = lock._gone, list[Lock]()

    def as_fast(holder: dict[str, object]) -> bool:
        answer = gone(holder)
        if not others:
            monkeypatch.setattr(lock, "_gone", gone)
            others.append(Lock(tmp_path))
        return answer

    monkeypatch.setattr(lock, "_gone", as_fast)
    with pytest.raises(MachineError, match="in use"):
        Lock(tmp_path)
    assert told(tmp_path)["pid"] == os.getpid()
    others[0].release()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_goes_away_meanwhile_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between open and flock its process ended: what we have locked has no name any more."""
    flock: Callable[[int, int], None] = fcntl.flock

    def after_it_ended(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        (tmp_path / ".lock").unlink()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", after_it_ended)
    mine = Lock(tmp_path)
    with pytest.raises(MachineError, match="in use"):
        Lock(tmp_path)
    mine.release()


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
def test_another_failure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: refuse(code))
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(MachineError, match="cannot write"):
        Lock(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_run_that_was_made_just_before_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look at an empty directory and our having its lock."""

    def after_another(folder: Path) -> Lock:
        (folder / "config.yaml").write_text("a run")
        return Lock(folder)

    monkeypatch.setattr(run_directory, "Lock", after_another)
    with pytest.raises(ConfigError, match="holds a run"):
        RunDirectory.at(tmp_path / "a")
    Lock(tmp_path / "a").release()


@pytest.mark.parametrize(
    "words", [("c.yaml", "--run-dir", "a"), ("--resume", "a")], ids=["begun again", "resumed"]
)
def test_a_run_that_another_process_trains_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Told before any data are read, however long that takes."""
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_config(tmp_path / "c.yaml", training={"iterations": 5})
    assert deepnet("train", "c.yaml", "--run-dir", "a", "-q").code == 0
    (tmp_path / "blobs.h5").unlink()
    other = Lock(tmp_path / "a")
    refused = deepnet("train", *words)
    other.release()
    assert refused.code == 6
    assert f"a: in use by pid {os.getpid()}" in refused.err
    assert deepnet("train", *words).code != 6


def test_folds_have_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    config = write_config(tmp_path / "c.yaml", training={"iterations": 5})
    (tmp_path / "a").mkdir()
    other = Lock(tmp_path / "a")
    for _ in range(2):
        refused = deepnet("cv", config, "--folds", "2", "--run-dir", "a")
        assert refused.code == 6
        assert "a: in use by pid" in refused.err
        other.release()
        assert deepnet("cv", config, "--folds", "2", "--run-dir", "a").code == 0
        other = Lock(tmp_path / "a")
    other.release()
