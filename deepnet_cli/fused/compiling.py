"""From a formula to a compiled pass."""

from collections.abc import Callable
from typing import Any

import numpy as np

from deepnet_cli.fused import elementary, native  # noqa: F401  elementary adds ufuncs
from deepnet_cli.fused.lines import LENGTH, Argument
from deepnet_cli.fused.module import module
from deepnet_cli.fused.symbols import Symbol, UntraceableError

KINDS = {"f": "float", "d": "double"}


def compiled_pass(
    function: Callable[..., object], shapes: str, axis: int | None, dtype: np.dtype[Any]
) -> Callable[..., None] | None:
    """The compiled form of a Pass for one precision; None where symbols cannot follow."""
    line, place = ("c", "r") if axis == 0 else ("r", "c")
    names = {"f": "entries", line: "lines", place: "places", "n": "number"}
    arguments = [
        Argument(
            names[letter.lower()],
            "number" if letter == "n" else "double" if letter.isupper() else KINDS[dtype.char],
        )
        for letter in shapes
    ]
    before = [given.node(k) for k, given in enumerate(arguments)]
    symbols = [
        Symbol(
            node, np.dtype("d") if given.kind == "double" else dtype, 0 if axis == 0 else 1, LENGTH
        )
        for node, given in zip(before, arguments, strict=True)
    ]
    try:
        function(*symbols)
    except UntraceableError:
        return None
    changed = {k: s.node for k, s in enumerate(symbols) if s.node is not before[k]}
    if not changed:
        return lambda *_: None
    text = module(native.NAME, arguments, changed, columns=axis == 0)
    numbers = shapes.count("n")
    return native.compiled(text, len(shapes) - numbers, numbers)
