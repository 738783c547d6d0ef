"""All parameters in one flat vector theta, and the named windows onto it.

    theta = [ W1 ... WL | b1, scale1, shift1, slope1 ... | mean1, variance1 ... ]     (P,)

Weights come first, so that a weight penalty is one slice.  The running statistics of a
norm come last: they are part of what a network is, but no gradient moves them.  Nor does it
move the W, b, scale and shift of frozen layers, which stand just before the statistics.  The
gradient and each of an optimizer's memories are vectors of the same shape, seen through
the same windows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import prod
from string import ascii_letters

import numpy as np

from deepnet_cli.nn.types import Array

KINDS = ("weight", "offset", "statistic")
"""In their order in the vector."""

Stretch = tuple[slice, float]
"""Neighbours in the vector, and the factor on the learning rate that moves them."""


@dataclass(frozen=True)
class Block:
    """The shape of one block, its kind, the value that it starts with unless drawn, and the
    factor on the learning rate that moves it: 0 where it is frozen.
    """

    shape: tuple[int, int]
    kind: str
    fill: float = 0.0
    rate_factor: float = 1.0

    @property
    def trained(self) -> bool:
        """Whether the gradient moves it."""
        return self.kind != "statistic" and self.rate_factor > 0


@dataclass(frozen=True)
class Layout:
    """Where the blocks stand in the vector, given by name in the order of the layers."""

    given: tuple[tuple[str, Block], ...]

    @cached_property
    def blocks(self) -> dict[str, Block]:
        """Each block by name, in the order of the vector."""

        def order(pair: tuple[str, Block]) -> tuple[bool, int]:
            return not pair[1].trained, KINDS.index(pair[1].kind)

        return dict(sorted(self.given, key=order))

    def until(self, layer: int) -> "Layout":
        """The blocks of the layers 1 to `layer` by themselves."""
        return Layout(tuple(p for p in self.given if int(p[0].lstrip(ascii_letters)) <= layer))

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
        """Where all the W that are trained stand in the vector."""
        return slice(0, self._count(lambda block: block.trained and block.kind == "weight"))

    def weights_of(self, layers: tuple[int, int] | None) -> slice:
        """Where the W that are trained of the first to the last of some layers stand; of all where
        it is None.
        """
        if layers is None:
            return self.weights
        first, last = layers
        names = (f"W{l}" for l in range(first, last + 1))
        places = [self.places[name] for name in names if self.blocks[name].trained]
        return slice(places[0].start, places[-1].stop) if places else slice(0)

    @cached_property
    def trained(self) -> slice:
        """Where all that the gradient moves stands in the vector."""
        return slice(0, self._count(lambda block: block.trained))

    @property
    def parameters(self) -> slice:
        """Where these and what is frozen stand in the vector."""
        return slice(0, self.statistics.start)

    @cached_property
    def statistics(self) -> slice:
        """Where the running statistics stand in the vector."""
        return slice(self._count(lambda block: block.kind != "statistic"), self.size)

    @cached_property
    def moving(self) -> list[Stretch]:
        """All that is trained, in stretches of one factor on the learning rate."""
        return self._stretches(self.names)

    @cached_property
    def decaying(self) -> list[Stretch]:
        """All the W that are trained, likewise."""
        return self._stretches([n for n in self.names if self.blocks[n].kind == "weight"])

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
        return tuple(name for name, block in self.blocks.items() if block.trained)

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

    def _stretches(self, names: Sequence[str]) -> list[Stretch]:
        """Neighbouring blocks, joined where their factor is the same."""
        by_factor = groupby(names, lambda name: self.blocks[name].rate_factor)
        runs = [(factor, [self.places[name] for name in run]) for factor, run in by_factor]
        return [(slice(run[0].start, run[-1].stop), factor) for factor, run in runs]

    def _count(self, of: Callable[[Block], bool]) -> int:
        return sum(prod(block.shape) for block in self.blocks.values() if of(block))
