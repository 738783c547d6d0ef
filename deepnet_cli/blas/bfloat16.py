"""Products in bfloat16 by oneDNN: A and B are rounded to bfloat16, sums are of float32.

bfloat16 is the upper half of a float32: its sign, its exponent, and 7 bits of its fraction.  In a
step that is on tape each matrix is rounded once, for all products that it is a factor of.
https://uxlfoundation.github.io/oneDNN/dev_guide_matmul.html
"""

import threading
import weakref
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.blas.layouts import Layout, Matmul, Reorder
from deepnet_cli.blas.onednn import engine, library
from deepnet_cli.fused import tape
from deepnet_cli.fused.tape import Tape
from deepnet_cli.fused.team import Team
from deepnet_cli.nn.types import Array

Bits = NDArray[np.uint16]
"""Numbers in bfloat16."""


@dataclass(frozen=True)
class Rounded:
    """A matrix in bfloat16, as it was after so many calls of a tape."""

    M: Array
    bits: Bits
    calls: int

    def of(self, M: Array, on: Tape) -> bool:
        """Whether it still is M, or its transpose, on that tape."""
        same = _place(M) == _place(self.M)
        return same and not on.touches(M, self.calls)


class Room(threading.local):
    """Where a thread rounds the two factors of a product that is on no tape."""

    def __init__(self) -> None:
        self.bits: list[Bits] = [np.empty(0, np.uint16)] * 2


class BFloat16:
    """A B in bfloat16 with float32 sums, of float32 into float32."""

    dtypes = frozenset({np.dtype(np.float32)})

    def __init__(self) -> None:
        """Raises UnavailableError."""
        found, version = library()
        self.name = f"bfloat16 by {version}"
        self.team = Team.of(found)
        self._engine, self._room = engine(), Room()
        self._on_tape = weakref.WeakKeyDictionary[Tape, list[Rounded]]()

    def __call__(self, A: Array, B: Array, out: Array) -> Array:
        on = tape.recording.tape
        multiplied = Matmul(Layout.of(A).rounded, Layout.of(B).rounded, Layout.of(out))
        if on is None:
            self._engine.run(multiplied, *self._rounded(A, B), out)
        elif not on.broken:
            self._engine.note(on, multiplied, self._noted(on, A), self._noted(on, B), out)
        return out

    def _rounded(self, *factors: Array) -> list[Bits]:
        """In the thread's room."""
        self._room.bits = [
            bits if bits.size >= M.size else np.empty(M.size, np.uint16)
            for bits, M in zip(self._room.bits, factors, strict=True)
        ]
        for M, bits in zip(factors, self._room.bits, strict=True):
            self._engine.run(_rounding(M), M, bits)
        return self._room.bits

    def _noted(self, on: Tape, M: Array) -> Bits:
        """M in bfloat16 while a tape is played: as an earlier call has left it, or by one more."""
        known = self._on_tape.setdefault(on, [])
        for rounded in known:
            if rounded.of(M, on):
                return rounded.bits
        bits = np.empty(M.size, np.uint16)
        self._engine.note(on, _rounding(M), M, bits)
        known.append(Rounded(M, bits, len(on.calls)))
        return bits


@cache
def bfloat16() -> BFloat16:
    """The one of this process.  Raises UnavailableError."""
    return BFloat16()


def _rounding(M: Array) -> Reorder:
    given = Layout.of(M)
    return Reorder(given, given.rounded)


def _place(M: Array) -> tuple[object, ...]:
    """Where a matrix stands, and its lines, whether or not it is transposed."""
    return M.ctypes.data, *sorted(zip(M.strides, M.shape, strict=True))
