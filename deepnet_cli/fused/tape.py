"""A fixed sequence of passes and products over fixed arrays, played by one call.

While a tape records, passes and products are noted and not run.  Playing it runs them all in
machine code: with small networks most of a step is Python between one call and the next.

Meanwhile numbers smaller than the smallest normal one are 0 (`subnormal.py`).
"""

import ctypes
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.fused import native
from deepnet_cli.fused.subnormal import FLUSHING
from deepnet_cli.fused.team import LEAST, Team, Work

PLAYER = """
{flushing.declared}
define void @NAME(ptr %records, i64 %count) {{
start:
{flushing.before}
%any = icmp sgt i64 %count, 0
br i1 %any, label %next, label %done
next:
%k = phi i64 [0, %start], [%k.next, %next]
%at = getelementptr [2 x ptr], ptr %records, i64 %k
%function = load ptr, ptr %at
%second = getelementptr ptr, ptr %at, i64 1
%arguments = load ptr, ptr %second
call void %function(ptr %arguments)
%k.next = add nsw i64 %k, 1
%more = icmp slt i64 %k.next, %count
br i1 %more, label %next, label %done
done:
{flushing.after}
ret void
}}
"""


class Tape:
    """The calls, each a function's address and its arguments as words of 64 bits."""

    def __init__(self, team: Team | None = None) -> None:
        self.team = team  # that shares large passes
        self.broken = False  # something had to be done that is no machine code
        self.calls: list[tuple[int, Any]] = []
        self._kept: list[Any] = []  # so that no address outlives what is there
        self._numbers: Any = ()

    @classmethod
    def of(cls, calls: Iterable[tuple[int, Any]]) -> "Tape":
        """A tape of calls on others, which have to outlive it."""
        tape = cls()
        tape.calls = [*calls]
        tape.wind()
        return tape

    def add(self, function: int, words: list[int], kept: Any, numbers: Sequence[float] = ()) -> Any:
        """Note a call of a compiled function with the arguments in `words`, the last but two of
        which stand for `numbers`; the words as they are kept.
        """
        held = (ctypes.c_int64 * len(words))(*words)
        place = ctypes.sizeof(held) - 8 * (len(numbers) + 2)
        self._numbers = (ctypes.c_double * len(numbers)).from_buffer(held, max(0, place))
        self._numbers[:] = list(numbers)
        self.calls.append((function, held))
        self._kept.append(kept)
        return held

    def add_work(
        self,
        work: Work,
        lines: int,
        entries: int,
        words: list[int],
        kept: Any,
        numbers: Sequence[float] = (),
    ) -> Any:
        """The same for work on so many lines: where it has many entries, the team shares it."""
        function = work.whole
        if self.team is not None and entries >= LEAST:
            function, words = self.team.shared(work, lines, words)
        return self.add(function, words, kept, numbers)

    def touches(self, array: NDArray[Any], since: int) -> bool:
        """Whether a call behind the first `since` may change what stands in an array: it was given
        some of it.
        """
        return any(
            isinstance(x, np.ndarray) and np.may_share_memory(x, array)
            for kept in self._kept[since:]
            for x in kept
        )

    def play(self, *numbers: float) -> None:
        """Run every call, in order, the last one with other numbers where they are given."""
        if numbers:
            self._numbers[:] = list(numbers)
        self._play(self.records, len(self.calls))

    @property
    def places(self) -> list[int]:
        """The addresses of the numbers of the last call."""
        first = ctypes.addressof(self._numbers) if self._numbers else 0
        return [first + 8 * k for k in range(len(self._numbers))]

    def wind(self) -> None:
        """Make the tape ready to be played."""
        pairs = [w for f, words in self.calls for w in (f, ctypes.addressof(words))]
        self._words = (ctypes.c_int64 * len(pairs))(*pairs)
        self.records = ctypes.addressof(self._words)
        self.player = native.compiled(PLAYER.format(flushing=FLUSHING))("")
        signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t)
        self._play = signature(self.player)


class Recording(threading.local):
    """The tape that notes what passes and products of this thread would do."""

    tape: Tape | None = None


recording = Recording()


@contextmanager
def record(team: Team | None = None) -> Iterator[Tape]:
    """Note on a new tape, in place of running it, all that is done inside; large passes as the
    work of a team.
    """
    recording.tape = tape = Tape(team)
    tape.broken = not native.available()
    try:
        yield tape
    finally:
        recording.tape = None
    if not tape.broken:
        tape.wind()
