"""What much is asked of, by one after the other, stays open meanwhile."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Lock, local
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 4
"""How many stay open that nobody uses: a file takes a process."""


class Held(Generic[T]):
    """What is open until nobody holds it; whoever opens it does."""

    def __init__(self, opened: AbstractContextManager[T]) -> None:
        self._stack = ExitStack()
        self.value = self._stack.enter_context(opened)
        self._holders = 1
        self._lock = Lock()

    def hold(self) -> None:
        """One more does."""
        with self._lock:
            self._holders += 1

    def release(self) -> None:
        """One less does."""
        with self._lock:
            self._holders -= 1
            last = not self._holders
        if last:
            self._stack.close()


class Sharing(local, Generic[T]):
    """Within `kept`, what this thread has opened, by what tells it apart; outside, nothing."""

    def __init__(self) -> None:
        self._open: dict[Hashable, Held[T]] | None = None  # the latest is last

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is taken herein stays open, as far as `KEPT` goes."""
        if self._open is not None:
            yield
            return
        self._open = {}
        try:
            yield
        finally:
            left, self._open = self._open, None
            for held in left.values():
                held.release()

    @contextmanager
    def take(self, what: Hashable, opened: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
        """What is open already, or is opened now."""
        if self._open is None:
            with opened() as value:
                yield value
            return
        held = self._open.pop(what, None) or self._new(opened)
        held.hold()
        self._open[what] = held
        try:
            yield held.value
        finally:
            held.release()

    def _new(self, opened: Callable[[], AbstractContextManager[T]]) -> Held[T]:
        assert self._open is not None
        while len(self._open) >= KEPT:
            self._open.pop(next(iter(self._open))).release()
        return Held(opened())
