"""Examples that are read while the network is at work on those before: more than memory holds.

y and what belongs to each example stay in memory, x does not.  What is read is encoded and
scaled by the reader's thread, and dealt from two windows (data/dealing/windows.py): one is in use
while the other is filled.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import ClassVar

import numpy as np

from deepnet_cli.data.dealing.flow import Flow
from deepnet_cli.data.dealing.mixing import MOST, Mixing
from deepnet_cli.data.dealing.parts import Load, Order, Part, Supply, in_turn, sha256
from deepnet_cli.data.dealing.windows import Window, Windows
from deepnet_cli.data.encoding.encoding import Encoding
from deepnet_cli.data.reading.ahead import ahead
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import order as random_order

WINDOW = 2**26
"""Bytes of rows in a window, about: a function of the data, so that the order of an epoch is."""

SAMPLED = 64
"""Stretches that a sample comes from, at least, so that it is of the whole file."""


@dataclass(frozen=True)
class Streamed:
    """The examples of a table whose rows are in a file, encoded."""

    encoding: Encoding
    table: Table
    weights: Array | None
    edges: Array  # of the stretches that are read at once
    held: ClassVar[bool] = False

    @classmethod
    def of(cls, encoding: Encoding, table: Table) -> "Streamed":
        """Raises DataError and ClassCountError where y or the columns of x do not fit."""
        if isinstance(table.rows, np.ndarray):
            raise ValueError("rows in a file")
        encoding.inputs.check_columns(table)
        encoding.check_labels(table)
        return cls(encoding, table, encoding.weights(table), table.rows.edges)

    @property
    def m(self) -> int:
        return self.table.m

    @property
    def features(self) -> int:
        return self.encoding.features

    @property
    def outputs(self) -> int:
        return self.encoding.outputs

    @property
    def nbytes(self) -> int:
        held = self.table.y, self.weights
        return sum(array.nbytes for array in held if array is not None)

    @cached_property
    def flow(self) -> Flow:
        return Flow(Mixing.of(Y for Y, _ in self.labels()))

    def blocks(self) -> Iterator[Part]:
        slices = in_turn(self.m, self.features + self.outputs)
        yield from ahead(self.part, slices)

    def labels(self) -> Iterator[tuple[Array, Array | None]]:
        for i in in_turn(self.m, self.features + self.outputs):
            yield self.encoding.Y(self.table, i), self._weights(i)

    def loads(self, order: Order, start: int, stop: int) -> Iterator[Load]:
        example = (self.features + self.outputs) * self.encoding.dtype.itemsize
        windows = Windows(self.edges, WINDOW // example, order)
        fill = Filling(self, windows)
        yield from ahead(fill, windows.between(start, stop), self.flow.clock)

    def sample(self, count: int, seed: int, purpose: str) -> Part:
        edges, count = self.edges, min(count, self.m)
        S = len(edges) - 1
        taken = min(S, count, max(SAMPLED, -(-count * S // self.m)))
        chosen = np.sort(random_order(seed, purpose, 0, S)[:taken])
        ends = np.cumsum([0, *np.diff(edges)[chosen]])
        wanted = np.unique(np.linspace(0, ends[-1] - 1, count).astype(np.int64))
        cuts = pairwise(np.searchsorted(wanted, ends))
        found = [
            self.part(slice(*edges[s : s + 2])).take(wanted[a:b] - first)
            for s, first, (a, b) in zip(chosen, ends, cuts, strict=False)
        ]
        return _joined(found)

    @cached_property
    def digests(self) -> dict[str, str]:
        """sha256 of Y and of any weights; of X that of stretches from all over the file."""
        edges = self.edges
        chosen = np.unique(np.linspace(0, len(edges) - 2, SAMPLED).astype(np.int64))
        x, y = hashlib.sha256(f"{self.m} {self.features}".encode()), hashlib.sha256()
        for s in chosen:
            x.update(self.encoding.rows(self.table, slice(edges[s], edges[s + 1])).data)
        for Y, _ in self.labels():
            y.update(np.ascontiguousarray(Y).data)
        weighed = {} if self.weights is None else {"weights_sha256": sha256(self.weights)}
        return {"x_sample_sha256": x.hexdigest(), "y_blocks_sha256": y.hexdigest(), **weighed}

    def _weights(self, i: slice) -> Array | None:
        return None if self.weights is None else self.weights[i]

    def part(self, i: slice) -> Part:
        """Some that follow each other."""
        rows, Y = self.encoding.rows(self.table, i), self.encoding.Y(self.table, i)
        return Part(rows, Y, self._weights(i))

    def put(self, i: slice, part: Part, at: int) -> None:
        """Read them into another part, from the place `at` on."""
        j = slice(at, at + i.stop - i.start)
        self.encoding.rows(self.table, i, part.rows[j])
        part.Y[:, j] = self.encoding.Y(self.table, i)
        if part.weights is not None and self.weights is not None:
            part.weights[j] = self.weights[i]


class Filling:
    """The two windows that are in memory, one in use and one to be filled."""

    def __init__(self, streamed: Streamed, windows: Windows) -> None:
        self._streamed, self._windows = streamed, windows
        capacity, dtype = windows.capacity, streamed.encoding.dtype
        self._free, self._last = (
            Part(
                np.empty((capacity, streamed.features), dtype),
                np.empty((streamed.outputs, capacity), dtype),
                None if streamed.weights is None else np.empty(capacity),
            )
            for _ in range(2)
        )
        self._order = np.arange(0)  # of all that the last one deals and leaves

    def __call__(self, window: Window) -> Load:
        """The window, in the place of the one before the last."""
        part, before = self._free, self._last
        left = self._order[max(0, len(self._order) - window.left) :]
        _put(before.take(left), part, 0)
        at = len(left)
        for s in window.stretches:
            i = slice(*self._windows.edges[s : s + 2])
            self._streamed.put(i, part, at)
            at += i.stop - i.start
        order = self._windows.order_of(window)
        self._order = np.concatenate([np.arange(len(left)), len(left) + order])
        self._free, self._last = before, part
        dealt = self._order[: window.length * self._windows.order.size]
        flow, rows = self._streamed.flow, self._streamed.table.rows
        flow.size += window.examples * rows.shape[1] * rows.dtype.itemsize
        flow.mixing.see(part.Y[:MOST, dealt], self._windows.order.size)
        return Load(part, self._order, window.iteration, window.length)


def encoded(encoding: Encoding, table: Table) -> Iterator[Array]:
    """The rows (m_b, n[0]) of a table, with y or without, block by block.  Raises DataError."""
    slices = in_turn(table.m, encoding.features + encoding.outputs)
    yield from ahead(partial(encoding.rows, table), slices)


def checked(encoding: Encoding, table: Table) -> Iterator[tuple[slice, Array]]:
    """The rows of a table as they are, block by block, once each is known to be finite when it is
    encoded.  Raises DataError.
    """

    def read(i: slice) -> tuple[slice, Array]:
        rows = table.rows[i]
        encoding.inputs.finite(rows, table, encoding.dtype, i.start)
        return i, rows

    slices = in_turn(table.m, encoding.features + encoding.outputs)
    yield from ahead(read, slices)


def supply_of(encoding: Encoding, table: Table) -> Supply:
    """The examples of a labelled table.  Raises DataError and ClassCountError."""
    return encoding.part(table) if table.held else Streamed.of(encoding, table)


def _put(source: Part, target: Part, at: int) -> None:
    """Copy examples into a part, from the place `at` on."""
    i = slice(at, at + source.m)
    target.rows[i], target.Y[:, i] = source.rows, source.Y
    if target.weights is not None and source.weights is not None:
        target.weights[i] = source.weights


def _joined(parts: list[Part]) -> Part:
    rows = np.concatenate([part.rows for part in parts])
    Y = np.concatenate([part.Y for part in parts], axis=1)
    weights = [part.weights for part in parts if part.weights is not None]
    return Part(rows, Y, np.concatenate(weights) if weights else None)
