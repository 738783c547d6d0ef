"""Signals that are heard in the midst of a step, too."""

import os
import select
import signal
from contextlib import suppress
from threading import RLock, Thread
from typing import Any

from deepnet_cli import signals
from deepnet_cli.training.run.stopping import Interruption


class Listening(Interruption):
    """An Interruption that does not wait for a step to end, which may be one long call of machine
    code: Python's handlers have to.

    So the system tells a pipe, and a thread listens there.  Each signal is heard once, by it or by
    the handler, whichever is first.
    """

    def __init__(self) -> None:
        super().__init__()
        self._hearing = RLock()  # the handler may come while the handler hears
        self._open = True

    def __enter__(self) -> "Listening":
        self._heard, self._told = os.pipe()
        os.set_blocking(self._heard, False)
        os.set_blocking(self._told, False)
        self._others = signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)
        self._listener = Thread(target=self._listen, name="deepnet listener", daemon=True)
        self._listener.start()
        self._before = signals.handle(self._hear, self.heard)
        return self

    def __exit__(self, *raised: Any) -> None:
        try:
            super().__exit__(*raised)
        finally:
            signal.set_wakeup_fd(self._others)
            self._open = False
            os.write(self._told, bytes(1))
            self._listener.join()
            os.close(self._heard)
            os.close(self._told)

    def _listen(self) -> None:
        while self._open:
            select.select([self._heard], [], [])
            self._hear()

    def _hear(self, *_: object) -> None:
        with self._hearing, suppress(BlockingIOError):
            for number in os.read(self._heard, 64):
                if number in self.heard:
                    self._arrived(number, None)
