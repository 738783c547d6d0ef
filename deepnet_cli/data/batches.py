"""Mini-batches as a function of (seed, iteration): any of them can be made at any time."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import NamedTuple

import numpy as np

from deepnet_cli.nn.losses import shares
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import order


@dataclass(frozen=True)
class Part:
    """Examples in memory: rows (m, n[0]), scaled, Y (n[L], m), perhaps float64 weights (m,)."""

    rows: Array
    Y: Array
    weights: Array | None = None

    @property
    def X(self) -> Array:
        """(n[0], m), a window onto the rows."""
        return self.rows.T

    @property
    def m(self) -> int:
        return len(self.rows)

    @property
    def share(self) -> Array:
        """The part (m,) that each example has in a mean over all."""
        return shares(self.weights, self.m)

    @cached_property
    def digests(self) -> dict[str, str]:
        """sha256 of the rows, of Y and of any weights, as the network sees them."""
        arrays = {"x_sha256": self.rows, "y_sha256": self.Y, "weights_sha256": self.weights}
        return {
            name: hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
            for name, array in arrays.items()
            if array is not None
        }


class Batch(NamedTuple):
    """What one update sees."""

    iteration: int  # of the update, from 0
    epoch: int  # from 0
    X: Array  # (n[0], width)
    Y: Array  # (n[L], width)
    weights: Array | None = None  # (width,)


@dataclass(frozen=True)
class Batches:
    """How a part is dealt out: an epoch is every example once, the last batch may be smaller."""

    part: Part
    size: int  # at most part.m; equal to it for full-batch training
    seed: int
    shuffle: bool

    @property
    def per_epoch(self) -> int:
        return ceil(self.part.m / self.size)

    def deal(self, start: int, stop: int) -> Iterator[Batch]:
        """The batches of iterations start, ..., stop - 1.

        The arrays of a mini-batch are buffers that the next one of its width overwrites; a full
        batch is the part itself, in its own order.
        """
        if self.size == self.part.m:
            X, Y, weights = self.part.X, self.part.Y, self.part.weights
            for iteration in range(start, stop):
                yield Batch(iteration, iteration, X, Y, weights)
            return
        buffers: dict[int, tuple[Array, Array, Array]] = {}
        epoch, shuffled, per_epoch = -1, np.arange(self.part.m), self.per_epoch
        for iteration in range(start, stop):
            if epoch != iteration // per_epoch:
                epoch = iteration // per_epoch
                if self.shuffle:
                    shuffled = order(self.seed, "shuffle", epoch, self.part.m)
            first = iteration % per_epoch * self.size
            chosen = shuffled[first : first + self.size]
            if len(chosen) not in buffers:
                buffers[len(chosen)] = self._buffers(len(chosen))
            rows, X, Y = buffers[len(chosen)]
            self.part.rows.take(chosen, axis=0, out=rows, mode="clip")
            self.part.Y.take(chosen, axis=1, out=Y, mode="clip")
            weights = None if self.part.weights is None else self.part.weights[chosen]
            yield Batch(iteration, epoch, X, Y, weights)

    def _buffers(self, width: int) -> tuple[Array, Array, Array]:
        """For the rows of a batch, X as a window onto them, and Y."""
        rows = np.empty((width, self.part.rows.shape[1]), self.part.rows.dtype)
        return rows, rows.T, np.empty((len(self.part.Y), width), self.part.Y.dtype)
