"""Products in float32 by oneDNN.

https://uxlfoundation.github.io/oneDNN/dev_guide_matmul.html
"""

import os
from ctypes import CDLL
from functools import cache
from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit

import numpy as np

from deepnet_cli.blas.layouts import Layout, Matmul
from deepnet_cli.blas.library import UnavailableError, load
from deepnet_cli.blas.primitives import Engine
from deepnet_cli.fused import tape
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


@cache
def engine() -> Engine:
    """The library's, by which all its products are made.  Raises UnavailableError."""
    return Engine(library()[0])


class OneDNN:
    """A B by a matmul, which takes each matrix as it stands."""

    dtypes = frozenset({np.dtype(np.float32)})

    def __init__(self) -> None:
        """Raises UnavailableError."""
        found, version = library()
        self.name = f"oneDNN ({version})"
        self.team = Team.of(found)
        self._engine = engine()

    def __call__(self, A: Array, B: Array, out: Array) -> Array:
        on, multiplied = tape.recording.tape, Matmul(*map(Layout.of, (A, B, out)))
        if on is None:
            self._engine.run(multiplied, A, B, out)
        elif not on.broken:
            self._engine.note(on, multiplied, A, B, out)
        return out


@cache
def onednn() -> OneDNN:
    """The one of this process.  Raises UnavailableError."""
    return OneDNN()
