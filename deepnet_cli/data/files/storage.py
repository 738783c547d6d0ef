"""How the values of a dataset lie in their file: in chunks, packed, in how many bytes."""

from dataclasses import dataclass
from math import prod

SMALL = 2**12
LARGE = 2**24
"""Bytes of a chunk: in smaller ones each costs more than what is in it, and a larger one is read
whole for a single example.
"""

WORTH = 2**26
"""Bytes of a dataset from which on the difference is felt."""


@dataclass(frozen=True)
class Storage:
    """`chunks` is the shape of one, None where values lie in a row; sizes are in bytes."""

    chunks: tuple[int, ...] | None
    filters: tuple[str, ...]  # gzip, shuffle, ...
    declared: int  # of all values in memory
    stored: int  # in the file

    @property
    def ratio(self) -> float | None:
        """How many times larger the values are than what is stored of them; None of plain ones."""
        return self.declared / self.stored if self.filters and self.stored else None


def unwieldy(storage: Storage, shape: tuple[int, ...]) -> str:
    """Why examples, along the first axis of a shape, are read slowly; empty where they are not."""
    if storage.chunks is None or storage.declared < WORTH:
        return ""
    values = prod(storage.chunks)
    size = values * storage.declared // max(1, prod(shape))
    if size < SMALL:
        return f"its chunks are small ({size} bytes each)"
    if storage.chunks[0] > 1 and size > LARGE:
        return f"its chunks are large ({size / 2**20:,.0f} MiB each)"
    if 4 * prod(storage.chunks[1:]) <= prod(shape[1:]) and storage.chunks[0] > 4096:
        return f"a chunk holds a few features of {storage.chunks[0]:,} examples"
    return ""
