"""The one place where matrices are multiplied."""

import numpy as np

from deepnet_cli.nn.types import Array


def multiply(A: Array, B: Array, out: Array) -> Array:
    """A B for A (n, k) and B (k, m), written into out (n, m)."""
    product: Array = np.matmul(A, B, out=out)
    return product
