"""A pass: a formula that changes arrays in place, in one trip over them.

Compiled to one loop where llvmlite is installed.  Else, or where the formula does what symbols
cannot follow, NumPy runs the same function on a few lines at a time, so that what it makes
on the way stays in the processor's cache.
"""

from collections.abc import Callable
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.fused import blocks, native, tape
from deepnet_cli.fused.team import Team

if TYPE_CHECKING:
    from deepnet_cli.fused.compiling import Compiled


class Pass:
    """`function(*arrays, *numbers)` changes its arrays (n, m) in place: all that it does is done
    to each entry, or is a reduction along an axis that keeps it: 1, along rows, or 0.

    `shapes` has a letter for each argument: f, an array (n, m); r, (n, 1); c, (1, m), in
    capitals in float64 whatever the precision of the first argument, which the others are
    in; n, a number, these at the end.  Where axis is None nothing is reduced, all arguments are f
    and n, and may be vectors (P,) as well.  Arrays are C-contiguous, and each has its own
    memory.
    """

    def __init__(
        self, function: Callable[..., object], shapes: str, axis: int | None = None
    ) -> None:
        self.function, self.shapes, self.axis = function, shapes, axis
        self._known: dict[np.dtype[Any], Compiled | None] = {}

    def __call__(self, *args: Any) -> None:
        first = args[0]
        dtype = first.dtype
        if not all(map(_fits, self.shapes, args, repeat(dtype))) or len(args) != len(self.shapes):
            raise ValueError(f"expected {self.shapes} of {dtype}")
        if dtype not in self._known:
            self._known[dtype] = self._compiled(dtype)
        compiled = self._known[dtype]
        n, m = (1, first.size) if self.axis is None else first.shape
        if tape.recording.tape is not None:
            self._note(tape.recording.tape, compiled, args, n, m)
        elif compiled is None:
            self.in_numpy(*args)
        else:
            compiled.call(*args, n, m)

    def _note(
        self, on: tape.Tape, compiled: "Compiled | None", args: tuple[Any, ...], n: int, m: int
    ) -> None:
        if compiled is None:
            on.broken = True
        elif compiled.work is not None:
            numbers = args[len(args) - self.shapes.count("n") :]
            lines, words = n if self.axis == 1 else m, [*map(id, args), n, m]
            on.add_work(compiled.work, lines, n * m, words, args, numbers)

    def in_numpy(self, *args: Any) -> None:
        """The same, without compiling anything; as quiet as machine code where numbers overflow."""
        with np.errstate(all="ignore"):
            self._in_blocks(*args)

    def _in_blocks(self, *args: Any) -> None:
        if args[0].size <= blocks.BLOCK:
            self.function(*args)
            return
        if self.axis is None:
            args = tuple(
                x if k == "n" else x.reshape(-1) for k, x in zip(self.shapes, args, strict=True)
            )
        axis = 1 if self.axis == 0 else 0
        lines = args[0].shape[axis]
        for block in blocks.blocks(lines, max(1, blocks.BLOCK * lines // args[0].size)):
            self.function(*(self._part(x, k, block) for k, x in enumerate(args)))

    def _compiled(self, dtype: np.dtype[Any]) -> "Compiled | None":
        if not native.available() or dtype.char not in "fd":
            return None
        from deepnet_cli.fused.compiling import compiled_pass

        return compiled_pass(self.function, self.shapes, self.axis, dtype)

    def _part(self, x: Any, k: int, block: slice) -> Any:
        """What an argument is for some lines: rows, columns, or stretches of a vector."""
        letter = self.shapes[k].lower()
        if (letter, self.axis) in (("r", 0), ("c", 1)) or letter == "n":
            return x
        part: NDArray[Any] = x[:, block] if self.axis == 0 else x[block]
        return part


class Player:
    """A pass over arrays that stay where they are: a function of its numbers alone."""

    def __init__(self, of: Pass, *args: Any, team: Team | None = None) -> None:
        with tape.record(team) as self.tape:
            of(*args)
        self._pass, self._arrays = of, args[: len(args) - of.shapes.count("n")]

    def __call__(self, *numbers: float) -> None:
        if self.tape.broken:
            self._pass(*self._arrays, *numbers)
        else:
            self.tape.play(*numbers)


def _fits(letter: str, given: Any, dtype: np.dtype[Any]) -> bool:
    """Whether machine code may have it; NumPy also takes real numbers among complex ones."""
    if letter == "n":
        return True
    alike = given.dtype == (np.float64 if letter.isupper() else dtype)
    return bool(given.flags.c_contiguous) and (alike or dtype.kind == "c")
