"""Mini-batches as a function of (seed, iteration): any of them can be made at any time."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.data.augmentation import Augmentation, Examples
from deepnet_cli.fused.gather import Gather
from deepnet_cli.fused.tape import Tape
from deepnet_cli.nn.losses import shares
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import order

Indices = NDArray[np.int64]


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


class Hand:
    """The buffers that batches of one width are dealt into, each overwriting the one before; those
    of all examples are the examples themselves, in their own order.
    """

    def __init__(self, part: Part, width: int, augmentations: Sequence[Augmentation] = ()) -> None:
        self.part, self.width, self._augmentations = part, width, augmentations
        self._gathers: list[Gather] = []
        self._examples = Examples(part.rows, part.Y, part.weights, part.rows)
        if width < part.m or augmentations:
            rows, scratch = np.empty((2, width, part.rows.shape[1]), part.rows.dtype)
            Y = np.empty((len(part.Y), width), part.Y.dtype)
            self._examples = Examples(rows, Y, None, scratch)
            self._gathers += [Gather(part.rows, rows, axis=0), Gather(part.Y, Y, axis=1)]
        self.X, self.Y = self._examples.rows.T, self._examples.Y

    def take(self, chosen: Indices, iteration: int) -> Array | None:
        """Fill X and Y with the examples in `chosen` (width,), changed as those of an iteration
        are; their weights, if they have some.
        """
        examples, weights = self._examples, self.part.weights
        for gather in self._gathers:
            gather(chosen)
        if self._gathers and weights is not None:
            examples.weights = weights[chosen]
        for augmentation in self._augmentations:
            augmentation.change(examples, iteration)
        return examples.weights

    def note(self, tape: Tape) -> None:
        """Put the filling of X and Y on a tape, or break it; `aim` says with what."""
        tape.broken |= bool(self._augmentations)
        for gather in self._gathers:
            gather.note(tape)

    def aim(self, chosen: Indices) -> None:
        """Let the tape take the examples in `chosen` from now on, `width` with each play.

        As many as there are: it does not see the end of `chosen`, which has to outlive it.
        """
        address = chosen.ctypes.data
        for gather in self._gathers:
            gather.aim(address)


class Run(NamedTuple):
    """Batches of one width that follow each other."""

    iteration: int  # of the first
    length: int
    per_epoch: int
    hand: Hand
    chosen: Indices  # (length * width,): the examples, batch by batch

    def epoch(self, k: int) -> int:
        """That of batch k of the run, both from 0."""
        return (self.iteration + k) // self.per_epoch

    def batches(self) -> Iterator[Batch]:
        """One after the other, in the hand's buffers."""
        hand = self.hand
        for k in range(self.length):
            chosen = self.chosen[k * hand.width : (k + 1) * hand.width]
            weights = hand.take(chosen, self.iteration + k)
            yield Batch(self.iteration + k, self.epoch(k), hand.X, hand.Y, weights)


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
        for run in self.runs(start, stop):
            yield from run.batches()

    def runs(
        self, start: int, stop: int, most: Callable[[int], int] = lambda _: 1
    ) -> Iterator[Run]:
        """The same in runs: one that begins with iteration i has at most most(i) batches."""
        full, rest = divmod(self.part.m, self.size)  # batches in an epoch, and the width of a last
        hands = {
            width: Hand(self.part, width, self.augmentations)
            for width in (self.size, rest)
            if width
        }
        whole = self.size == self.part.m
        dealt, examples = -1, np.arange(self.part.m)
        while start < stop:
            epoch, first = divmod(start, self.per_epoch)
            if self.shuffle and not whole and epoch != dealt:
                dealt, examples = epoch, order(self.seed, "shuffle", epoch, self.part.m)
            length = min(stop - start, most(start))
            if self.copied:
                length = min(length, max(1, full - first))
            hand = hands[self.size if first < full else rest]
            chosen = examples[first * self.size :][: length * hand.width]
            yield Run(start, length, self.per_epoch, hand, chosen)
            start += length
