"""What reading an HDF5 file in a process of its own costs.

    python benchmarks/guard.py

Told are, as medians of rounds in which the two take turns:

    small    milliseconds to open a small file and look at a dataset, and how many more than here
    large    the rate at which a dataset of 256 MiB is read, of that here
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import h5py
import numpy as np

from deepnet_cli.data.files import hdf5
from deepnet_cli.data.files.hdf5 import open_hdf5

LARGE = (2**16, 1024)  # float32


def seconds(work: Callable[[], object], *, guarded: bool) -> float:
    """What it takes."""
    hdf5.guarded = guarded
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compared(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Seconds with a process of its own and without, medians after a first round of each."""
    taken = [[seconds(work, guarded=way) for way in (True, False)] for _ in range(rounds + 1)]
    there, here = zip(*taken[1:], strict=True)
    return median(there), median(here)


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.h5", Path(folder) / "large.h5"
        for path, shape in ((small, (100, 10)), (large, LARGE)):
            with h5py.File(path, "w") as file:
                file["x"] = np.ones(shape, np.float32)

        def look() -> None:
            with open_hdf5(small) as source:
                source.dataset("x")

        def read() -> None:
            with open_hdf5(large) as source:
                source.read("x")

        there, here = compared(look, rounds)
        print(f"small  {there * 1e3:.1f} ms, {(there - here) * 1e3:.1f} more than here")
        there, here = compared(read, min(rounds, 7))
        size = large.stat().st_size / 1e9
        print(f"large  {here / there:.2f} of the rate here ({size / there:.1f} GB/s)")


if __name__ == "__main__":
    main()
