"""The examples of a part, "train", "validation" or "test", as the network sees them.

A `Part` has them in memory.  What has too many for that hands out parts of itself
(data/encoding/streamed.py); whoever trains on examples or measures them asks for no more than a
`Supply`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.data.dealing.flow import Flow
from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.losses import shares
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import order

Indices = NDArray[np.int64]

VALUES = 2**22
"""About how many entries of X and Y a block has: what is measured is never measured at once."""


@dataclass(frozen=True)
class Order:
    """How an epoch goes: in batches of `size`, the last may be smaller, in an order of its own
    (`shuffle`) that is a function of (seed, epoch).
    """

    size: int
    seed: int
    shuffle: bool


class Supply(Protocol):
    """Examples with Y, in memory or not, and what each weighs, if anything."""

    @property
    def m(self) -> int: ...

    @property
    def features(self) -> int:
        """n[0]"""

    @property
    def outputs(self) -> int:
        """n[L]"""

    @property
    def weights(self) -> Array | None: ...

    @property
    def nbytes(self) -> int:
        """That it takes in memory."""

    @property
    def held(self) -> bool:
        """Whether all of it is in memory, in `Part`s that stay as they are."""

    @property
    def flow(self) -> Flow | None:
        """What dealing them has taken, where they are read for it."""

    def blocks(self) -> Iterator["Part"]:
        """All examples in order, as many at a time as VALUES says."""

    def labels(self) -> Iterator[tuple[Array, Array | None]]:
        """Y (n[L], m_b) and weights (m_b,) of all examples in order, without X."""

    def loads(self, order: Order, start: int, stop: int) -> Iterator["Load"]:
        """What the batches of iterations start, ..., stop - 1 are dealt from."""

    def sample(self, count: int, seed: int, purpose: str) -> "Part":
        """About so many examples, drawn with the seed; all of them where there are no more."""

    @property
    def digests(self) -> dict[str, str]:
        """By which it is known again."""


@dataclass(frozen=True)
class Part:
    """Examples in memory: rows (m, n[0]), scaled, Y (n[L], m), perhaps float64 weights (m,)."""

    rows: Array
    Y: Array
    weights: Array | None = None
    held: ClassVar[bool] = True
    flow: ClassVar[None] = None

    @property
    def X(self) -> Array:
        """(n[0], m), a window onto the rows."""
        return self.rows.T

    @property
    def m(self) -> int:
        return len(self.rows)

    @property
    def features(self) -> int:
        return int(self.rows.shape[1])

    @property
    def outputs(self) -> int:
        return len(self.Y)

    @property
    def share(self) -> Array:
        """The part (m,) that each example has in a mean over all."""
        return shares(self.weights, self.m)

    @property
    def nbytes(self) -> int:
        return self.rows.nbytes + self.Y.nbytes

    def take(self, chosen: Indices | slice) -> "Part":
        """Some of the examples."""
        weights = None if self.weights is None else self.weights[chosen]
        return Part(self.rows[chosen], self.Y[:, chosen], weights)

    def blocks(self) -> Iterator["Part"]:
        for i in in_turn(self.m, self.features + self.outputs):
            yield self.take(i)

    def labels(self) -> Iterator[tuple[Array, Array | None]]:
        yield self.Y, self.weights

    def loads(self, order: Order, start: int, stop: int) -> Iterator["Load"]:
        m, per_epoch = self.m, ceil(self.m / order.size)
        if not order.shuffle:
            yield Load(self, np.arange(m), 0, stop)
            return
        for epoch in range(start // per_epoch, ceil(stop / per_epoch)):
            yield Load(self, shuffled(order.seed, epoch, m), epoch * per_epoch, per_epoch)

    def sample(self, count: int, seed: int, purpose: str) -> "Part":
        if count >= self.m:
            return self
        return self.take(np.sort(order(seed, purpose, 0, self.m)[:count]))

    @cached_property
    def digests(self) -> dict[str, str]:
        """sha256 of the rows, of Y and of any weights, as the network sees them."""
        arrays = {"x_sha256": self.rows, "y_sha256": self.Y, "weights_sha256": self.weights}
        return {name: sha256(array) for name, array in arrays.items() if array is not None}


class Load(NamedTuple):
    """What some iterations deal their batches from: one after the other, as `chosen` has them.

    Over the end of an epoch `chosen` begins again.
    """

    part: Part
    chosen: Indices
    iteration: int  # the first
    length: int


def shuffled(seed: int, epoch: int, m: int) -> Indices:
    """The order of m examples in an epoch."""
    return order(seed, "shuffle", epoch, m)


def in_turn(m: int, values: int) -> Iterator[slice]:
    """Blocks of m examples that have so many values each, of about the same length."""
    count = max(1, ceil(m * values / VALUES))
    return blocks(m, ceil(m / count))


def sha256(array: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
