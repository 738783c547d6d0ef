"""The one place where matrices are multiplied."""

import numpy as np

from deepnet_cli.fused import gemm, tape
from deepnet_cli.nn.types import Array


def multiply(A: Array, B: Array, out: Array) -> Array:
    """A B for A (n, k) and B (k, m), written into out (n, m)."""
    if tape.recording is None:
        np.matmul(A, B, out=out)
    else:
        gemm.note(tape.recording, A, B, out)
    return out
