"""The floor by Intel's MKL, where the `mkl` package is installed."""

import ctypes
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import floor
from benchmarks.peers.cases import Training
from benchmarks.peers.reference import Array

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112


class Floor(floor.Floor):
    """The same products, each a call of cblas_sgemm; they are shown to be NumPy's first."""

    def __init__(self, case: Training, directory: Path) -> None:
        super().__init__(case, directory)
        file = next((Path(sys.prefix) / "lib").glob("libmkl_rt.*"))
        sgemm = ctypes.CDLL(str(file)).cblas_sgemm
        self.calls = [partial(sgemm, *arguments(*product)) for product in self.products]
        for call, (left, right, out) in zip(self.calls, self.products, strict=True):
            call()
            np.testing.assert_allclose(out, left @ right, rtol=1e-3, atol=1e-2)

    def run(self, times: int) -> None:
        for _ in range(times * self.steps):
            for call in self.calls:
                call()


def arguments(left: Array, right: Array, out: Array) -> list[Any]:
    """Of cblas_sgemm, for out (n, m) = left (n, k) right (k, m)."""
    (n, k), m = left.shape, right.shape[1]
    one, zero, pointer = ctypes.c_float(1), ctypes.c_float(0), ctypes.c_void_p
    plain = [A.flags.c_contiguous for A in (left, right)]
    sides = [PLAIN if rows else TRANSPOSED for rows in plain]
    strides = [A.shape[rows] for A, rows in zip((left, right), plain, strict=True)]
    a, b, c = (pointer(A.ctypes.data) for A in (left, right, out))
    return [ROW_MAJOR, *sides, n, m, k, one, a, strides[0], b, strides[1], zero, c, m]
