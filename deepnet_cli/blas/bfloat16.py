"""Products in bfloat16 by oneDNN: A and B are rounded to bfloat16, sums are of float32.

bfloat16 is the upper half of a float32: its sign, its exponent, and 7 bits of its fraction.  In a
step that is on tape each matrix is rounded once, for all products that it is a factor of.
https://uxlfoundation.github.io/oneDNN/dev_guide_matmul.html
"""

import threading
import weakref
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.blas.onednn import library
from deepnet_cli.blas.primitives import Arguments, Engine, Layout, Primitive
from deepnet_cli.fused import tape
from deepnet_cli.fused.tape import Tape
from deepnet_cli.fused.team import Team
from deepnet_cli.nn.types import Array

Bits = NDArray[np.uint16]
"""Numbers in bfloat16."""

Key = tuple[int, tuple[Layout, ...]]
"""For how many threads, and the layouts of two factors and their product, or of one matrix."""


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


class Own(threading.local):
    """What a thread multiplies with: the primitives, their arguments, and room for the factors."""

    def __init__(self) -> None:
        self.primitives: dict[Key, Primitive] = {}
        self.arguments: dict[Key, Arguments] = {}
        self.room: list[Bits] = [np.empty(0, np.uint16)] * 2


class BFloat16:
    """A B in bfloat16 with float32 sums, of float32 into float32."""

    dtypes = frozenset({np.dtype(np.float32)})

    def __init__(self) -> None:
        """Raises UnavailableError."""
        found, version = library()
        self.name = f"bfloat16 by {version}"
        self.team = Team.of(found)
        self._engine, self._own = Engine(found), Own()
        self._rounded = weakref.WeakKeyDictionary[Tape, list[Rounded]]()

    def __call__(self, A: Array, B: Array, out: Array) -> Array:
        if tape.recording.tape is not None:
            self._note(tape.recording.tape, A, B, out)
            return out
        own = self._own
        own.room = [
            bits if bits.size >= M.size else np.empty(M.size, np.uint16)
            for bits, M in zip(own.room, (A, B), strict=True)
        ]
        a, b = own.room
        self._run(self._key(A), A, a)
        self._run(self._key(B), B, b)
        self._run(self._key(A, B, out), a, b, out)
        return out

    def _run(self, key: Key, *arrays: NDArray[Any]) -> None:
        """Run a primitive on arrays now."""
        primitive, known = self._primitive(key), self._own.arguments
        if key not in known:
            known[key] = self._engine.arguments(primitive)
        self._engine.execute(primitive, known[key], *arrays)

    def _note(self, on: Tape, A: Array, B: Array, out: Array) -> None:
        if not on.broken:
            a, b = (self._bits(on, M) for M in (A, B))
            self._add(on, self._key(A, B, out), a, b, out)

    def _bits(self, on: Tape, M: Array) -> Bits:
        """M in bfloat16 while a tape is played: as an earlier call has left it, or by one more."""
        known = self._rounded.setdefault(on, [])
        for rounded in known:
            if rounded.of(M, on):
                return rounded.bits
        bits = np.empty(M.size, np.uint16)
        self._add(on, self._key(M), M, bits)
        known.append(Rounded(M, bits, len(on.calls)))
        return bits

    def _add(self, on: Tape, key: Key, *arrays: NDArray[Any]) -> None:
        """Have a tape run a primitive on arrays."""
        primitive = self._primitive(key)
        self._engine.note(on, primitive, self._engine.arguments(primitive), *arrays)

    def _key(self, *matrices: Array) -> Key:
        return self._engine.threads, tuple(map(Layout.of, matrices))

    def _primitive(self, key: Key) -> Primitive:
        """What rounds one matrix, or multiplies two of bfloat16 that were rounded."""
        made = self._own.primitives
        if key not in made:
            _, (A, *others) = key
            if others:
                B, out = others
                made[key] = self._engine.matmul(A.rounded, B.rounded, out)
            else:
                made[key] = self._engine.reorder(A, A.rounded)
        return made[key]


@cache
def bfloat16() -> BFloat16:
    """The one of this process.  Raises UnavailableError."""
    return BFloat16()


def _place(M: Array) -> tuple[object, ...]:
    """Where a matrix stands, and its lines, whether or not it is transposed."""
    return M.ctypes.data, *sorted(zip(M.strides, M.shape, strict=True))
