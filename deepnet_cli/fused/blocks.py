"""Elementwise work a cache-sized block at a time: the same numbers, cheap temporaries.

A kernel such as dA * (1 - A * A) makes a temporary.  On a block that fits the
processor's cache that costs next to nothing; on a whole array it costs a trip to
memory and the array's size again.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 16384
"""Entries in a block: 64 KiB of float32, so that three or four stay in the L2 cache."""


def lines(vector: NDArray[Any]) -> list[NDArray[Any]]:
    """Windows (n, BLOCK) and (1, rest) onto a vector (P,), without those that would be empty."""
    whole = vector.size - vector.size % BLOCK
    parts = (vector[:whole].reshape(-1, BLOCK), vector[np.newaxis, whole:])
    return [part for part in parts if part.size]


def blocks(size: int, block: int | None = None) -> Iterator[slice]:
    """Slices that cover range(size), each of at most `block` (BLOCK) entries."""
    block = block or BLOCK
    for start in range(0, size, block):
        yield slice(start, start + block)
