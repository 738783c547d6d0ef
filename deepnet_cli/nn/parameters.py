"""All parameters in one flat vector theta, and the named windows onto it.

    theta = [ W1 ... WL | b1, scale1, shift1, slope1 ... | mean1, variance1 ... ]     (P,)

Weights come first, so that a weight penalty is one slice.  The running statistics of a
norm come last: they are part of what a network is, but no gradient moves them.  The
gradient and each of an optimizer's memories are vectors of the same shape, seen through
the same windows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from deepnet_cli.nn.types import Array

KINDS = ("weight", "offset", "statistic")
"""In their order in the vector."""


@dataclass(frozen=True)
class Block:
    """The shape of one block, its kind, and the value that it starts with unless drawn."""

    shape: tuple[int, int]
    kind: str
    fill: float = 0.0


@dataclass(frozen=True)
class Layout:
    """Where the blocks stand in the vector, given by name in the order of the layers."""

    given: tuple[tuple[str, Block], ...]

    @cached_property
    def blocks(self) -> dict[str, Block]:
        """Each block by name, in the order of the vector."""
        return dict(sorted(self.given, key=lambda pair: KINDS.index(pair[1].kind)))

    @cached_property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """'W1': (n[1], n[0]), ..., 'b1': (n[1], 1), ..., in their order in the vector."""
        return {name: block.shape for name, block in self.blocks.items()}

    @cached_property
    def size(self) -> int:
        """P, the length of the vector."""
        return sum(prod(shape) for shape in self.shapes.values())

    @cached_property
    def weights(self) -> slice:
        """Where all the W stand in the vector."""
        return slice(0, self._count("weight"))

    def weights_of(self, layers: tuple[int, int] | None) -> slice:
        """Where the W of the first to the last of some layers stand; of all where it is None."""
        if layers is None:
            return self.weights
        first, last = (self.places[f"W{l}"] for l in layers)
        return slice(first.start, last.stop)

    @cached_property
    def trained(self) -> slice:
        """Where all that the gradient moves stands in the vector."""
        return slice(0, self._count("weight", "offset"))

    @cached_property
    def statistics(self) -> slice:
        """Where the running statistics stand in the vector."""
        return slice(self.trained.stop, self.size)

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where each block stands in the vector."""
        places, start = {}, 0
        for name, shape in self.shapes.items():
            places[name] = slice(start, start + prod(shape))
            start += prod(shape)
        return places

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The trained blocks."""
        return tuple(name for name, block in self.blocks.items() if block.kind != "statistic")

    def views(self, vector: Array) -> dict[str, Array]:
        """Each block as a window onto a (P,) vector.  Never copies."""
        return {
            name: vector[self.places[name]].reshape(shape) for name, shape in self.shapes.items()
        }

    def start(self) -> Array:
        """A theta (P,) in float64 with every block at its first value; W is to be drawn."""
        theta = np.empty(self.size)
        for name, block in self.blocks.items():
            theta[self.places[name]] = block.fill
        return theta

    def join(self, blocks: Mapping[str, Array], dtype: np.dtype[np.generic]) -> Array:
        """The (P,) vector of arrays by name, each in the block's shape."""
        theta = np.empty(self.size, dtype)
        for name, view in self.views(theta).items():
            view[...] = blocks[name]
        return theta

    def _count(self, *kinds: str) -> int:
        return sum(prod(block.shape) for block in self.blocks.values() if block.kind in kinds)
