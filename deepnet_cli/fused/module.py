"""A compiled pass as a whole:

    void pass(array, array, ..., double, ..., long n, long m)
    void pass.words(long *words)                                    for a tape: the same arguments

The arrays are (n, m), C-contiguous.  A formula with sums along rows runs row by row, one with
sums along columns some columns at a time, a lane for each.

An argument is the array object itself: its numbers stand where the object's first field
points (NumPy's C API, PyArrayObject_fields).
"""

from collections.abc import Mapping, Sequence

from deepnet_cli.fused import native
from deepnet_cli.fused.lines import Argument, Lines
from deepnet_cli.fused.symbols import Node

DATA = object.__basicsize__
"""Where in an array object the address of its numbers stands."""

LANES = 16
"""Columns at a time: a vector of float32, where the processor has the longest."""


def module(
    name: str, arguments: Sequence[Argument], outputs: Mapping[int, Node], *, columns: bool
) -> str:
    """The whole text: the function `name`, and those that do its lines."""
    whole = Lines(f"{name}.lines", arguments, outputs, columns=columns)
    parts = [(whole, "%odd", "%lines")]
    if columns:
        wide = Lines(f"{name}.lanes", arguments, outputs, columns=True, lanes=LANES)
        parts.insert(0, (wide, "0", "%odd"))
    texts = [part.text() for part, _, _ in parts]
    arrays = [k for k, given in enumerate(arguments) if given.shape != "number"]
    outer = [f"{'ptr' if k in arrays else 'double'} %a{k}" for k in range(len(arguments))]
    passed = [f"ptr %d{k}" if k in arrays else word for k, word in enumerate(outer)]
    found = "\n".join(
        f"%f{k} = getelementptr i8, ptr %a{k}, i64 {DATA}\n%d{k} = load ptr, ptr %f{k}"
        for k in arrays
    )
    calls = "\n".join(
        f"call void @{part.name}({', '.join([*passed, 'i64 %n', 'i64 %m'])}, "
        f"i64 {begin}, i64 {end})"
        for part, begin, end in parts
    )
    odd = f"and i64 %m, {-LANES}" if columns else "add i64 0, 0"
    kinds = ["ptr" if k in arrays else "double" for k in range(len(arguments))] + ["i64", "i64"]
    words = native.loads([f"x{k}" for k in range(len(kinds))], kinds)
    listed = ", ".join(f"{kind} %x{k}" for k, kind in enumerate(kinds))
    declared = sorted(set().union(*(part.declared for part, _, _ in parts)))
    return f"""define void @{name}({", ".join([*outer, "i64 %n", "i64 %m"])}) {{
{found}
%lines = add i64 0, {"%m" if columns else "%n"}
%odd = {odd}
{calls}
ret void
}}
define void @{name}.words(ptr %words) {{
{words}
call void @{name}({listed})
ret void
}}
""" + "\n".join([*texts, *declared, ""])
