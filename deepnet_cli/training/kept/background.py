"""Work that is done beside training by a thread, one piece after the other.

What it waits for leaves training alone: Python lets other threads run while one is in a write,
an fsync or a digest.
"""

from collections.abc import Callable
from threading import Thread


class Background:
    """One piece at a time: who has another one done waits for the one before.

    What a piece raises, whoever comes next is told: `do`, `look` and `wait` raise it, once.
    """

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._error: BaseException | None = None

    def do(self, work: Callable[[], object]) -> None:
        """Have it done, after all that came before has been, and well."""
        self.wait()
        self._thread = Thread(target=self._try, args=(work,), name="deepnet writer")
        try:
            self._thread.start()
        except RuntimeError:  # the system has no thread to give
            self._thread = None
            self._try(work)

    def look(self) -> None:
        """Wait for nothing."""
        if self._error is not None:
            self.wait()

    def wait(self) -> None:
        """Until all is done."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            self._error = error
