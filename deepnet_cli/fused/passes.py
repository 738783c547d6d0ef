"""A pass: a formula that changes arrays in place, in one trip over them.

Compiled to one loop where llvmlite is installed.  Else, or where the formula does what symbols
cannot follow, NumPy runs the same function on a few lines at a time, so that what it makes
on the way stays in the processor's cache.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.fused import blocks, native


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
        self._compiled: dict[np.dtype[Any], Callable[..., None] | None] = {}

    def __call__(self, *args: Any) -> None:
        first = args[0]
        try:
            run = self._compiled[first.dtype]
        except KeyError:
            run = self._prepared(args)
        if run is None:
            self.in_numpy(*args)
        elif self.axis is None:
            run(*args, 1, first.size)
        else:
            run(*args, *first.shape)

    def in_numpy(self, *args: Any) -> None:
        """The same, without compiling anything."""
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

    def _prepared(self, args: tuple[Any, ...]) -> Callable[..., None] | None:
        dtype = args[0].dtype
        if not all(_fits(*pair, dtype) for pair in zip(self.shapes, args, strict=True)):
            raise ValueError(f"expected {self.shapes} in {dtype}")
        run = None
        if native.available() and dtype.char in "fd":
            from deepnet_cli.fused.compiling import compiled_pass

            run = compiled_pass(self.function, self.shapes, self.axis, dtype)
        self._compiled[dtype] = run
        return run

    def _part(self, x: Any, k: int, block: slice) -> Any:
        """What an argument is for some lines: rows, columns, or stretches of a vector."""
        letter = self.shapes[k].lower()
        if (letter, self.axis) in (("r", 0), ("c", 1)) or letter == "n":
            return x
        part: NDArray[Any] = x[:, block] if self.axis == 0 else x[block]
        return part


def _fits(letter: str, given: Any, dtype: np.dtype[Any]) -> bool:
    if letter == "n":
        return True
    wanted = np.result_type(dtype, np.float64) if letter.isupper() else dtype
    return bool(given.flags.c_contiguous) and given.dtype in (wanted, wanted.type(0).real.dtype)
