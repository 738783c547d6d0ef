"""What is kept of a run while it goes on: copies to fall back on, checkpoints of them, its rows."""

from deepnet_cli.config.job import Job
from deepnet_cli.training.history import History
from deepnet_cli.training.logs import Logs
from deepnet_cli.training.progress import Progress
from deepnet_cli.training.run_directory import HISTORY, ORIGIN, RunDirectory, checkpoints


class Copies:
    """The two newest copies of the progress, and that at its best row until it is written.

    What the last update made is known to be good only when a finite cost has been computed
    from it: so it may be the older one that is good.
    """

    def __init__(self, job: Job, directory: RunDirectory, config: str, start: Progress) -> None:
        self.job = job
        self.directory = directory
        self.config = config
        self._held = [start.copy()]
        self._best: Progress | None = None
        self._logs = Logs(directory.path, job.config.output)

    def begin(self, progress: Progress) -> None:
        """Keep what a run begins with that another has reached; begin the logs of its rows."""
        if progress.state.iteration and not checkpoints(self.directory.path):
            self.directory.write(ORIGIN, progress.to_bytes(self.job, self.config))
            self.write(progress)
        self._logs.begin(progress.history.rows)

    def hold(self, progress: Progress, *, best: bool = False) -> Progress:
        """A copy of it, as it is now; its rows are in the logs."""
        self._logs.follow(progress.history.rows)
        if self._held[-1].state.iteration < progress.state.iteration:
            self._held = [self._held[-1], progress.copy()]
        if best:
            self._best = self._held[-1]
        return self._held[-1]

    def before(self, iteration: int) -> Progress:
        """The newest that had made fewer updates, or the oldest."""
        known = [held for held in self._held if held.state.iteration < iteration]
        return (known or self._held[:1])[-1].settled()

    def write(self, progress: Progress) -> None:
        """Write a checkpoint, and before it that of its best row, if this came since the last."""
        made, best = progress.state.iteration, 0
        if progress.watch is not None:
            best = progress.watch.iteration + 1
        if (held := self._best) is not None and held.state.iteration == best:
            self._best = None
            if best < made:
                self._write(held, best)
        self._write(progress, best)

    def write_with_history(self, progress: Progress) -> None:
        """The same, and history.csv up to there."""
        self.write(progress)
        self.directory.write(HISTORY, progress.settled().history.to_csv().encode())
        self._logs.sync()

    def write_history(self, history: History) -> None:
        """Write history.csv at the end, and bring the logs to it."""
        self.directory.write(HISTORY, history.to_csv().encode())
        self._logs.follow(history.rows)
        self._logs.sync()

    def _write(self, progress: Progress, best: int) -> None:
        content = progress.to_bytes(self.job, self.config)
        self.directory.save_checkpoint(progress.state.iteration, content, best)
