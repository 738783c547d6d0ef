"""Files that are read while other threads train: nothing is forked, and all is as if it were."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import pytest
from forks import ended, forked
from samples import write_blobs

from deepnet_cli.data.files.child import Child
from deepnet_cli.data.files.hdf5 import hdf5_bytes, open_hdf5, open_hdf5_bytes
from deepnet_cli.errors import DataError, MachineError
from deepnet_cli.threads import alone, limited

pytestmark = pytest.mark.guarded


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_blobs(tmp_path / "blobs.h5")


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return forked(monkeypatch)


@pytest.fixture
def other() -> Iterator[ThreadPoolExecutor]:
    """A thread that may be multiplying."""
    with ThreadPoolExecutor(1) as pool:
        inside = ExitStack()
        pool.submit(inside.enter_context, limited(1)).result()
        yield pool
        pool.submit(inside.close).result()


@pytest.mark.usefixtures("other")
def test_a_new_python_answers_as_a_fork_does(
    file: Path, forks: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads a file, and bytes; runs nothing that lies about; and ends."""
    monkeypatch.chdir(tmp_path)
    for name in ("pickle", "numpy", "mmap"):
        Path(f"{name}.py").write_text("open('was run', 'w')")
    pids = []
    with h5py.File(file) as truth, open_hdf5(file) as source:
        assert isinstance(source.reader, Child)
        pids.append(source.reader._pid)
        assert {entry.name for entry in source.entries} == set(truth)
        np.testing.assert_array_equal(source.read("x"), truth["x"][:])
        assert source.dataset("x").attributes() == {}
        with pytest.raises(DataError, match="no dataset 'z'"):
            source.read("z")
    content = hdf5_bytes(lambda made: made.create_dataset("a", data=np.arange(10**6)))
    with open_hdf5_bytes(content, "model.h5") as source:
        assert isinstance(source.reader, Child)
        pids.append(source.reader._pid)
        assert source.read("a").sum() == 10**6 * (10**6 - 1) // 2
    assert forks == []
    assert all(ended(pids))
    assert not Path("was run").exists()


@pytest.mark.usefixtures("other")
def test_a_damaged_file_is_told_likewise(file: Path, forks: list[int]) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="truncated"), open_hdf5(file):
        pass
    assert forks == []


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false"])
def test_without_a_python_the_machine_is_told_of(
    python: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setattr("pickle.dumps", lambda _: bytes(10**6))  # more than a socket holds
    with pytest.raises(MachineError, match="no process to read it"), open_hdf5(file):
        pass


def test_a_thread_that_trains_forks_where_it_is_the_only_one(file: Path, forks: list[int]) -> None:
    with limited(1), open_hdf5(file):
        assert len(forks) == 1


def test_nobody_begins_to_multiply_during_a_fork() -> None:
    with ThreadPoolExecutor(1) as pool, ExitStack() as inside:
        with alone() as nobody_else:
            assert nobody_else
            entering = pool.submit(inside.enter_context, limited(1))
            with pytest.raises(TimeoutError):
                entering.result(0.05)
        entering.result()
        with alone() as nobody_else:
            assert not nobody_else
        inside.close()  # as Python does in any thread with what was dropped
        with alone() as nobody_else:
            assert nobody_else
