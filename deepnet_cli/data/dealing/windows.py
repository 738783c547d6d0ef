"""The order of an epoch over examples in a file, as a function of (seed, epoch).

A file is read fastest in stretches, runs of examples that follow each other, and is often sorted:
by class, by time.  So an epoch goes through windows, as many examples as memory has room for.
The W windows of an epoch divide every zone of W neighboring stretches between them, in a random
order of its own: each gets a sample of the whole file, however that is sorted.  Within a window
examples are in a uniformly random order, and batches are dealt without a seam between windows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.dealing.parts import Indices, Order
from deepnet_cli.randomness import bits, order


class Window(NamedTuple):
    """What is read for a window, and what is dealt from it."""

    iteration: int  # the first that is dealt from it
    length: int  # how many are
    left: int  # examples that the windows before have left, and that come first
    stretches: Indices  # that are read, ascending
    examples: int  # in them
    number: int  # among the windows of all epochs


@dataclass(frozen=True)
class Windows:
    """How m examples in stretches are gone through; stretch s is those from edges[s] to
    edges[s + 1].  A window has about `room` examples, a batch at least.
    """

    edges: Indices  # (S + 1,), from 0 to m
    room: int
    order: Order

    @property
    def m(self) -> int:
        return int(self.edges[-1])

    @property
    def per_epoch(self) -> int:
        return ceil(self.m / self.order.size)

    @property
    def count(self) -> int:
        """W"""
        return max(1, min(len(self.edges) - 1, self.m // max(self.room, self.order.size)))

    @property
    def capacity(self) -> int:
        """The most examples that a window deals from: its own and what is left from the last."""
        sizes = np.diff(self.edges)
        zones = np.append(sizes, np.zeros(-len(sizes) % self.count, np.int64))
        if self.order.shuffle:
            own = int(zones.reshape(-1, self.count).max(axis=1).sum())
        else:
            own = max(int(sizes[i].sum()) for i in self._in_turn())
        return min(own + self.order.size - 1, self.m)

    def between(self, start: int, stop: int) -> Iterator[Window]:
        """The windows of iterations start, ..., stop - 1; before them those, of length 0, that have
        what is left for the first of them.
        """
        for epoch in range(start // self.per_epoch, ceil(stop / self.per_epoch)):
            every = self.of_epoch(epoch)
            first = max(k for k, window in enumerate(every) if k == 0 or window.iteration <= start)
            before, needed = first, every[first].left
            while needed > 0:
                before -= 1
                needed -= every[before].examples
            yield from (window._replace(length=0) for window in every[before:first])
            yield from (window for window in every[first:] if window.iteration < stop)

    def of_epoch(self, epoch: int) -> list[Window]:
        """The windows of an epoch.  What the last but one leaves, the last takes, too."""
        stretches = self._dealt(epoch) if self.order.shuffle else self._in_turn()
        sizes, size, windows, behind = np.diff(self.edges), self.order.size, list[Window](), 0
        for k, own in enumerate(stretches):
            dealt, count = behind // size, int(sizes[own].sum())
            upto = self.per_epoch if k == self.count - 1 else (behind + count) // size
            first = epoch * self.per_epoch + dealt
            number = epoch * self.count + k
            windows.append(Window(first, upto - dealt, behind % size, own, count, number))
            behind += count
        return windows

    def order_of(self, window: Window) -> Indices:
        """That of the examples of a window (count,), as its stretches have them."""
        if not self.order.shuffle:
            return np.arange(window.examples)
        return order(self.order.seed, "window", window.number, window.examples)

    def _in_turn(self) -> list[Indices]:
        return np.array_split(np.arange(len(self.edges) - 1), self.count)

    def _dealt(self, epoch: int) -> list[Indices]:
        """The stretches of each window."""
        W, S = self.count, len(self.edges) - 1
        drawn = bits(self.order.seed, "stretches", epoch).random_raw(ceil(S / W) * W)
        window = np.argsort(drawn.reshape(-1, W), axis=1, kind="stable").reshape(-1)[:S]
        by_window, counts = np.argsort(window, kind="stable"), np.bincount(window)
        return np.split(by_window, counts.cumsum()[:-1])
