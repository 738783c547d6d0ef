"""Signals that end a command: Ctrl-C, a request from the system or a cluster, a closed terminal.

From its first moment (__main__.py) one ends it at once, with exit code 128 + its number; no
exception is raised, for which an import or a library's callback could be the wrong place.  While
training has something to save a first one only asks (training/run/stopping.py).  One that the
parent process made the command ignore, as nohup does, stays ignored.

What takes milliseconds to import has no place here.
"""

from __future__ import annotations

import os
import signal
from _thread import RLock

TYPE_CHECKING = False  # as typing's, which is slow
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any, NoReturn

    Handler = Callable[[int, FrameType | None], object]

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

unfinished: set[str] = set()
"""Temporary files that are being written, to be removed by who leaves."""

leaving: list[Callable[[], object]] = []
"""What who leaves does first, the newest of it before the others; none of it raises."""

making = RLock()
"""Held while one is made, by any thread; who leaves holds it to the end."""


class Leaving:
    """While it is open, who leaves does something first."""

    def __init__(self, first: Callable[[], object]) -> None:
        self.first = first

    def __enter__(self) -> None:
        leaving.append(self.first)

    def __exit__(self, *_: object) -> None:
        leaving.remove(self.first)


def handle(handler: Handler, of: Iterable[signal.Signals] = ENDING) -> dict[signal.Signals, Any]:
    """Give those signals that are not ignored to `handler`; the handlers that they had."""
    heard = [s for s in of if signal.getsignal(s) != signal.SIG_IGN]
    return {s: signal.signal(s, handler) for s in heard}


def ignore() -> None:
    """All is done: the interpreter, as it ends, would go back to the system's own handlers."""
    for s in ENDING:
        signal.signal(s, signal.SIG_IGN)


def leave(number: int, _: FrameType | None = None, told: str = "interrupted") -> NoReturn:
    """End the process here and now, leaving no temporary file."""
    making.acquire(timeout=1.0)
    for first in reversed(leaving):
        first()
    for path in tuple(unfinished):
        try:  # noqa: SIM105
            os.unlink(path)  # noqa: PTH108
        except OSError:
            pass
    note(told)
    os._exit(128 + number)


def note(text: str) -> None:
    """A line on stderr from inside a handler, where the buffered stream may be in use."""
    try:
        begun = "\r\x1b[K" if os.isatty(2) else ""  # a bar and a ^C are there
        os.write(2, f"{begun}{text}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        pass
