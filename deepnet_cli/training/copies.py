"""What is kept of a run while it goes on: copies to fall back on, and checkpoints of them."""

import time
from collections.abc import Sequence
from functools import partial

from deepnet_cli.config.job import Job
from deepnet_cli.training.environment import Environment, environment
from deepnet_cli.training.progress import Progress
from deepnet_cli.training.run_directory import HISTORY, Keep, RunDirectory

CHECKPOINT_SECONDS = 30.0


class Copies:
    """The two newest copies of the progress, and that at its best row until it is written.

    What the last update made is known to be good only when a finite cost has been computed
    from it: so it may be the older one that is good, and a checkpoint that is taken is
    written when it is confirmed.  Its file is made and written beside training, from the copy.
    """

    def __init__(self, job: Job, directory: RunDirectory, config: str, start: Progress) -> None:
        self.job = job
        self.directory = directory
        self.config = config
        self._held = [start.copy()]
        self._best: Progress | None = None
        self._taken: Progress | None = None
        self._at = time.monotonic()

    def hold(self, progress: Progress, *, best: bool = False) -> Progress:
        """A copy of it, as it is now."""
        if self._held[-1].state.iteration < progress.state.iteration:
            self._held = [self._held[-1], progress.copy()]
        if best:
            self._best = self._held[-1]
        return self._held[-1]

    def before(self, iteration: int) -> Progress:
        """The newest that had made fewer updates, or the oldest."""
        known = [held for held in self._held if held.state.iteration < iteration]
        return (known or self._held[:1])[-1].settled()

    def take_in_time(self, progress: Progress) -> None:
        """Take a checkpoint, where one is due."""
        every, now = self.job.config.output.checkpoint_every, time.monotonic()
        if isinstance(every, int):
            due = progress.state.iteration % every == 0
        else:
            due = now - self._at > CHECKPOINT_SECONDS
        if due:
            self._taken, self._at = self.hold(progress), now

    def confirm(self) -> None:
        """Write what was taken.  Raises what went wrong with one before."""
        self.directory.background.look()
        if self._taken is not None:
            taken, self._taken = self._taken, None
            self.write(taken, history=True)

    def write(self, progress: Progress, *, history: bool = False, over: bool = False) -> None:
        """Have a checkpoint written, and before it that of its best row, if this came since the
        last; after it history.csv up to there.  The last one of a run that is over is.
        """
        made, best, due = progress.state.iteration, 0, [progress]
        if progress.watch is not None:
            best = progress.watch.iteration + 1
        if (held := self._best) is not None and held.state.iteration == best:
            self._best = None
            if best < made:
                due.insert(0, held)
        every = self.job.config.output.checkpoint_every
        keep = Keep(best, every if isinstance(every, int) else 0, over)
        write = partial(self._write, due, environment(self.job), keep, history=history)
        self.directory.background.do(write)

    def _write(
        self, due: Sequence[Progress], made_in: Environment, keep: Keep, *, history: bool
    ) -> None:
        for progress in due:
            content = progress.to_bytes(self.job, self.config, made_in)
            self.directory.save_checkpoint(progress.state.iteration, content, keep)
        if history:
            self.directory.write(HISTORY, progress.settled().history.to_csv().encode())
