"""Products in float32 and float64 by Intel's Math Kernel Library, through its CBLAS.

https://www.intel.com/content/www/us/en/docs/onemkl/developer-reference-c/2024-0/cblas-gemm-001.html
"""

import os
from ctypes import c_double, c_float, c_int, c_void_p
from functools import cache
from typing import Any

import numpy as np

from deepnet_cli.blas.library import UnavailableError, load
from deepnet_cli.fused import gemm, tape
from deepnet_cli.fused.team import Team
from deepnet_cli.nn.types import Array
from deepnet_cli.threads import effective

SAME_EACH_RUN = 2  # MKL_CBWR_AUTO: the sum does not depend on where an array stands


class MKL:
    """A B by ?gemm."""

    def __init__(self) -> None:
        """Raises UnavailableError."""
        mkl, version = load("mkl", "libmkl_rt")
        mkl.MKL_CBWR_Set(SAME_EACH_RUN)
        self.name = f"MKL {version}"
        self._gemm: dict[np.dtype[Any], Any] = {
            np.dtype(np.float32): _typed(mkl.cblas_sgemm, c_float),
            np.dtype(np.float64): _typed(mkl.cblas_dgemm, c_double),
        }
        self._on_tape = {dtype: gemm.of(f, dtype.char) for dtype, f in self._gemm.items()}
        self.dtypes = frozenset(self._gemm)
        self.team = _team()

    def __call__(self, A: Array, B: Array, out: Array) -> Array:
        if tape.recording.tape is not None:
            gemm.note(tape.recording.tape, A, B, out, self._on_tape[out.dtype])
            return out
        (order_A, row_A), (order_B, row_B) = gemm.stored(A), gemm.stored(B)
        a, b, c = A.ctypes.data, B.ctypes.data, out.ctypes.data
        n, k, m = *A.shape, B.shape[1]
        multiply = self._gemm[out.dtype]
        multiply(gemm.ROW_MAJOR, order_A, order_B, n, m, k, 1, a, row_A, b, row_B, 0, c, m)
        return out


@cache
def mkl() -> MKL:
    """The one of this process.  Raises UnavailableError."""
    return MKL()


def _team() -> Team | None:
    """The threads of Intel's OpenMP, by which MKL multiplies unless the environment says by whose.

    They can be asked as libgomp's are:
    https://github.com/llvm/llvm-project/blob/main/openmp/runtime/src/kmp_gsupport.cpp
    """
    if os.environ.get("MKL_THREADING_LAYER", "INTEL").upper() != "INTEL":
        return None
    try:
        found, _ = load("intel_openmp", "libiomp5")
    except UnavailableError:
        return None
    found.omp_set_num_threads(effective())
    return Team.of(found)


def _typed(gemm: Any, real: Any) -> Any:
    pointer, number = c_void_p, c_int
    matrices = [real, pointer, number, pointer, number, real, pointer, number]
    gemm.argtypes = [number] * 6 + matrices
    gemm.restype = None
    return gemm
