"""Work that a thread does while what it made before is used."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from time import perf_counter
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


@dataclass
class Clock:
    """Seconds that a reader worked, and those that somebody waited for it."""

    worked: float = 0.0
    waited: float = 0.0


def ahead(make: Callable[[S], T], given: Iterable[S], clock: Clock | None = None) -> Iterator[T]:
    """What is made of each that is given, in order; it is begun when the one before it has been
    asked for.

    So one result is in use and one in the making, never more: two buffers suffice.
    """
    clock = clock or Clock()

    def done(one: S) -> T:
        began = perf_counter()
        try:
            return make(one)
        finally:
            clock.worked += perf_counter() - began

    waiting = iter(given)
    first, second = next(waiting, None), next(waiting, None)
    if first is None:
        return
    if second is None:  # there is nothing to be done beside it
        yield done(first)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, "deepnet reader") as reader:
        pending = reader.submit(done, first)
        for one in chain([second], waiting):
            began = perf_counter()
            made = pending.result()
            clock.waited += perf_counter() - began
            pending = reader.submit(done, one)
            yield made
        yield pending.result()
