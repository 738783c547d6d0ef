"""How fast the examples of an HDF5 file are read in the way that training streams them: stretches
of about 1 MiB, in random order.
"""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.convert.stream import BYTES, Field
from deepnet_cli.data.files.hdf5 import open_hdf5
from deepnet_cli.errors import DamagedError, DataError

SECONDS = 0.5
"""For which a dataset is read."""

SMALLEST = 2 * BYTES
"""A dataset that is smaller has no stretches worth timing."""


class Speed(NamedTuple):
    """Bytes that were read, and the seconds it took."""

    read: int
    seconds: float

    @property
    def megabytes(self) -> float:
        """A second."""
        return self.read / 1e6 / self.seconds


def reading_speed(path: Path) -> dict[str, Speed]:
    """That of each dataset of numbers that has more than a few stretches."""
    speeds = {}
    with open_hdf5(path) as source:
        for entry in source.entries:
            try:
                dataset = source.dataset(entry.name)
            except DataError:
                continue
            if dataset.dtype.kind not in "biuf" or not dataset.shape:
                continue
            stretches = list(Field(entry.name, dataset.shape, dataset.dtype).slices())
            if dataset.nbytes < SMALLEST:
                continue
            count, began = 0, time.perf_counter()
            try:
                for i in np.random.default_rng(0).permutation(len(stretches)):
                    count += dataset.read(stretches[i].start, stretches[i].stop).nbytes
                    if time.perf_counter() - began > SECONDS:
                        break
            except DamagedError:  # whoever reads the values for their own sake says where
                continue
            speeds[entry.name] = Speed(count, time.perf_counter() - began)
    return speeds
