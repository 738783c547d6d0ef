"""Mini-batches as a function of (seed, iteration): any of them can be made at any time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.dealing.augmentation import Augmentation, Examples
from deepnet_cli.data.dealing.parts import Indices, Order, Part, Supply
from deepnet_cli.fused.gather import Gather
from deepnet_cli.fused.tape import Tape
from deepnet_cli.nn.types import Array


class Batch(NamedTuple):
    """What one update sees."""

    iteration: int  # of the update, from 0
    epoch: int  # from 0
    X: Array  # (n[0], width)
    Y: Array  # (n[L], width)
    weights: Array | None = None  # (width,)


class Hand:
    """The buffers that batches of one width are dealt into, each overwriting the one before; those
    of all examples that are in memory are the examples themselves, in their own order.
    """

    def __init__(
        self, part: Part, width: int, augmentations: Sequence[Augmentation] = (), *, copy: bool
    ) -> None:
        self.width, self.weighted = width, part.weights is not None
        self._part, self._augmentations = part, augmentations
        self._gathers: list[Gather] = []
        self._examples = Examples(part.rows, part.Y, part.weights, part.rows)
        if copy:
            rows, scratch = np.empty((2, width, part.features), part.rows.dtype)
            Y = np.empty((part.outputs, width), part.Y.dtype)
            self._examples = Examples(rows, Y, None, scratch)
            self._gathers += [Gather(part.rows, rows, axis=0), Gather(part.Y, Y, axis=1)]
        self.X, self.Y = self._examples.rows.T, self._examples.Y

    def take(self, part: Part, chosen: Indices, iteration: int) -> Array | None:
        """Fill X and Y with the examples of a part that are in `chosen` (width,), changed as those
        of an iteration are; their weights, if they have some.
        """
        examples = self._examples
        for gather, source in zip(self._gathers, (part.rows, part.Y), strict=False):
            gather(source, chosen)
        if self._gathers and part.weights is not None:
            examples.weights = part.weights[chosen]
        for augmentation in self._augmentations:
            augmentation.change(examples, iteration)
        return examples.weights

    def note(self, tape: Tape) -> None:
        """Put the filling of X and Y on a tape, or break it; `aim` says with what."""
        tape.broken |= bool(self._augmentations)
        for gather in self._gathers:
            gather.note(tape)

    def aim(self, part: Part, chosen: Indices) -> None:
        """Let the tape take the examples in `chosen` from now on, `width` with each play.

        As many as there are: it does not see the end of `chosen`, which has to outlive it, as
        has the part.
        """
        for gather, source in zip(self._gathers, (part.rows, part.Y), strict=False):
            gather.aim(source, chosen)


class Run(NamedTuple):
    """Batches of one width that follow each other."""

    iteration: int  # of the first
    length: int
    per_epoch: int
    hand: Hand
    part: Part  # that they are dealt from
    chosen: Indices  # (length * width,): the examples, batch by batch

    def epoch(self, k: int) -> int:
        """That of batch k of the run, both from 0."""
        return (self.iteration + k) // self.per_epoch

    def batches(self) -> Iterator[Batch]:
        """One after the other, in the hand's buffers."""
        hand = self.hand
        for k in range(self.length):
            chosen = self.chosen[k * hand.width : (k + 1) * hand.width]
            weights = hand.take(self.part, chosen, self.iteration + k)
            yield Batch(self.iteration + k, self.epoch(k), hand.X, hand.Y, weights)


@dataclass(frozen=True)
class Batches:
    """How a part is dealt out: an epoch is every example once, the last batch may be smaller."""

    part: Supply
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
        return self.size < self.part.m or bool(self.augmentations) or not self.part.held

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
        hands: dict[int, Hand] = {}
        shuffle = self.shuffle and self.size < self.part.m
        for load in self.part.loads(Order(self.size, self.seed, shuffle), start, stop):
            at = max(start, load.iteration)
            while at < min(stop, load.iteration + load.length):
                batch = at % self.per_epoch
                length = min(stop, load.iteration + load.length) - at
                length = min(length, most(at))
                if self.copied:
                    length = min(length, max(1, full - batch))
                width = self.size if batch < full else rest
                if width not in hands:
                    hands[width] = Hand(load.part, width, self.augmentations, copy=self.copied)
                first = (at - load.iteration) % self.per_epoch * self.size
                chosen = load.chosen[first:][: length * width]
                yield Run(at, length, self.per_epoch, hands[width], load.part, chosen)
                at += length
