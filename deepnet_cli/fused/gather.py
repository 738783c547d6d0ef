"""Lines of a matrix gathered into a buffer, in NumPy or as a call on a tape."""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.fused import native, tape
from deepnet_cli.fused.team import Work

PART = """
define void @NAME.words(ptr %words) {{
{loads}
call void @NAME.part(ptr %words, i64 0, i64 %lines)
ret void
}}
define void @NAME.part(ptr %words, i64 %begin, i64 %end) {{
start:
{loads}
%some = icmp slt i64 %begin, %end
br i1 %some, label %line, label %done
line:
%r = phi i64 [%begin, %start], [%r.next, %line.end]
%r.from = mul i64 %r, %stride
%r.to = mul i64 %r, %width
{line}
%r.next = add i64 %r, 1
%more = icmp slt i64 %r.next, %end
br i1 %more, label %line, label %done
done:
ret void
}}
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""
"""Lines of `out`."""

CHOSEN = """%from = getelementptr {entry}, ptr %source, i64 %r.from
%to = getelementptr {entry}, ptr %out, i64 %r.to
br label %column
column:
%c = phi i64 [0, %line], [%c.next, %column]
%which = getelementptr i64, ptr %chosen, i64 %c
%index = load i64, ptr %which
%there = getelementptr {entry}, ptr %from, i64 %index
%value = load {entry}, ptr %there
%here = getelementptr {entry}, ptr %to, i64 %c
store {entry} %value, ptr %here
%c.next = add i64 %c, 1
%c.more = icmp slt i64 %c.next, %width
br i1 %c.more, label %column, label %line.end
line.end:"""
"""Of a line those entries that are chosen."""

WHOLE = """br label %line.end
line.end:
%which = getelementptr i64, ptr %chosen, i64 %r
%index = load i64, ptr %which
%skipped = mul i64 %index, %stride
%from = getelementptr {entry}, ptr %source, i64 %skipped
%to = getelementptr {entry}, ptr %out, i64 %r.to
%bytes = mul i64 %width, {size}
call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %bytes, i1 false)"""
"""The line that is chosen."""

GO_ON = """
define void @NAME(ptr %words) {{
{loads}
%now = load ptr, ptr %place
%ahead = getelementptr i8, ptr %now, i64 %bytes
store ptr %ahead, ptr %place
ret void
}}
"""
"""The index moves on by what was taken of it."""

WORDS = ("source", "chosen", "out", "width", "stride", "lines")
ENTRIES, SIZES = {4: "float", 8: "double"}, {"float": 4, "double": 8}


class Gather:
    """out = source.take(chosen, axis), for C-contiguous arrays and an index (width,) of int64.

    On a tape each play takes the next `width` numbers of an index; `aim` says where it begins, and
    of which source: one like the first.
    """

    def __init__(self, source: NDArray[Any], out: NDArray[Any], axis: int) -> None:
        self.source, self.out, self.axis = source, out, axis
        self._words: list[Any] = []  # on each tape that it is on

    def __call__(self, source: NDArray[Any], chosen: NDArray[np.int64]) -> None:
        source.take(chosen, axis=self.axis, out=self.out, mode="clip")

    def note(self, on: tape.Tape) -> None:
        """Put it on a tape; or break it."""
        source, out, entry = self.source, self.out, ENTRIES.get(self.out.itemsize)
        alike = source.dtype == out.dtype and out.size > 0
        contiguous = source.flags.c_contiguous and out.flags.c_contiguous
        if on.broken or not (alike and contiguous and entry):
            on.broken = True
            return
        n, width = out.shape
        words = [source.ctypes.data, 0, out.ctypes.data, width, source.shape[1], n]
        held = on.add_work(_work(self.axis, entry), n, out.size, words, (source, out))
        self._words.append(held)
        place = ctypes.addressof(held) + 8 * (len(held) - len(WORDS) + 1)
        on.add(_go_on(), [place, 8 * out.shape[self.axis]], held)

    def aim(self, source: NDArray[Any], chosen: NDArray[np.int64]) -> None:
        """Let the next plays, on any tape, take these of a source; both have to outlive them."""
        for words in self._words:
            words[-6], words[-5] = source.ctypes.data, chosen.ctypes.data


@cache
def _work(axis: int, entry: str) -> Work:
    """What gathers rows (axis 0) or columns."""
    loads = native.loads(WORDS, 3 * ["ptr"] + 3 * ["i64"])
    line = (CHOSEN if axis else WHOLE).format(entry=entry, size=SIZES[entry])
    address = native.compiled(PART.format(loads=loads, line=line))
    return Work(address(".words"), address(".part"))


@cache
def _go_on() -> int:
    loads = native.loads(("place", "bytes"), ("ptr", "i64"))
    return native.compiled(GO_ON.format(loads=loads))("")
