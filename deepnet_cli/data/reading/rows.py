"""Examples as a file has them, (m, n): an array, or what reads them when they are asked for."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from deepnet_cli.data.reading.ahead import ahead
from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.types import Array

BYTES = 2**22
"""About how much is looked at a time."""


class Rows(Protocol):
    """What stands in memory or in a file: a NumPy array has all of this."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, i: slice, /) -> Array:
        """The examples of a slice, in memory."""

    def take(self, chosen: Array, /, axis: int) -> Any:
        """Those with the numbers in `chosen`; of a file they are not read yet.  `axis` is 0."""


def in_blocks(rows: Rows) -> Iterator[tuple[slice, Array]]:
    """All examples, some of them at a time: which, and they themselves (m_b, n), read ahead."""
    size = max(1, rows.shape[1] * rows.dtype.itemsize)

    def read(i: slice) -> tuple[slice, Array]:
        return i, rows[i]

    slices = blocks(len(rows), max(1, BYTES // size))
    yield from ahead(read, slices)
