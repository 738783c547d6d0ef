"""All parameters in one flat vector theta, and the named windows onto it.

    theta = [ W1 ... WL | b1 ... bL ]     (P,)

Weights come first, so that a weight penalty is one slice.  The gradient and each of an
optimizer's memories are vectors of the same shape, seen through the same windows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Layout:
    """The names and shapes of W[1] ... W[L], b[1] ... b[L] for sizes (n[0], ..., n[L])."""

    sizes: tuple[int, ...]

    @cached_property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """'W1': (n[1], n[0]), ..., 'b1': (n[1], 1), ..., in their order in the vector."""
        pairs = list(enumerate(zip(self.sizes[1:], self.sizes[:-1], strict=True), start=1))
        weights = {f"W{l}": (n_out, n_in) for l, (n_out, n_in) in pairs}
        return weights | {f"b{l}": (n_out, 1) for l, (n_out, _) in pairs}

    @cached_property
    def size(self) -> int:
        """P, the number of parameters."""
        return sum(prod(shape) for shape in self.shapes.values())

    @cached_property
    def weights(self) -> slice:
        """Where all the W stand in the vector."""
        return slice(sum(prod(shape) for name, shape in self.shapes.items() if name[0] == "W"))

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where each block stands in the vector."""
        places, start = {}, 0
        for name, shape in self.shapes.items():
            places[name] = slice(start, start + prod(shape))
            start += prod(shape)
        return places

    def views(self, vector: Array) -> dict[str, Array]:
        """Each block as a window onto a (P,) vector.  Never copies."""
        return {
            name: vector[self.places[name]].reshape(shape) for name, shape in self.shapes.items()
        }

    def split(self, vector: Array) -> tuple[list[Array], list[Array]]:
        """The windows as lists (W[1] ... W[L]) and (b[1] ... b[L])."""
        views = list(self.views(vector).values())
        L = len(self.sizes) - 1
        return views[:L], views[L:]

    def join(self, blocks: Mapping[str, Array], dtype: np.dtype[np.generic]) -> Array:
        """The (P,) vector of arrays by name, each in the block's shape."""
        theta = np.empty(self.size, dtype)
        for name, view in self.views(theta).items():
            view[...] = blocks[name]
        return theta
