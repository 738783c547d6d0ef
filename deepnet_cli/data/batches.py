"""Mini-batches as a function of (seed, iteration): any of them can be made at any time."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.augmentation import Augmentation, Examples
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
    augmentations: tuple[Augmentation, ...] = ()

    @property
    def per_epoch(self) -> int:
        return ceil(self.part.m / self.size)

    @property
    def copied(self) -> bool:
        """Whether a batch is made for each iteration; else it is the part itself."""
        return self.size < self.part.m or bool(self.augmentations)

    def deal(self, start: int, stop: int) -> Iterator[Batch]:
        """The batches of iterations start, ..., stop - 1.

        The arrays of a batch that is made are buffers that the next one of its width overwrites.
        A full batch has the part's own order.
        """
        part, per_epoch = self.part, self.per_epoch
        if not self.copied:
            for iteration in range(start, stop):
                yield Batch(iteration, iteration, part.X, part.Y, part.weights)
            return
        known: dict[int, tuple[Examples, Array]] = {}
        epoch, shuffled = -1, np.arange(part.m)
        for iteration in range(start, stop):
            if epoch != iteration // per_epoch:
                epoch = iteration // per_epoch
                if self.shuffle and per_epoch > 1:
                    shuffled = order(self.seed, "shuffle", epoch, part.m)
            first = iteration % per_epoch * self.size
            chosen = shuffled[first : first + self.size]
            if len(chosen) not in known:
                known[len(chosen)] = self._buffers(len(chosen))
            examples, X = known[len(chosen)]
            part.rows.take(chosen, axis=0, out=examples.rows, mode="clip")
            part.Y.take(chosen, axis=1, out=examples.Y, mode="clip")
            examples.weights = None if part.weights is None else part.weights[chosen]
            for augmentation in self.augmentations:
                augmentation.change(examples, iteration)
            yield Batch(iteration, epoch, X, examples.Y, examples.weights)

    def _buffers(self, width: int) -> tuple[Examples, Array]:
        """For a batch, with X as a window onto its rows; what is never written costs no memory."""
        rows, scratch = np.empty((2, width, self.part.rows.shape[1]), self.part.rows.dtype)
        Y = np.empty((len(self.part.Y), width), self.part.Y.dtype)
        return Examples(rows, Y, None, scratch), rows.T
