"""How many threads multiply matrices: what suits the shapes, or what the user says.

More than one is faster only where a product is large.  Threads that share a small one wait for
each other for longer than it takes, and on a busy machine many times as long.  Passes over
entries run between products and never beside one: in the thread that calls them, or shared by the
threads that multiply (`fused/team.py`).
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from threading import RLock, get_ident, local
from typing import Any

LARGE = 2**22
"""Multiplications from which a product is worth more than one thread: 0.1 ms of one."""


def fitting(sizes: Sequence[int], m: int) -> int | None:
    """For layers n[0], ..., n[L] and batches of m examples: 1, or None for all there are."""
    return None if largest(sizes, m) >= LARGE else 1


def cores() -> int:
    """That this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def largest(sizes: Sequence[int], m: int) -> int:
    """Multiplications in the largest product of an update."""
    return m * max(inputs * units for inputs, units in pairwise(sizes))


@contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Products have so many threads inside, None for as many as NumPy's have outside.  To be left
    by the thread that came in.

    OpenBLAS has one number for the process: where threads overlap here, it is that of whoever came
    last and is still inside.  OpenMP's, by which oneDNN multiplies, and MKL's are each thread's of
    Python.  In the end all are what they were.
    """
    libraries, me = _libraries(), object()
    with _TURN:
        _INSIDE[me] = get_ident()
        lines = [_line(library) for library in libraries]  # before any is set: some follow others
        for library, line in zip(libraries, lines, strict=True):
            line[me] = threads or lines[0][None]
            _set(library, line)
    try:
        yield
    finally:
        with _TURN:
            del _INSIDE[me]
            for library in libraries:
                line = _line(library)
                line.pop(me, None)
                _set(library, line)


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other thread of Python's is inside `limited`; herein none comes in.

    A fork takes OpenBLAS's threads away: a product that is shared by them just then never ends.
    """
    with _TURN:
        yield {*_INSIDE.values()} <= {get_ident()}


_INSIDE: dict[object, int] = {}
"""Who is inside `limited`, and in which thread."""

Line = dict[object, int]
"""Who is inside `limited` and with how many threads, the newest last; first, for None, the number
outside.
"""

_PROCESS: dict[str, Line] = {}
_THREAD = local()
"""A line for each library's file."""

_TURN = RLock()
"""Of this thread also as Python drops one that is inside, in the midst of another's coming in."""


def _line(library: Any) -> Line:
    """In which this thread stands for a library.  An OpenBLAS that multiplies by OpenMP's threads
    has OpenMP's number, which is set after it.
    """
    own = library.user_api == "openmp" or library.internal_api == "mkl"
    line: Line = (vars(_THREAD) if own else _PROCESS).setdefault(library.filepath, {})
    if len(line) < 2:  # nobody is inside
        line[None] = library.num_threads
    return line


def _set(library: Any, line: Line) -> None:
    """Give a library the number of the newest.

    From 3.8 on threadpoolctl lets one thread set OpenBLAS's, until it lets go or ends, and takes no
    notice of others.  Here they take turns.
    https://github.com/joblib/threadpoolctl#openblas-with-pthreadswindows-and-the-controlling-thread
    """
    let_go = getattr(library, "clear_controlling_thread", lambda **_: None)
    let_go(force=True)
    library.set_num_threads([*line.values()][-1])
    let_go(force=True)


def effective() -> int:
    """Threads that products of NumPy's BLAS have now; the last bits of a result depend on it.

    Other libraries' have as many inside of `limited`, but where threads overlap.
    """
    return pool()[0]


def pool() -> tuple[int, str]:
    """The same, and the processor for which this BLAS multiplies."""
    for library in _libraries():
        if library.user_api == "blas":
            return library.num_threads, str(getattr(library, "architecture", "unknown"))
    return 1, "unknown"


def _libraries() -> list[Any]:
    """All that have threads, as threadpoolctl controls them: NumPy's BLAS first, OpenMP last."""
    from threadpoolctl import ThreadpoolController

    def order(library: Any) -> tuple[bool, bool]:
        return library.user_api == "openmp", "numpy" not in library.filepath

    return sorted(ThreadpoolController().lib_controllers, key=order)
