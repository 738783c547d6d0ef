"""Rows that stay in their files: read when a slice of them is asked for."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from threading import RLock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from deepnet_cli.data.files.dataset import Dataset
from deepnet_cli.data.files.hdf5 import open_hdf5
from deepnet_cli.data.files.layout import Layout
from deepnet_cli.errors import DamagedError, DataError, MachineError
from deepnet_cli.nn.types import Array

KEPT = 4
"""Datasets that stay open: an open file takes a descriptor, and memory for unpacked chunks."""


class Token:
    """Of one piece: what it has opened is closed when it goes."""


class Open:
    """The datasets that were read last, for one thread at a time, as HDF5 itself is."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._kept = WeakKeyDictionary[Token, tuple[ExitStack, Dataset]]()  # the latest is last

    @contextmanager
    def dataset(self, piece: "Piece") -> Iterator[Dataset]:
        """The dataset; opened with every check where it is not open.  Raises DataError."""
        with self._lock:
            if (found := self._kept.pop(piece.token, None)) is None:
                while len(self._kept) >= KEPT:
                    self._kept.pop(next(iter(self._kept)))[0].close()
                stack = ExitStack()
                found = stack, stack.enter_context(open_hdf5(piece.file)).dataset(piece.name)
            self._kept[piece.token] = found
            yield found[1]


OPEN = Open()


@dataclass(frozen=True)
class Piece:
    """A dataset as rows (m, n), its axes that do not count examples flattened in C order.

    `last`: the file counts examples on the last axis of x.
    """

    file: Path
    name: str
    last: bool = False
    token: Token = field(default_factory=Token, repr=False, compare=False)

    @cached_property
    def layout(self) -> Layout:
        """How its values are meant."""
        with OPEN.dataset(self) as dataset:
            return dataset.layout

    @property
    def where(self) -> str:
        return f"{self.file}: '{self.name}'"

    @property
    def shape(self) -> tuple[int, int]:
        m, *rest = np.roll(self.layout.shape, 1) if self.last else self.layout.shape
        return int(m), int(np.prod(rest, dtype=np.int64))

    @cached_property
    def edges(self) -> Array:
        """Where stretches begin, and m: what lies between two of them is best read at once."""
        m, _ = self.shape
        with OPEN.dataset(self) as dataset:
            return np.append(np.arange(0, m, dataset.stretch(self.layout.axis(last=self.last))), m)

    def read(self, start: int, stop: int, out: Array | None = None) -> Array:
        """Rows start, ..., stop - 1, in `out` where that is what stands in the file.

        Raises DataError where it is damaged there.
        """
        if out is not None and out.dtype != self._plain_type:
            out = None
        try:
            return self._read(start, stop, out)
        except MemoryError:
            raise MachineError(f"{self.where}: not enough memory to read it") from None
        except DamagedError:
            first, last = self._damaged(start, stop)
            raise DataError(
                f"{self.where}: rows {first} to {last} are damaged; copy the file again"
            ) from None

    def _read(self, start: int, stop: int, out: Array | None = None) -> Array:
        with OPEN.dataset(self) as dataset:
            stored = dataset.read(start, stop, self.layout.axis(last=self.last), out)
        return self.layout.rows(stored, last=self.last) if out is None else out

    @cached_property
    def _plain_type(self) -> np.dtype[Any] | None:
        """The type of the values, where rows stand in the file as they are."""
        with OPEN.dataset(self) as dataset:
            return dataset.dtype if self.layout.plain(dataset.dtype) and not self.last else None

    def _damaged(self, start: int, stop: int) -> tuple[int, int]:
        """The first stretch within these rows that cannot be read."""
        within = self.edges[(self.edges > start) & (self.edges < stop)]
        for first, last in pairwise([start, *within.tolist(), stop]):
            try:
                self._read(first, last)
            except DamagedError:
                return first, last - 1
        return start, stop - 1


@dataclass(frozen=True)
class Stored:
    """The rows (m, n) of pieces, one after the other: all, or those in `chosen`, ascending."""

    pieces: tuple[Piece, ...]
    chosen: Array | None = None

    @cached_property
    def shape(self) -> tuple[int, int]:
        m = int(self._first[-1]) if self.chosen is None else len(self.chosen)
        return m, self.pieces[0].shape[1]

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(*(piece.layout.dtype for piece in self.pieces))

    @cached_property
    def edges(self) -> Array:
        """Where stretches begin, and m."""
        if self.chosen is None:
            return self._edges
        return np.unique(np.searchsorted(self.chosen, self._edges))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, i: slice) -> Array:
        """(m_i, n), C-contiguous.  Raises DataError where a file is damaged there."""
        return self.read(i)

    def read(self, i: slice, out: Array | None = None) -> Array:
        """The same; in `out` (m_i, n) where nothing is to be done to what stands in the file."""
        start, stop, _ = i.indices(len(self))
        if self.chosen is None:
            return self._read(start, stop, out)
        wanted = self.chosen[start:stop]
        rows = np.empty((len(wanted), self.shape[1]), self.dtype)
        for at, upto in self._together(wanted):  # what lies in between is read, but not kept
            first, last = int(wanted[at]), int(wanted[upto - 1])
            rows[at:upto] = self._read(first, last + 1)[wanted[at:upto] - first]
        return rows

    def take(self, chosen: Array, axis: int = 0) -> "Stored":  # noqa: ARG002 as NumPy's
        """Those with the numbers in `chosen`, ascending; they are not read yet."""
        return replace(self, chosen=chosen if self.chosen is None else self.chosen[chosen])

    @cached_property
    def _first(self) -> Array:
        """The number of each piece's first row, and that of all rows."""
        return np.cumsum([0, *(piece.shape[0] for piece in self.pieces)])

    @cached_property
    def _edges(self) -> Array:
        """Of all rows, chosen or not."""
        edges = [first + p.edges for first, p in zip(self._first, self.pieces, strict=False)]
        return np.unique(np.concatenate(edges))

    def _together(self, wanted: Array) -> Iterator[tuple[int, int]]:
        """From where to where row numbers (m_i,), ascending, are in one stretch."""
        if len(wanted):
            first, last = np.searchsorted(self._edges, wanted[[0, -1]], "right")
            cuts = np.searchsorted(wanted, self._edges[first:last])
            yield from pairwise(np.unique([0, *cuts, len(wanted)]).tolist())

    def _read(self, start: int, stop: int, out: Array | None = None) -> Array:
        if len(self.pieces) == 1:
            return self.pieces[0].read(start, stop, out)
        found = [
            piece.read(max(0, start - first), min(piece.shape[0], stop - first))
            for piece, first in zip(self.pieces, self._first.tolist(), strict=False)
            if start < first + piece.shape[0] and first < stop
        ]
        if len(found) == 1:
            return found[0]
        return np.concatenate([np.empty((0, self.shape[1]), self.dtype), *found])
