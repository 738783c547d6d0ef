"""Why training ends: its progress says so, or a signal, a filter on the stream of events."""

import signal
import time
from collections.abc import Iterable, Iterator
from math import isfinite
from types import FrameType, TracebackType
from typing import Any, NamedTuple, TypeVar

from deepnet_cli import signals
from deepnet_cli.config.job import Job
from deepnet_cli.errors import DataError, MachineError
from deepnet_cli.nn.improvement import reaches
from deepnet_cli.training.kept.progress import Progress

E = TypeVar("E")

APART = 0.3
"""Seconds that are between two signals of which the second is meant."""


PATIENCE = 1.0
"""Seconds that figures may take once a signal has come."""


class Ending(NamedTuple):
    """Why a run ended."""

    stopped: str  # completed, converged, early, target, time, interrupted or diverged
    reason: str  # the sentence


INTERRUPTED = Ending("interrupted", "a signal ended it")


def ending(job: Job, progress: Progress) -> Ending | None:
    """What ends a run here, of all that is a function of its progress; None while it goes on.

    Early stopping and the target look at regular rows, which are the same in a run that resumes.
    """
    training, watch, rows = job.config.training, progress.watch, progress.history.rows
    stopping, target, made = training.early_stopping, training.target, progress.state.iteration
    if stopping is not None and watch is not None and watch.waited >= stopping.patience:
        return Ending("early", watch.waiting)
    if target is not None and rows:
        value, figure = rows[-1][target.monitor], target.monitor
        if reaches(figure, value, target.value):
            at = f"{value:g} at iteration {rows[-1]['iteration']}"
            return Ending("target", f"{figure} has reached {target.value:g}: {at}")
    if job.rule.converged(progress.state.slots, made):
        return Ending("converged", f"no step from iteration {made - 1} on lowers the cost")
    if made >= job.iterations:
        undefined = [
            f"; {wanted.monitor} is not a finite number"
            for wanted in (stopping, target)
            if wanted is not None and rows and not isfinite(rows[-1][wanted.monitor])
        ]
        return Ending("completed", "".join([f"all {made:,} iterations were made", *undefined]))
    return None


class Interruption:
    """While it is open, a first signal asks for an end after the step under way, and waits where
    files are written; a second one leaves at once, and what was saved last stays.

    Shells and wrappers pass a signal on that the terminal has sent to all of them: what comes right
    after the first is the same one.  So is a second SIGHUP: nobody is there to be impatient.

    An error that ends it, of the data or the machine, is told with the command that goes on.
    """

    heard: tuple[signal.Signals, ...] = signals.ENDING

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.at = 0.0
        self.go_on = ""  # the command that does
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interruption":
        self._before = signals.handle(self._arrived, self.heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for s, handler in self._before.items():
            signal.signal(s, handler)
        if self.go_on and isinstance(error, DataError | MachineError):
            raise type(error)(f"{error}\ngo on: {self.go_on}") from None

    def stop(self, events: Iterable[E]) -> Iterator[E]:
        """Pass events through until a signal arrives."""
        for event in events:
            yield event
            if self.signal is not None:
                return

    def late(self) -> bool:
        """Whether who sent a signal waits no more for figures."""
        return self.signal is not None and time.monotonic() - self.at > PATIENCE

    def _arrived(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.signal is None:
            self.at, self.signal = now, signal.Signals(number)  # in this order: `late` may look
            signals.note("ending when this step is made and all is saved; once more leaves at once")
        elif number != signal.SIGHUP and now - self.at > APART:
            self.leave(number)

    def leave(self, number: int) -> None:
        """What a second signal does."""
        signals.leave(number, told=f"interrupted; go on: {self.go_on}")
