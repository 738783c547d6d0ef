"""Inverted dropout: D[l] = A[l] * mask / keep while training, nothing at prediction.

A unit is kept with probability keep; dA[l] = dD[l] * mask / keep.
Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from deepnet_cli.fused.blocks import blocks
from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.ops.op import Op, Windows
from deepnet_cli.nn.types import Array

Bits = Callable[[int], np.random.BitGenerator]
"""The random bits of update number `step`: the same whenever they are asked for."""


@dataclass
class DropoutCache:
    """U = D (n[l], m), and the mask: `kept` where a unit is kept, else 0."""

    U: Array
    mask: Array


@dataclass(frozen=True)
class Dropout(Op[DropoutCache]):
    """Drops each entry of A[l] with probability `rate`, by itself in each example."""

    layer: int
    units: int
    rate: float
    bits: Bits
    kind: ClassVar[str] = "dropout"
    letter: ClassVar[str] = "D"

    @property
    def kept(self) -> float:
        """What a unit that is kept is multiplied by."""
        return 1 / (1 - self.rate)

    @property
    def floats(self) -> int:
        return 2 * self.units

    def cache(self, m: int, dtype: np.dtype[np.generic], V: Array) -> DropoutCache:
        real = np.empty(0, dtype).real.dtype
        return DropoutCache(np.empty_like(V), np.empty((self.units, m), real))

    def draw(self, c: DropoutCache, step: int) -> None:
        draw_mask(self.bits(step), self.rate, self.kept, c.mask)

    def forward(self, p: Windows, V: Array, c: DropoutCache) -> Array:
        MASKED(V, c.mask, c.U)
        return c.U

    def pull(self, p: Windows, dU: Array, c: DropoutCache) -> Array:
        MASK(dU, c.mask)
        return dU

    def evaluation(self) -> None:
        return None


def draw_mask(bits: np.random.BitGenerator, rate: float, kept: float, mask: Array) -> None:
    """Put 0 into each entry of a C-contiguous mask with probability `rate`, else `kept`.

    32 bits an entry, two entries a word, however many words are drawn at a time.
    """
    mask, dropped = mask.reshape(-1), min(round(rate * 2**32), 2**32 - 1)
    for words in blocks((mask.size + 1) // 2):
        entries = mask[2 * words.start : 2 * words.stop]
        drawn = bits.random_raw((entries.size + 1) // 2).view(np.uint32)[: entries.size]
        np.multiply(drawn >= dropped, kept, out=entries, casting="same_kind")


def _mask(dU: Array, mask: Array) -> None:
    dU *= mask


MASKED = Pass(lambda V, mask, U: np.multiply(V, mask, out=U), "fff")
MASK = Pass(_mask, "ff")
