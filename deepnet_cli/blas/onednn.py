"""Products in float32 by oneDNN's sgemm, which takes matrices row by row.

https://uxlfoundation.github.io/oneDNN/group_dnnl_api_blas.html
"""

import os
from ctypes import CDLL, c_char, c_float, c_int64, c_void_p
from functools import cache
from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit
from typing import Any

import numpy as np

from deepnet_cli.blas.library import UnavailableError, load
from deepnet_cli.fused import gemm, tape
from deepnet_cli.fused.team import Team
from deepnet_cli.nn.types import Array
from deepnet_cli.threads import effective

PACKAGE = "onednn_cpu_gomp"

SPINS = "1000"
"""How often a thread of OpenMP's looks whether the others are done before it sleeps: some 10 us.

On a quiet machine a step of 2 ms takes 1 % longer for it.  Where another process wants a core too,
it takes 0.7 times as long as by OpenBLAS; with libgomp's own number, 300,000, 1.3 times.
https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
"""


@cache
def library() -> tuple[CDLL, str]:
    """oneDNN and its version, with as many threads as NumPy's products have.

    Raises UnavailableError, also where memory may run short before the machine's does: it would
    end the process.
    """
    if getrlimit(RLIMIT_AS)[0] != RLIM_INFINITY:
        raise UnavailableError("the memory of this process is limited (ulimit -v)")
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # read as libgomp is loaded
    found, version = load(PACKAGE, "libdnnl")
    found.omp_set_num_threads(effective())
    return found, f"{PACKAGE} {version}"


class OneDNN:
    """A B by dnnl_sgemm."""

    dtypes = frozenset({np.dtype(np.float32)})

    def __init__(self) -> None:
        """Raises UnavailableError."""
        found, version = library()
        self.name = f"oneDNN ({version})"
        self.team = Team.of(found)
        self._gemm = found.dnnl_sgemm
        matrix: list[Any] = [c_void_p, c_int64]
        sizes = [c_int64] * 3
        self._gemm.argtypes = [c_char, c_char, *sizes, c_float, *matrix * 2, c_float, *matrix]
        self._on_tape = gemm.of(self._gemm, "f", gemm.ONEDNN, wide=True)

    def __call__(self, A: Array, B: Array, out: Array) -> Array:
        if tape.recording.tape is not None:
            gemm.note(tape.recording.tape, A, B, out, self._on_tape)
            return out
        (turned_A, row_A), (turned_B, row_B) = gemm.stored(A), gemm.stored(B)
        a, b, c = A.ctypes.data, B.ctypes.data, out.ctypes.data
        n, k, m = *A.shape, B.shape[1]
        orders = [gemm.ONEDNN.orders[turned] for turned in (turned_A, turned_B)]
        if self._gemm(*orders, n, m, k, 1, a, row_A, b, row_B, 0, c, max(1, m)):
            raise MemoryError
        return out


@cache
def onednn() -> OneDNN:
    """The one of this process.  Raises UnavailableError."""
    return OneDNN()
