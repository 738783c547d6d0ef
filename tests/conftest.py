"""What every test meets: strict floating point, and one seeded generator."""

import gc
import os
import signal
from collections.abc import Iterator

# Read when NumPy is first imported, here and in the processes that tests start: beside
# other work, two BLAS threads that wait for each other make a small product ten times slower.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of who was started by `&`
    signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
import pytest

from deepnet_cli.data.files import hdf5
from deepnet_cli.fused import native, tape
from deepnet_cli.fused.passes import Pass


@pytest.fixture(autouse=True)
def strict_floats() -> Iterator[None]:
    """NaN, infinity and division by zero fail the test that made them."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_left() -> Iterator[None]:
    """What a command has frozen (cli/main.py) is collected: HDF5 would call Python's code for the
    property list of a file in memory after Python has ended.
    """
    yield
    gc.unfreeze()
    gc.collect()


@pytest.fixture(autouse=True)
def read_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in the tests' own process, which is large, so that a fork takes time.  Where a
    process of its own is the point, a test is marked `guarded`.
    """
    marked = request.node.get_closest_marker("guarded") is not None
    monkeypatch.setattr(hdf5, "guarded", marked)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261124)


@pytest.fixture
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pass is run by NumPy, as where llvmlite is not installed."""

    def run(self: Pass, *args: object) -> None:
        if tape.recording.tape is None:
            self.in_numpy(*args)

    monkeypatch.setattr(Pass, "__call__", run)
    monkeypatch.setattr(native, "available", lambda: False)
    monkeypatch.setattr(native, "_compiler", None)
    monkeypatch.setattr(tape.Tape, "add", None)
