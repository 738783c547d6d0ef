"""What is kept of a run while it goes on: copies to fall back on, checkpoints of them, its rows."""

import time
from collections.abc import Sequence
from functools import partial

from deepnet_cli.config.job import Job
from deepnet_cli.training.kept.environment import Environment, environment
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.run_directory import HISTORY, ORIGIN, Keep, RunDirectory, checkpoints
from deepnet_cli.training.loop.history import History

CHECKPOINT_SECONDS = 30.0

FIRST_SECONDS = 2.0
"""To the first checkpoint: from then on there is a history to be looked at."""


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
        self._at = self._now = time.monotonic()
        self._seconds = FIRST_SECONDS
        self._logs = directory.logs(job.config.output)

    def begin(self, progress: Progress) -> None:
        """Keep what a run begins with that another has reached; begin the logs of its rows."""
        if progress.state.iteration and not checkpoints(self.directory.path):
            content = progress.to_bytes(self.job, self.config, environment(self.job))
            self.directory.write(ORIGIN, content)
            self.write(progress)
            self.directory.background.wait()
        self._logs.begin(progress.history.rows)

    def hold(self, progress: Progress, *, best: bool = False) -> Progress:
        """A copy of it, as it is now; its rows are in the logs.  There is one of each update: a row
        of its own that was due when the run began takes the place of the one without.
        """
        self._logs.follow(progress.history.rows)
        made, batches = progress.state.iteration, progress.history.batches
        if (self._held[-1].state.iteration, self._held[-1].history.batches) != (made, batches):
            older = [held for held in self._held if held.state.iteration < made]
            self._held = [*older[-1:], progress.copy()]
        if best:
            self._best = self._held[-1]
        return self._held[-1]

    def before(self, iteration: int) -> Progress:
        """The newest that had made fewer updates, or the oldest."""
        known = [held for held in self._held if held.state.iteration < iteration]
        return (known or self._held[:1])[-1].settled()

    def due(self, made: int) -> bool:
        """Whether a checkpoint is, after so many updates; asked after each step."""
        every = self.job.config.output.checkpoint_every
        if isinstance(every, int):
            return made % every == 0
        step, self._now = time.monotonic() - self._now, time.monotonic()
        return self._now + step - self._at > self._seconds  # when the next one is made

    def take(self, progress: Progress) -> None:
        """Take a checkpoint."""
        self._taken, self._at = self.hold(progress), time.monotonic()
        self._seconds = CHECKPOINT_SECONDS

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

    def write_history(self, history: History) -> None:
        """Write history.csv at the end, and bring the logs to it."""
        self.directory.write(HISTORY, history.to_csv().encode())
        self._logs.follow(history.rows)
        self._logs.sync()

    def _write(
        self, due: Sequence[Progress], made_in: Environment, keep: Keep, *, history: bool
    ) -> None:
        for progress in due:
            content = progress.to_bytes(self.job, self.config, made_in)
            self.directory.save_checkpoint(progress.state.iteration, content, keep)
        if history:
            self.directory.write(HISTORY, progress.settled().history.to_csv().encode())
            self._logs.sync()
