"""One run from its first update to its last file."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import resolved_config
from deepnet_cli.errors import DivergedError
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.nn.types import Array
from deepnet_cli.training.checkpoint import Progress
from deepnet_cli.training.evaluation import figures
from deepnet_cli.training.history import History, Row, Watch
from deepnet_cli.training.loop import State, Step, train
from deepnet_cli.training.model import NAME as MODEL
from deepnet_cli.training.model import Model
from deepnet_cli.training.run_directory import CONFIG, HISTORY, SUMMARY, RunDirectory
from deepnet_cli.training.summary import summary

CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class Event:
    """A step; with a row where the iteration is logged, and whether it is a new best."""

    step: Step
    row: Row | None = None
    best: bool = False


class Session:
    """A job in its run directory.  `steps` trains, `finish` writes what was reached."""

    def __init__(self, job: Job, directory: RunDirectory, progress: Progress) -> None:
        self.job = job
        self.directory = directory
        self.progress = progress
        self.stopped = "completed"
        self.seconds = 0.0
        self.figures: dict[str, Figures] = {}
        self.config = resolved_config(job, directory.path)
        self._good = [progress.state.copy()]  # the states of the last two rows, the newest last
        directory.write(CONFIG, self.config.encode())

    def steps(self) -> Iterator[Event]:
        """Train to the job's last iteration, or until early stopping says so.

        Raises DivergedError; the progress is then back at the last row with a finite cost.
        """
        job, progress = self.job, self.progress
        began = saved = time.monotonic()
        patience = self._patience()
        state, history = progress.state, progress.history
        batches = job.batches.deal(state.iteration, job.iterations)
        try:
            for step in train(state, job.objective, job.rule, job.rate, batches):
                history.add_cost(step.cost)
                event = self._event(step)
                yield event
                if event.row is not None and patience is not None:
                    patience.see(event.row)
                    if patience.waited >= self._most_waited():
                        self.stopped = (
                            f"early: {patience.figure} did not improve in {patience.waited} rows"
                        )
                        return
                if self._checkpoint_due(step.iteration, time.monotonic() - saved):
                    self.save_checkpoint()
                    saved = time.monotonic()
        except DivergedError:
            self.stopped = "diverged"
            self._fall_back()
            raise
        finally:
            self.seconds += time.monotonic() - began

    def save_checkpoint(self) -> None:
        """Write a checkpoint of this moment, and the history up to it."""
        self.directory.save_checkpoint(self.progress.state.iteration, self.progress.to_bytes())
        self.directory.write(HISTORY, self.progress.history.to_csv().encode())

    def finish(self) -> dict[str, object]:
        """Write the model, the last checkpoint, the history and the summary; return this."""
        job, progress = self.job, self.progress
        theta = progress.state.theta if progress.best_theta is None else progress.best_theta
        for name, part in job.dataset.parts.items():
            self.figures[name] = figures(job.objective, theta, part)
        last = job.config.data.examples == "last"
        model = Model(job.objective, theta, job.dataset.encoding, self.config, last, self.figures)
        self.directory.write(MODEL, model.to_bytes())
        self.save_checkpoint()
        told: dict[str, object] = summary(job, progress, self.figures, self.stopped, self.seconds)
        self.directory.write_json(SUMMARY, told)
        return told

    def _event(self, step: Step) -> Event:
        job, progress = self.job, self.progress
        last = step.iteration == job.iterations - 1
        if step.iteration % job.log_every and not last:
            return Event(step)
        theta = progress.state.theta
        validation = self._validation(theta)
        row = progress.history.add_row(step.iteration, step.epoch, validation)
        best = progress.watch is not None and progress.watch.see(row)
        if best:
            progress.best_theta = theta.copy()
        self._good = [self._good[-1], progress.state.copy()]
        return Event(step, row, best)

    def _validation(self, theta: Array) -> Figures:
        part = self.job.dataset.parts.get("validation")
        if part is None:
            return {}
        measured = figures(self.job.objective, theta, part)
        return {f"val_{name}": value for name, value in measured.items()}

    def _patience(self) -> Watch | None:
        stopping = self.job.config.training.early_stopping
        if stopping is None:
            return None
        patience = Watch(stopping.monitor, stopping.min_delta)
        for row in self.progress.history.rows:
            patience.see(row)
        return patience

    def _most_waited(self) -> int:
        stopping = self.job.config.training.early_stopping
        return stopping.patience if stopping else self.job.iterations

    def _checkpoint_due(self, iteration: int, seconds: float) -> bool:
        every = self.job.config.output.checkpoint_every
        if isinstance(every, int):
            return (iteration + 1) % every == 0
        return seconds > CHECKPOINT_SECONDS

    def _fall_back(self) -> None:
        """Return to the newest row's state from which a finite cost was computed."""
        reached = self.progress.state.iteration
        known: list[State] = [state for state in self._good if state.iteration < reached]
        state = (known or self._good)[-1]
        self.progress.state = state.copy()
        rows = [row for row in self.progress.history.rows if row["iteration"] < state.iteration]
        self.progress.history = History(rows)
