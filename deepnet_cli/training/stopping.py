"""Why training may end early: filters on the stream of events."""

import signal
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import TypeVar

E = TypeVar("E")


class Interruption:
    """SIGINT or SIGTERM: the step under way is finished; a second signal ends at once.

    A signal that the parent process made the command ignore stays ignored.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def stop(self, events: Iterable[E]) -> Iterator[E]:
        """Pass events through until a signal arrives."""
        watched = [
            s for s in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(s) != signal.SIG_IGN
        ]
        before = {s: signal.signal(s, self._arrived) for s in watched}
        try:
            for event in events:
                yield event
                if self.signal is not None:
                    return
        finally:
            for s, handler in before.items():
                signal.signal(s, handler)

    def _arrived(self, number: int, _: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
