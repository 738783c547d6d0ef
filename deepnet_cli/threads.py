"""How many threads multiply matrices: what suits the shapes, or what the user says.

More than one is faster only where a product is large.  Threads that share a small one wait for
each other for longer than it takes, and on a busy machine many times as long.  Passes over
entries run between products and never beside one: in the thread that calls them, or shared by the
threads that multiply (`fused/team.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from threading import Lock

LARGE = 2**22
"""Multiplications from which a product is worth more than one thread: 0.1 ms of one."""


def fitting(sizes: Sequence[int], m: int) -> int | None:
    """For layers n[0], ..., n[L] and batches of m examples: 1, or None for all there are."""
    return None if largest(sizes, m) >= LARGE else 1


def largest(sizes: Sequence[int], m: int) -> int:
    """Multiplications in the largest product of an update."""
    return m * max(inputs * units for inputs, units in pairwise(sizes))


@contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Products have so many threads inside; None leaves their number as it is.

    The number is the process's.  Where Python's threads overlap here, it is that of whoever came
    last and is still inside; when all have left, it is what it was before the first.  OpenMP's, by
    which oneDNN multiplies, is that of each thread of Python's by itself.
    """
    if threads is None:
        yield
        return
    from threadpoolctl import ThreadpoolController

    me = object()
    with _MEETING:
        _INSIDE[me] = threads
        _settle()
    try:
        with ThreadpoolController().select(user_api="openmp").limit(limits=threads):
            yield
    finally:
        with _MEETING:
            del _INSIDE[me]
            _settle()


_MEETING = Lock()
_INSIDE: dict[object, int] = {}
"""Who is inside `limited`, and with how many threads; the newest last."""

_BEFORE: dict[str, int] = {}
"""Threads of each BLAS, by its file, while nobody was inside."""


def _settle() -> None:
    """Give each BLAS the threads that it is to have now."""
    from threadpoolctl import ThreadpoolController

    for blas in ThreadpoolController().select(user_api="blas").lib_controllers:
        before = _BEFORE.setdefault(blas.filepath, blas.num_threads)
        blas.set_num_threads([before, *_INSIDE.values()][-1])
    if not _INSIDE:
        _BEFORE.clear()


def effective() -> int:
    """Threads that products have now; the last bits of a result depend on it.

    Those of NumPy's BLAS: SciPy's, and MKL, have their own, and are listed in no order.
    """
    return pool()[0]


def pool() -> tuple[int, str]:
    """The same, and the processor for which this BLAS multiplies."""
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    own = min(pools, key=lambda pool: "numpy" not in pool["filepath"], default={"num_threads": 1})
    return own["num_threads"], str(own.get("architecture", "unknown"))
