"""What the metadata of a dataset say, and how its values are asked for."""

from dataclasses import dataclass, field
from math import prod
from typing import Any, Protocol

import numpy as np

from deepnet_cli.data.files.layout import Layout
from deepnet_cli.nn.types import Array

STRETCH = 2**20
"""About how many bytes are worth going to another place in a file for."""


class Reader(Protocol):
    """An open HDF5 file, here or in a process of its own (`child.py`)."""

    def ask(
        self, method: str, *arguments: object, nbytes: int = 0, out: Array | None = None
    ) -> Any:
        """What a method of `Opened` answers, to which so many bytes are read; a large array in
        `out`, where this has its size.  Raises DataError, MachineError.
        """

    def close(self) -> None:
        """Let go of the file."""


@dataclass(frozen=True)
class Dataset:
    """A dataset that can be read: every check of its metadata is done.

    `dtype` is that of what stands in the file, object for text; `layout` says how it is meant.
    `size`: of a value, in bytes there.  `values` are the numbers that an enumeration has names for.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    size: int
    chunks: tuple[int, ...] | None
    layout: Layout
    values: dict[str, int] = field(default_factory=dict)
    reader: Reader | None = field(default=None, repr=False, compare=False)

    @property
    def is_text(self) -> bool:
        return self.dtype.kind == "O"

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.size

    def stretch(self, axis: int) -> int:
        """How many entries along an axis are best read at once: whole chunks."""
        chunk = self.chunks[axis] if self.chunks else 1
        one = self.nbytes // max(1, self.shape[axis])
        return max(1, STRETCH // max(1, one) // chunk) * chunk

    def read(self, start: int, stop: int, axis: int = 0, out: Array | None = None) -> Array:
        """Entries start, ..., stop - 1 along the first or last axis, as they stand in the file; in
        `out` where that is given, with room for them in C order.

        Raises DamagedError where they cannot be read.
        """
        asked = self.name, start, stop, axis
        nbytes = self._unpacked(start, stop, axis)
        values: Array = self._ask("stretch", *asked, nbytes=nbytes, out=out)
        if out is not None and not np.may_share_memory(values, out):
            np.copyto(out.reshape(values.shape), values)
        return values

    def _unpacked(self, start: int, stop: int, axis: int) -> int:
        """Bytes that are read for these entries: of whole chunks, along every axis."""
        chunks = self.chunks or (1,) * len(self.shape)
        counts = [-(-n // c) for n, c in zip(self.shape, chunks, strict=True)]
        counts[axis] = -(-stop // chunks[axis]) - start // chunks[axis]
        return prod(counts) * prod(chunks) * self.size

    def texts(self, attribute: str) -> tuple[str, ...]:
        """The texts, of any length, in an attribute; none where it holds something else."""
        found: tuple[str, ...] = self._ask("texts", self.name, attribute)
        return found

    def attributes(self) -> dict[str, object]:
        """All that is said of it, but for references to others."""
        found: dict[str, object] = self._ask("attributes", self.name)
        return found

    def _ask(self, method: str, *arguments: object, **keywords: Any) -> Any:
        assert self.reader is not None  # who opened the file has set it
        return self.reader.ask(method, *arguments, **keywords)
