"""Why training ends: its progress says so, or a signal, a filter on the stream of events."""

import signal
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import NamedTuple, TypeVar

from deepnet_cli.config.job import Job
from deepnet_cli.nn.improvement import reaches
from deepnet_cli.training.progress import Progress

E = TypeVar("E")


class Ending(NamedTuple):
    """Why a run ended."""

    stopped: str  # completed, converged, early, target, time, interrupted or diverged
    reason: str  # the sentence


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
        return Ending("completed", f"all {made} iterations were made")
    return None


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
