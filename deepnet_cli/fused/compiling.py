"""From a formula to a compiled pass."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepnet_cli.fused import elementary, native  # noqa: F401  elementary adds ufuncs
from deepnet_cli.fused.lines import LENGTH, Argument
from deepnet_cli.fused.module import LANES, module
from deepnet_cli.fused.symbols import Symbol, UntraceableError
from deepnet_cli.fused.team import Work

KINDS = {"f": "float", "d": "double"}


@dataclass(frozen=True)
class Compiled:
    """A pass in machine code."""

    call: Callable[..., None]  # of the arguments of a Pass, n and m
    work: Work | None  # the same for a tape; None where nothing is to be done


def compiled_pass(
    function: Callable[..., object], shapes: str, axis: int | None, dtype: np.dtype[Any]
) -> Compiled | None:
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
        return Compiled(lambda *_: None, None)
    address = native.compiled(module(native.NAME, arguments, changed, axis))
    given = [ctypes.c_double if letter == "n" else ctypes.py_object for letter in shapes]
    signature = ctypes.CFUNCTYPE(None, *given, ctypes.c_ssize_t, ctypes.c_ssize_t)
    unit = 1 if axis == 1 else LANES
    return Compiled(signature(address("")), Work(address(".words"), address(".part"), unit))
