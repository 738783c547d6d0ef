"""Who opens a file that is kept open shares the process that reads it."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import pytest
from forks import ended, forked
from samples import write_blobs

from deepnet_cli.config.job import load_job
from deepnet_cli.data.files import child
from deepnet_cli.data.files.hdf5 import kept_open, open_hdf5
from deepnet_cli.data.files.opened import Opened
from deepnet_cli.data.files.sharing import KEPT
from deepnet_cli.errors import DataError, MachineError

pytestmark = pytest.mark.guarded


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_blobs(tmp_path / "blobs.h5")


def test_a_job_has_one_process_for_its_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held against what is there, read, split: and it has ended when the job stands."""
    config = {
        "data": {"train": {"file": str(file), "x": "x"}, "test": {"fraction": 0.2}},
        "model": {"layers": [3], "activations": ["softmax"]},
    }
    pids = forked(monkeypatch)
    job = load_job(config)
    assert job.dataset.parts["train"].m == 72
    assert ended(pids) == [True]


def test_what_is_kept_open_is_opened_once_for_those_who_hold_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = forked(monkeypatch)
    with ExitStack() as held:
        with kept_open():
            for _ in range(3):
                with open_hdf5(file) as source:
                    assert source.has("x")
            with kept_open():  # no end of the outer one
                last = held.enter_context(open_hdf5(file))
            assert ended(pids) == [False]
        assert last.read("x").shape == (90, 4)
    assert ended(pids) == [True]
    with open_hdf5(file), open_hdf5(file):
        assert len(pids) == 3


def test_no_more_than_a_few_are_kept_open(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [tmp_path / f"{k}.h5" for k in range(KEPT + 2)]
    for other in others:
        other.write_bytes(file.read_bytes())
    pids = forked(monkeypatch)
    with kept_open():
        with open_hdf5(others[0]) as first:
            for other in others[1:]:
                with open_hdf5(other):
                    pass
            assert ended(pids) == [False, True, *[False] * KEPT]  # the first is in use
            assert first.has("x")
        assert sum(not gone for gone in ended(pids)) == KEPT
    assert all(ended(pids))


def test_a_file_that_was_replaced_is_opened_anew(file: Path, tmp_path: Path) -> None:
    with kept_open():
        with open_hdf5(file) as source:
            assert source.has("x")
        with h5py.File(tmp_path / "other.h5", "w") as f:
            f["z"] = np.arange(3)
        (tmp_path / "other.h5").rename(file)
        with open_hdf5(file) as source:
            assert source.has("z")
            assert not source.has("x")


def test_after_a_crash_another_process_is_asked(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever shared the one that ended; but none once the file is closed."""
    pids = forked(monkeypatch)
    with kept_open(), ExitStack() as held:
        with monkeypatch.context() as damaged:
            damaged.setattr(Opened, "has", lambda *_: os.kill(os.getpid(), signal.SIGSEGV))
            first = held.enter_context(open_hdf5(file))
            with pytest.raises(DataError, match="crashed reading it"), open_hdf5(file) as source:
                source.has("x")
            with pytest.raises(DataError, match="crashed reading it"):
                first.has("x")
        with open_hdf5(file) as source:
            assert source.has("x")
            assert first.has("x")
    with pytest.raises(MachineError, match="was killed"):
        first.has("x")
    assert ended(pids) == [True] * 3


def test_after_a_question_without_end_no_other_is_asked(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each might take as long."""
    pids = forked(monkeypatch)
    monkeypatch.setattr(child, "SECONDS", 0.2)
    with kept_open():
        with monkeypatch.context() as damaged:
            damaged.setattr(Opened, "has", endless)
            with pytest.raises(DataError, match="came to no end"), open_hdf5(file) as source:
                source.has("x")
        with pytest.raises(DataError, match="came to no end"), open_hdf5(file) as source:
            source.read("x")
    assert ended(pids) == [True]


def endless(_: Opened, __: str) -> None:
    while True:
        pass


def test_threads_that_ask_one_process_wait_for_each_other(tmp_path: Path) -> None:
    values = np.arange(2**21).reshape(2, -1)
    with h5py.File(tmp_path / "f.h5", "w") as f:
        f["x"] = values
    with open_hdf5(tmp_path / "f.h5") as source, ThreadPoolExecutor(4) as pool:
        dataset = source.dataset("x")
        found = list(pool.map(lambda k: dataset.read(k % 2, k % 2 + 1), range(40)))
    for k, rows in enumerate(found):
        np.testing.assert_array_equal(rows[0], values[k % 2])
