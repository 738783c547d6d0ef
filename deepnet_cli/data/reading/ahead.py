"""Work that a thread does while what it made before is used."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")


@dataclass
class Clock:
    """Seconds that a reader worked, and those that somebody waited for it."""

    worked: float = 0.0
    waited: float = 0.0


def ahead(tasks: Iterable[Callable[[], T]], clock: Clock) -> Iterator[T]:
    """What the tasks return, in order; each is begun when the one before it has been asked for.

    So one result is in use and one in the making, never more: two buffers suffice.
    """

    def done(task: Callable[[], T]) -> T:
        began = perf_counter()
        try:
            return task()
        finally:
            clock.worked += perf_counter() - began

    waiting = iter(tasks)
    with ThreadPoolExecutor(1, "deepnet reader") as reader:
        first = next(waiting, None)
        pending = reader.submit(done, first) if first else None
        while pending is not None:
            began = perf_counter()
            made = pending.result()
            clock.waited += perf_counter() - began
            task = next(waiting, None)
            pending = reader.submit(done, task) if task else None
            yield made
