"""Large passes shared by the threads of OpenMP, where it is they that multiply: between two
products they would only wait.

Each does a stretch of the lines, so every number is what one thread makes of it, bit for bit.
https://gcc.gnu.org/onlinedocs/libgomp/Implementing-PARALLEL-construct.html
"""

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from deepnet_cli.fused import native
from deepnet_cli.fused.subnormal import FLUSHING

LEAST = 2**16
"""Entries from which on a pass is worth more than one thread: some 10 us of one."""

OWN = {"parallel": "ptr", "thread_num": "ptr", "num_threads": "ptr"}
OWN |= {"part": "ptr", "lines": "i64", "unit": "i64"}
"""Words in front of a work's own: of OpenMP's functions, then of the work."""

SHARED = """
{flushing.declared}
define void @NAME(ptr %words) {{
{loads}
call void %parallel(ptr @NAME.member, ptr %words, i32 0, i32 0)
ret void
}}
define internal void @NAME.member(ptr %words) {{
{loads}
%mask = sub i64 0, %unit
%number32 = call i32 %thread_num()
%size32 = call i32 %num_threads()
%number = sext i32 %number32 to i64
%size = sext i32 %size32 to i64
%next = add i64 %number, 1
%before = mul i64 %lines, %number
%first = sdiv i64 %before, %size
%begin = and i64 %first, %mask
%until = mul i64 %lines, %next
%second = sdiv i64 %until, %size
%even = and i64 %second, %mask
%last = icmp eq i64 %next, %size
%end = select i1 %last, i64 %lines, i64 %even
%given = getelementptr i64, ptr %words, i64 {own}
{flushing.before}
call void %part(ptr %given, i64 %begin, i64 %end)
{flushing.after}
ret void
}}
"""
"""Each member has a stretch of the lines: stretches begin at multiples of the unit."""


class Work(NamedTuple):
    """A function of the words of a call, by address; of the words, begin and end, what does lines
    begin, ..., end - 1 of it; and how many lines, a power of 2, are best done at a time.
    """

    whole: int
    part: int
    unit: int = 1


@dataclass(frozen=True)
class Team:
    """The functions of an OpenMP by which work is shared, by address."""

    parallel: int
    thread_num: int
    num_threads: int

    @classmethod
    def of(cls, library: ctypes.CDLL) -> "Team":
        """Those of a library, or of what it is linked to."""
        names = ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")
        return cls(*(ctypes.cast(library[name], ctypes.c_void_p).value or 0 for name in names))

    def shared(self, work: Work, lines: int, words: list[int]) -> tuple[int, list[int]]:
        """A function that has all the lines done, and its words."""
        own = [self.parallel, self.thread_num, self.num_threads, work.part, lines, work.unit]
        return _shared(), own + words


@cache
def _shared() -> int:
    loads = native.loads([*OWN], [*OWN.values()])
    return native.compiled(SHARED.format(loads=loads, own=len(OWN), flushing=FLUSHING))("")
