"""One step of a network, U = f(V), and its way back.

    forward     U from V                          what backward will need stays in the cache
    backward    gradients of its parameters from dU = dJ/dU
    pull        dV = (dU/dV)^T dU

V and U are (n, m), one column an example.  A step holds no arrays: its parameters are
windows p["W1"] onto theta, their gradients windows g["W1"] onto the gradient, and all
that one batch needs is in a cache made once for each batch width.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Generic, Protocol, TypeVar

import numpy as np

from deepnet_cli.nn.parameters import Block
from deepnet_cli.nn.types import Array

Windows = Mapping[str, Array]
"""Arrays by name: windows onto theta, or onto its gradient."""


class Cache(Protocol):
    """What one step keeps of one batch."""

    U: Array  # its output, (n, m): a buffer of its own, or that of its input


C = TypeVar("C", bound=Cache)


class Op(ABC, Generic[C]):
    """One step; C is its cache.  What most steps do not need has a default here."""

    layer: int  # l, from 1
    kind: ClassVar[str]
    letter: ClassVar[str]  # of its output: Z, N, A, D
    units: int  # n[l], the rows of its output
    in_passes: ClassVar[bool] = True  # all of forward, backward, pull are passes and products

    @property
    def node(self) -> str:
        """How its output is called: Z1."""
        return f"{self.letter}{self.layer}"

    @property
    def blocks(self) -> dict[str, Block]:
        """Its parameters by name."""
        return {}

    @property
    def complex_step(self) -> bool:
        """Whether complex numbers go through `forward`."""
        return True

    @property
    def kinks(self) -> tuple[float, ...]:
        """The inputs at which its output has no derivative."""
        return ()

    @property
    def floats(self) -> int:
        """Numbers in its cache for each example."""
        return 0

    @abstractmethod
    def cache(self, m: int, dtype: np.dtype[np.generic], V: Array) -> C:
        """Buffers for batches of m examples; V is the buffer that the input will stand in."""

    def draw(self, c: C, step: int) -> None:
        """Draw what is random in update number `step`: forward is then a function of V."""

    @abstractmethod
    def forward(self, p: Windows, V: Array, c: C) -> Array:
        """U, in its buffer in the cache, which may be the buffer of V."""

    def backward(self, p: Windows, dU: Array, c: C, g: Windows) -> None:
        """Write the gradients of the parameters into g; `pull` is all that then sees dU, which
        may be overwritten.
        """

    @abstractmethod
    def pull(self, p: Windows, dU: Array, c: C) -> Array:
        """dV; dU may be overwritten."""

    def track(self, p: Windows, c: C) -> None:
        """Move running statistics, which are in theta but not trained, by this batch's."""

    def frozen(self) -> "Op[C]":
        """What stands in its place where its parameters stay as they are."""
        return self

    def evaluation(self) -> "Op[C] | None":
        """What stands in its place when nothing is trained; None where nothing does."""
        return self
