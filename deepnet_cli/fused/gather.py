"""Lines of a matrix gathered into a buffer, in NumPy or as a call on a tape."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.fused import native, tape

HEAD = """
define void @NAME.words(ptr %words) {{
start:
{loads}
%bytes = mul i64 %width, 8
%ahead = getelementptr i8, ptr %chosen, i64 %bytes
store ptr %ahead, ptr %p1
br label %row
row:
"""
"""The index moves on by what this call takes of it."""

COLUMNS = """%r = phi i64 [0, %start], [%r.next, %row.end]
%r.from = mul i64 %r, %stride
%line = getelementptr {entry}, ptr %source, i64 %r.from
%r.to = mul i64 %r, %width
%to = getelementptr {entry}, ptr %out, i64 %r.to
br label %column
column:
%c = phi i64 [0, %row], [%c.next, %column]
%which = getelementptr i64, ptr %chosen, i64 %c
%index = load i64, ptr %which
%from = getelementptr {entry}, ptr %line, i64 %index
%value = load {entry}, ptr %from
%there = getelementptr {entry}, ptr %to, i64 %c
store {entry} %value, ptr %there
%c.next = add i64 %c, 1
%c.more = icmp slt i64 %c.next, %width
br i1 %c.more, label %column, label %row.end
row.end:
%r.next = add i64 %r, 1
%r.more = icmp slt i64 %r.next, %lines
br i1 %r.more, label %row, label %done
done:
ret void
}}
"""
"""Of each line those columns that are chosen, to a matrix of `width` columns."""

ROWS = """%r = phi i64 [0, %start], [%r.next, %row]
%which = getelementptr i64, ptr %chosen, i64 %r
%index = load i64, ptr %which
%skipped = mul i64 %index, %stride
%from = getelementptr i8, ptr %source, i64 %skipped
%r.to = mul i64 %r, %stride
%to = getelementptr i8, ptr %out, i64 %r.to
call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %stride, i1 false)
%r.next = add i64 %r, 1
%more = icmp slt i64 %r.next, %width
br i1 %more, label %row, label %done
done:
ret void
}}
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""
"""Whole rows of `stride` bytes."""

WORDS = ("source", "chosen", "out", "width", "stride", "lines")
ENTRIES = {4: "float", 8: "double"}


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
        stride = source.shape[1] * (source.itemsize if self.axis == 0 else 1)
        sizes = [out.shape[self.axis], stride, len(out)]
        words = [source.ctypes.data, 0, out.ctypes.data, *sizes]
        self._words.append(on.add(_compiled(self.axis, entry), words, (source, out)))

    def aim(self, source: NDArray[Any], chosen: NDArray[np.int64]) -> None:
        """Let the next plays, on any tape, take these of a source; both have to outlive them."""
        for words in self._words:
            words[0], words[1] = source.ctypes.data, chosen.ctypes.data


@cache
def _compiled(axis: int, entry: str) -> int:
    """The address of what gathers rows (axis 0) or columns."""
    loads = native.loads(WORDS, 3 * ["ptr"] + 3 * ["i64"])
    text = (HEAD + (COLUMNS if axis else ROWS)).format(loads=loads, entry=entry)
    return native.compiled(text)(".words")
