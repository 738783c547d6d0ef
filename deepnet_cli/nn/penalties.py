"""What J adds for the size of the weights; b is never penalized.

    value(W)       the sum of entries(W)        gradient(W)    dvalue/dW, the shape of W

A penalty is of all W, or of those of some layers.  A config's l2 and l1 are lambda; the
strength here is lambda / m, with m the number of training examples, so that the sum over an
epoch's batches weighs it as one full batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from deepnet_cli.nn.types import Array, Cost


class Penalty(Protocol):
    """A function of the weights, elementwise, added to J."""

    name: ClassVar[str]
    rotates: ClassVar[bool]  # whether a rotation of the weights does not change it
    strength: float
    layers: tuple[int, int] | None  # the first and the last whose W it is of; None: all

    def entries(self, W: Array) -> Array:
        """What each weight adds, in float64."""

    def value(self, W: Array) -> Cost:
        """The penalty of some weights."""
        total: Cost = self.entries(W).sum().item()
        return total

    def gradient(self, W: Array) -> Array:
        """Its derivative by each of them."""

    def is_of(self, layer: int) -> bool:
        """Whether it is of W[layer]."""
        return self.layers is None or self.layers[0] <= layer <= self.layers[1]


@dataclass(frozen=True)
class L2(Penalty):
    """strength / 2 * sum W^2"""

    name: ClassVar[str] = "l2"
    rotates: ClassVar[bool] = True
    strength: float
    layers: tuple[int, int] | None = None

    def entries(self, W: Array) -> Array:
        wide = _wide(W)
        halves: Array = self.strength / 2 * wide * wide
        return halves

    def gradient(self, W: Array) -> Array:
        dW: Array = self.strength * W
        return dW


@dataclass(frozen=True)
class L1(Penalty):
    """strength * sum |W|, with derivative 0 at W = 0"""

    name: ClassVar[str] = "l1"
    rotates: ClassVar[bool] = False
    strength: float
    layers: tuple[int, int] | None = None

    def entries(self, W: Array) -> Array:
        sizes: Array = self.strength * _wide(W) * np.sign(W.real)
        return sizes

    def gradient(self, W: Array) -> Array:
        dW: Array = self.strength * np.sign(W.real)
        return dW


def _wide(W: Array) -> Array:
    """In float64 or complex128."""
    return W.astype(np.result_type(W.dtype, np.float64))


PENALTIES: dict[str, Callable[..., Penalty]] = {penalty.name: penalty for penalty in (L2, L1)}
