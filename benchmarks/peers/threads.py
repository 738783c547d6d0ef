"""How many threads a peer's libraries use, said once for all of them."""

import os

NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""What OpenMP (scikit-learn, PyTorch), OpenBLAS (NumPy), MKL and Numba read."""


def limited(threads: int) -> dict[str, str]:
    """The environment of a process with so many."""
    return os.environ | dict.fromkeys(NAMES, str(threads))


def threads() -> int:
    """Of this process."""
    return int(os.environ[NAMES[0]])
