"""Files are read in processes of their own: these answer as this one would, and what becomes of
them is a message.
"""

import errno
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import combinations
from math import prod
from mmap import mmap
from pathlib import Path
from socket import socketpair
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from forks import ended, forked
from layouts import LAYOUTS
from samples import write_blobs, write_config

from deepnet_cli.data.files import child, hdf5
from deepnet_cli.data.files.channel import SMALL, WINDOW, Channel
from deepnet_cli.data.files.child import Child
from deepnet_cli.data.files.hdf5 import Source, open_hdf5
from deepnet_cli.data.files.here import Here
from deepnet_cli.data.files.opened import Opened
from deepnet_cli.errors import DataError, DeepnetError, MachineError

pytestmark = pytest.mark.guarded


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_blobs(tmp_path / "blobs.h5")


def told(method: Callable[..., object], *arguments: object) -> object:
    """What is answered, or the error, so that they can be compared."""
    try:
        return method(*arguments)
    except DeepnetError as error:
        return type(error).__name__, str(error)


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    else:
        assert one == other


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_process_of_its_own_answers_as_this_one_does(name: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as f:
        LAYOUTS[name].fill(f)

    def opened() -> Opened:
        return Opened(h5py.File(tmp_path / "data.h5", "r"), "data.h5")

    there, here = Source(Child("data.h5", opened), "data.h5"), Source(Here(opened()), "data.h5")
    try:
        assert there.entries == here.entries
        assert_same(there.attributes(), here.attributes())
        for wanted in [*(entry.name for entry in here.entries), "gone", "x/gone", "a\0b"]:
            for method in ("dataset", "has", "storage", "read", "meant"):
                of = told(getattr(there, method), wanted), told(getattr(here, method), wanted)
                assert_same(*of)
            with suppress(DataError):
                assert_same(there.dataset(wanted).attributes(), here.dataset(wanted).attributes())
    finally:
        there.reader.close()
        here.reader.close()


@pytest.mark.parametrize("size", [0, 1, SMALL // 8, SMALL // 8 + 1, WINDOW // 8 - 1, WINDOW // 3])
@pytest.mark.parametrize("given", [False, True])
def test_values_of_any_size_come_through(size: int, given: bool, tmp_path: Path) -> None:
    values = np.arange(size * 1.0)
    with h5py.File(tmp_path / "f.h5", "w") as f:
        f["x"] = values
    with open_hdf5(tmp_path / "f.h5") as source:
        out = np.full(size, np.nan) if given else None
        np.testing.assert_array_equal(source.dataset("x").read(0, size, out=out), values)
        if out is not None:
            np.testing.assert_array_equal(out, values)


def crash(_: Opened) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def loop(_: object) -> None:
    while True:
        pass


def devour(_: Opened) -> int:
    kept = [np.empty(2**26, np.uint8) for _ in range(2**12)]
    return len(kept)


def abort(_: Opened) -> None:
    os.abort()


def reach_a_limit(_: Opened) -> None:
    """Of `ulimit -t`."""
    os.kill(os.getpid(), signal.SIGXCPU)


def be_killed(_: Opened) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("happens", "kind", "message"),
    [
        (crash, DataError, "the HDF5 library crashed reading it; the file is damaged"),
        (loop, DataError, "the HDF5 library came to no end reading it; the file is damaged"),
        (abort, DataError, "the HDF5 library crashed reading it"),
        (be_killed, MachineError, "was killed: for want of memory perhaps"),
        (reach_a_limit, MachineError, "was killed: (?i:cpu ?time limit)"),
        (devour, MachineError, "more memory than it should"),
    ],
)
def test_what_becomes_of_the_process_is_told(
    happens: Callable[[Opened], None],
    kind: type[DeepnetError],
    message: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(child, "SECONDS", 0.2)
    monkeypatch.setattr(child, "available_memory", lambda: 2**28)
    monkeypatch.setattr(Opened, "entries", happens)
    with open_hdf5(file) as source:
        began = time.monotonic()
        with pytest.raises(kind, match=message) as raised:
            print(source.entries)
        assert time.monotonic() - began < 10
    assert str(raised.value).startswith(str(file))


def test_a_crash_of_the_library_is_one_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Opened, "entries", crash)
    monkeypatch.chdir(file.parent)
    write_config(file.with_name("c.yaml"))
    for command in (["train", "c.yaml"], ["inspect", "blobs.h5"]):
        result = deepnet(*command)
        assert_refused(result, 3, ["blobs.h5: the HDF5 library crashed reading it"])
    assert deepnet("--unguarded", "schema").code == 0
    assert not hdf5.guarded


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def descriptors(_: Opened) -> list[str]:
    return [
        str(Path(f"/proc/self/fd/{number}").readlink()) for number in range(64) if is_open(number)
    ]


def open_another(_: Opened) -> None:
    Path(__file__).read_bytes()


def write_another(opened: Opened) -> None:
    os.write(1, b"x")  # to nowhere
    Path(opened.path).write_bytes(b"")


@pytest.mark.parametrize("harm", [open_another, write_another])
def test_the_process_can_do_nothing_but_read_its_file(
    harm: Callable[[Opened], None], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    monkeypatch.setattr(Opened, "entries", harm)
    with open_hdf5(file) as source, pytest.raises(RuntimeError, match="Too many open files"):
        print(source.entries)
    assert file.read_bytes() == before


def unlisted(_: str) -> list[str]:
    raise OSError


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says what is open")
@pytest.mark.parametrize("listing", [os.listdir, unlisted])
def test_the_process_has_nothing_open_but_its_file(
    listing: Callable[[str], list[str]], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the lock of a run, say, which would outlive its process."""
    monkeypatch.setattr(os, "listdir", listing)
    seen: list[list[str]] = []
    set_limit = resource.setrlimit

    def limit(what: int, most: tuple[int, int]) -> None:
        if what != resource.RLIMIT_NOFILE:
            set_limit(what, most)

    monkeypatch.setattr(resource, "setrlimit", limit)
    monkeypatch.setattr(Opened, "entries", descriptors)
    with Path(__file__).open(), open_hdf5(file), open_hdf5(file) as source:
        seen.append(list(map(str, source.entries)))
    (names,) = seen
    assert sorted(name.partition(":")[0] for name in names) == sorted(
        [*["/dev/null"] * 3, str(file), "socket"]
    )


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch evil",)


@pytest.mark.parametrize("value", [Evil(), np.array([Evil()], object), {"a": [Evil()]}])
def test_no_message_runs_code(
    value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    window, (one, other) = mmap(-1, WINDOW), socketpair()
    with one, other:
        Channel(one, window).send(value)
        with pytest.raises(pickle.UnpicklingError, match="has no place"):
            Channel(other, window).receive()
    assert not (tmp_path / "evil").exists()


def test_no_process_is_left(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = forked(monkeypatch)
    monkeypatch.setattr(Opened, "has", lambda *_: loop(_))
    with open_hdf5(file) as source:
        source.read("x")
    with suppress(DataError), open_hdf5(file) as source:
        source.read("gone")
    with suppress(KeyboardInterrupt), open_hdf5(file) as source:
        monkeypatch.setattr(Channel, "receive", interrupted)
        source.has("x")
    assert ended(pids) == [True] * 3


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_process_ends_with_its_parent(file: Path) -> None:
    """Killed without a chance to say so."""
    script = (
        "import os, pathlib, signal\n"
        "from deepnet_cli.data.files.hdf5 import open_hdf5\n"
        f"with open_hdf5(pathlib.Path({str(file)!r})) as source:\n"
        "    print(source.reader._pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL
    for _ in range(100):
        try:
            os.kill(int(run.stdout), 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{int(run.stdout)}/stat").read_text().split()[2] == "Z":
            return  # whoever inherits it has not waited for it yet
        time.sleep(0.05)
    pytest.fail("the process goes on")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_ends_the_parent_is_the_parent_s_to_say(number: signal.Signals, file: Path) -> None:
    """Ctrl-C comes to both, and training still has something to read before it ends."""
    with open_hdf5(file) as source:
        assert isinstance(source.reader, Child)
        os.kill(source.reader._pid, number)
        assert source.read("x").shape == (90, 4)


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_file_that_is_open_here_can_be_read_unless_it_is_written(mode: str, file: Path) -> None:
    """As in a notebook.  HDF5 does not know that its process has let go of what is open here."""
    with h5py.File(file, mode) as opened_here, ExitStack() as stack:
        if mode == "r+":
            with pytest.raises(MachineError, match="is being written by another program"):
                stack.enter_context(open_hdf5(file))
        else:
            source = stack.enter_context(open_hdf5(file))
            np.testing.assert_array_equal(source.read("x"), opened_here["x"][:])


def test_where_the_system_does_not_tell_a_size_memory_has_no_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "size_of_process", lambda: 0)
    monkeypatch.setattr(child, "ROOM", 0)
    with h5py.File(tmp_path / "f.h5", "w") as f:
        f["x"] = np.zeros(2**20)
    with open_hdf5(tmp_path / "f.h5") as source:
        assert source.dataset("x").read(0, 2**20).shape == (2**20,)


def test_a_chunk_that_memory_is_too_small_for_is_no_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 says of both that a filter failed."""
    with h5py.File(tmp_path / "f.h5", "w") as f:
        f.create_dataset("x", data=np.zeros((2**22, 1)), chunks=(2**22, 1), compression="gzip")
    for available, message in ((2**24, "not enough memory to read 'x'"), (2**28, "")):
        monkeypatch.setattr(child, "available_memory", lambda there=available: there)
        with open_hdf5(tmp_path / "f.h5") as source:
            if message:
                with pytest.raises(MachineError, match=message):
                    source.dataset("x").read(0, 10)
            else:
                assert not source.dataset("x").read(0, 10).any()


def test_where_ended_processes_are_not_kept_they_need_not_be(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Opened, "entries", crash)
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with open_hdf5(file) as source:
            assert source.read("x").shape == (90, 4)
            with pytest.raises(DataError, match="crashed"):
                print(source.entries)
    finally:
        signal.signal(signal.SIGCHLD, before)


def no_more(*_: object) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize("place", ["os.fork", "deepnet_cli.data.files.process.socketpair"])
def test_without_a_process_the_machine_is_told_of(
    place: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, no_more)
    with pytest.raises(MachineError, match="no process to read it: too many"), open_hdf5(file):
        pass


def count_up(*_: object) -> bool:
    return sum(range(2 * 10**7)) > 0


def test_a_large_file_may_take_longer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has larger tables, over which a question may go that reads no value."""
    monkeypatch.setattr(Opened, "has", count_up)
    monkeypatch.setattr(child, "SECONDS", 0.1)
    for rate, enough in ((file.stat().st_size / 20, True), (1e10, False)):
        monkeypatch.setattr(child, "BYTES_A_SECOND", rate)
        with open_hdf5(file) as source:
            if enough:
                assert source.has("x")
            else:
                with pytest.raises(DataError, match="came to no end"):
                    source.has("x")


@pytest.mark.parametrize("chunks", [None, (1, 1, 5), (4, 2, 5), (7, 1, 1), (3, 3, 2)])
@pytest.mark.parametrize("axis", [0, -1])
def test_what_is_read_is_whole_chunks(
    chunks: tuple[int, ...] | None, axis: int, tmp_path: Path
) -> None:
    """Time and memory are for what HDF5 unpacks, which may be many times what is asked for."""
    values = np.zeros((7, 3, 5), "f4")
    with h5py.File(tmp_path / "f.h5", "w") as f:
        f.create_dataset("x", data=values, chunks=chunks)
    with open_hdf5(tmp_path / "f.h5") as source:
        dataset, asked = source.dataset("x"), Asked()
        for start, stop in combinations(range(values.shape[axis] + 1), 2):
            replace(dataset, reader=asked).read(start, stop, axis)
            sizes = chunks or (1, 1, 1)
            met = [slice(None)] * 3
            met[axis] = slice(start, stop)
            wanted = np.zeros_like(values, bool)
            wanted[tuple(met)] = True
            met_chunks = {tuple(np.array(i) // sizes) for i in np.argwhere(wanted)}
            assert asked.nbytes == len(met_chunks) * prod(sizes) * 4


class Asked:
    """A reader that remembers what it was asked for."""

    nbytes = 0

    def ask(self, *_: object, nbytes: int = 0, **_out: object) -> np.ndarray:
        self.nbytes = nbytes
        return np.empty(0)

    def close(self) -> None: ...


def refuse(*_: object) -> None:
    raise ValueError("current limit exceeds maximum limit")


def test_what_cannot_be_limited_or_said_is_no_damage(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(resource, "setrlimit", refuse)
        with pytest.raises(RuntimeError, match="exceeds maximum limit"), open_hdf5(file):
            pass
    monkeypatch.setattr(Opened, "entries", lambda _: (i for i in range(3)))
    with open_hdf5(file) as source:
        with pytest.raises(RuntimeError, match="cannot pickle"):
            print(source.entries)
        assert source.has("x")


def test_a_bug_in_the_process_is_a_bug(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Opened, "entries", lambda _: 1 / 0)
    with open_hdf5(file) as source, pytest.raises(RuntimeError, match="ZeroDivisionError"):
        print(source.entries)
