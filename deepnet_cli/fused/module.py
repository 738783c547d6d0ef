"""A compiled pass as a whole:

    void pass(array, array, ..., double, ..., long n, long m)
    void pass.words(long *words)                                    for a tape: the same arguments
    void pass.part(long *words, long begin, long end)               some lines, for a team

The arrays are (n, m), C-contiguous.  A formula with sums along rows runs row by row, one with
sums along columns some columns at a time, a lane for each.  Where there are no sums the lines are
the entries of one vector: n is 1.

An argument is the array object itself: its numbers stand where the object's first field
points (NumPy's C API, PyArrayObject_fields).
"""

from collections.abc import Mapping, Sequence

from deepnet_cli.fused import native
from deepnet_cli.fused.instructions import TYPES
from deepnet_cli.fused.lines import Argument, Lines
from deepnet_cli.fused.symbols import Node

DATA = object.__basicsize__
"""Where in an array object the address of its numbers stands."""

LANES = 16
"""Columns at a time: a vector of float32, where the processor has the longest."""


def module(
    name: str, arguments: Sequence[Argument], outputs: Mapping[int, Node], axis: int | None
) -> str:
    """The whole text: the function `name`, and those that do its lines."""
    columns, vector = axis == 0, axis is None
    whole = Lines(f"{name}.lines", arguments, outputs, columns=columns)
    parts = [(whole, "0", "1") if vector else (whole, "%odd", "%end")]
    if columns:
        wide = Lines(f"{name}.lanes", arguments, outputs, columns=True, lanes=LANES)
        parts.insert(0, (wide, "%begin", "%odd"))
    texts = [part.text() for part, _, _ in parts]
    start, width = ("%begin", "%many") if vector else ("0", "%m")
    arrays = [k for k, given in enumerate(arguments) if given.shape != "number"]
    outer = [f"{'ptr' if k in arrays else 'double'} %a{k}" for k in range(len(arguments))]
    passed = [f"ptr %d{k}" if k in arrays else word for k, word in enumerate(outer)]
    found = "\n".join(
        f"%f{k} = getelementptr i8, ptr %a{k}, i64 {DATA}\n%s{k} = load ptr, ptr %f{k}\n"
        f"%d{k} = getelementptr {TYPES[arguments[k].kind]}, ptr %s{k}, i64 {start}"
        for k in arrays
    )
    calls = "\n".join(
        f"call void @{part.name}({', '.join([*passed, 'i64 %n', f'i64 {width}'])}, "
        f"i64 {begin}, i64 {end})"
        for part, begin, end in parts
    )
    kinds = ["ptr" if k in arrays else "double" for k in range(len(arguments))] + ["i64", "i64"]
    words = native.loads([f"x{k}" for k in range(len(kinds))], kinds)
    listed = ", ".join(f"{kind} %x{k}" for k, kind in enumerate(kinds))
    given = ", ".join([*outer, "i64 %n", "i64 %m"])
    declared = sorted(set().union(*(part.declared for part, _, _ in parts)))
    return f"""define internal void @{name}.some({given}, i64 %begin, i64 %end) {{
%many = sub i64 %end, %begin
%even = and i64 %many, {-LANES if columns else 0}
%odd = add i64 %begin, %even
{found}
{calls}
ret void
}}
define void @{name}({given}) {{
call void @{name}.some({given}, i64 0, i64 {"%n" if axis == 1 else "%m"})
ret void
}}
define void @{name}.words(ptr %words) {{
{words}
call void @{name}({listed})
ret void
}}
define void @{name}.part(ptr %words, i64 %begin, i64 %end) {{
{words}
call void @{name}.some({listed}, i64 %begin, i64 %end)
ret void
}}
""" + "\n".join([*texts, *declared, ""])
