"""One run from its first update to its last file."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

import numpy as np

from deepnet_cli.config.durations import spelled
from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import resolved_config
from deepnet_cli.errors import DeepnetError, DivergedError
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.baselines import fitted_beside
from deepnet_cli.training.figures.evaluation import Late, TooLateError, never, running_states
from deepnet_cli.training.kept.copies import Copies
from deepnet_cli.training.kept.model import NAME as MODEL
from deepnet_cli.training.kept.model import Model
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.run_directory import CONFIG, PICTURE, SUMMARY, RunDirectory
from deepnet_cli.training.kept.splits import write_splits
from deepnet_cli.training.loop.history import History, Row
from deepnet_cli.training.loop.loop import at_once, train
from deepnet_cli.training.loop.state import Event, Steps
from deepnet_cli.training.loop.updates import not_finite
from deepnet_cli.training.run.row import due, row_of
from deepnet_cli.training.run.stopping import INTERRUPTED, Ending, ending
from deepnet_cli.training.run.summary import part_figures, summary

Draw = Callable[[History, str], bytes | None]
"""Makes a picture of a history and the run's name."""


class Session:
    """A job in its run directory.  `steps` trains, `finish` writes what was reached."""

    def __init__(self, job: Job, directory: RunDirectory, progress: Progress) -> None:
        self.job = job
        self.directory = directory
        self.progress = progress
        self.config = resolved_config(job, directory.path)
        self.ending = INTERRUPTED  # until `end` knows better
        self.late: Late = never  # for figures
        self.seconds = 0.0
        self.kept = progress.state.iteration  # updates behind the parameters in model.h5
        self.monitor: str | None = None  # the figure that chose them
        self.figures: dict[str, Figures] = {}  # by part
        self.outputs: dict[str, dict[str, Figures]] = {}  # of each of several numbers, by part
        self.history = History()  # every row, with the one that closes the run
        self.marks: Collection[int] = ()  # updates after which an event is to come, too
        self._closing: Row | None = None
        self._last: Steps | None = None
        self.diverged_at: int | None = None  # the iteration whose cost was not finite
        self._most = at_once(progress.space.objective.network.sizes, job.batches.size)
        self._copies = Copies(job, directory, self.config, progress)

    def rate(self, iteration: int) -> float:
        """The learning rate of an iteration that follows the rows so far."""
        return self.job.rate(iteration, self.progress.reductions.made)

    def begin(self) -> None:
        """Write which rows each part has, what the run begins with where another had it, and the
        resolved config: the directory is a run now.
        """
        self.directory.check_room(self.progress.nbytes)
        write_splits(self.job, self.directory)
        self._copies.begin(self.progress)
        self.directory.write(CONFIG, self.config.encode())

    def steps(self) -> Iterator[Event]:
        """Train to the job's last iteration, or until what the progress or the clock says.

        Raises DivergedError; the progress is then back at a state with a finite cost.  What else
        is raised, of data that cannot be read, leaves a checkpoint to go on from.  Call `end` when
        no more steps are wanted.
        """
        job, state, space = self.job, self.progress.state, self.progress.space
        began = time.monotonic()
        try:
            self._catch_up()
            last = state.iteration if ending(job, self.progress) else job.iterations
            runs = space.batches.runs(state.iteration, last, self.undisturbed)
            seen = self._saw if job.running_metrics else None
            made = train(state, space.objective, job.clippings, job.rule, self.rate, runs, seen)
            for steps in made:
                self._copies.confirm()  # by the first cost of these
                self.progress.history.add_steps(steps.costs, steps.clipped)
                self._last = steps
                event = self._event(steps)
                yield event
                if event.row is not None and ending(job, self.progress):
                    break
                limit = job.config.training.max_time
                if limit is not None and time.monotonic() - began > limit:
                    self.ending = Ending("time", f"max_time, {spelled(limit)}, is over")
                    break
                if self._copies.due(state.iteration):
                    self._note_gradient()
                    self._copies.take(self.progress)
        except TooLateError:
            pass  # the row is due, and made where the run goes on
        except DivergedError as error:
            self._fall_back(error)
            raise
        except DeepnetError:
            self._copies.write(self._copies.before(state.iteration), history=True)
            self.directory.background.wait()
            raise
        finally:
            self.seconds += time.monotonic() - began

    def end(self) -> None:
        """Settle how the run ended.  Raises DivergedError where its last update was a bad one."""
        self.ending = ending(self.job, self.progress) or self.ending
        try:
            self._verify()
        except DivergedError as error:
            self._fall_back(error)
            raise

    def finish(self, draw: Draw | None = None) -> dict[str, object]:
        """Write a last checkpoint, the model, the history, what `draw` makes of it, and last the
        summary, by which a reader knows that all of them are there; return this.  Where it gets
        late figures are left out, and made where the run goes on: a signal has ended it here.
        """
        self._note_gradient()
        self._copies.write(self.progress, over=ending(self.job, self.progress) is not None)
        job, theta, m = self.job, self.settle(), self.job.batches.part.m
        self.figures, self.outputs = part_figures(job, theta, self.late)
        if self.late() and self.diverged_at is None:
            self.ending = INTERRUPTED
        hurried = self.ending == INTERRUPTED
        baselines = fitted_beside(job, 0 if hurried else self.progress.state.iteration)
        model = Model(job.objective, theta, job.dataset.encoding, job.config, m, baselines)
        self.directory.background.wait()
        self.directory.write(MODEL, model.to_bytes(self.config, self.figures))
        self._copies.write_history(self.history)
        told = summary(self)  # before what takes more memory than a run
        if draw is not None and (drawn := draw(self.history, str(job.config.name))) is not None:
            self.directory.write(PICTURE, drawn)
        self.directory.write_json(SUMMARY, told)
        return told

    def settle(self) -> Array:
        """The parameters (P,) to use; what chose them, and every row, is known from then on."""
        closing = self._closing_row()
        theta, self.kept, self.monitor = self._chosen(closing)
        self.history = self.progress.history.before(self.progress.state.iteration)
        if closing is not None:
            self.history.add_row(closing)
        return theta

    def _saw(self, S: Array, Y: Array) -> None:
        """Take in the scores of a batch, before its update."""
        metrics = self.job.running_metrics
        states = running_states(metrics, self.job.network.loss, S, Y)
        self.progress.history.add_states(metrics, states)

    def undisturbed(self, iteration: int) -> int:
        """How many updates from one on can be made at once: to the next row, checkpoint or mark."""
        job, every = self.job, self.job.config.output.checkpoint_every
        marks = (mark - iteration for mark in self.marks if mark > iteration)
        counts = [self._most, 1 + -iteration % job.log_every, *marks]
        if isinstance(every, int):
            counts.append(every - iteration % every)
        return min(counts)

    def _event(self, steps: Steps) -> Event:
        last = steps.iteration
        regular = last % self.job.log_every == 0
        if not regular and last < self.job.iterations - 1:
            return Event(steps)
        row = self._row()
        if not regular:
            self._closing = row
            return Event(steps, row, self._beats(row))
        return Event(steps, row, self._add(row))

    def _row(self) -> Row:
        """That of the last step.  Raises TooLateError."""
        self._note_gradient()
        return row_of(self.job, self.progress, self.late)

    def _add(self, row: Row) -> bool:
        """Take a regular row in; whether it is a new best."""
        progress = self.progress
        progress.history.add_row(row)
        if best := progress.see(row):
            progress.best_theta = progress.theta
        self._copies.hold(progress, best=best)
        return best

    def _catch_up(self) -> None:
        """Make the row that the last step should have, where a signal did not wait for it."""
        if due(self.job, self.progress):
            self._add(self._row())
            self._copies.take(self.progress)  # in place of the one without

    def _note_gradient(self) -> None:
        """Keep the norm of the last update's gradient, whose buffer the next one overwrites."""
        if self._last is not None:
            self.progress.history.gradient_norm = self._last.gradient_norm()

    def _closing_row(self) -> Row | None:
        """The row of the last step, where it is not a regular one and it is not late for it."""
        if self._closing is None and self.progress.history.batches:
            with suppress(TooLateError):
                self._closing = self._row()
        return self._closing

    def _chosen(self, closing: Row | None) -> tuple[Array, int, str | None]:
        """The parameters for model.h5, how many updates are behind them, and what chose them."""
        last, target = self.progress.state.iteration, self.job.config.training.target
        watch, best = self.progress.watch, self.progress.best_theta
        if target is not None and self.ending.stopped == "target":
            return self.progress.theta, last, target.monitor
        if watch is not None and closing is not None and self._beats(closing):
            return self.progress.theta, last, watch.figure
        if watch is None or best is None:
            return self.progress.theta, last, None
        return best, watch.iteration + 1, watch.figure

    def _beats(self, row: Row) -> bool:
        watch = self.progress.watch
        return watch is not None and watch.beaten(row)

    def _verify(self) -> None:
        """Raise DivergedError where the last update left parameters without a finite cost."""
        state, space = self.progress.state, self.progress.space
        for batch in space.batches.deal(state.iteration, state.iteration + 1):
            with np.errstate(all="ignore"):
                J = space.objective.cost(
                    state.theta, batch.X, batch.Y, batch.weights, batch.iteration
                )
            if trouble := not_finite(space.objective, state.theta, float(J.real)):
                raise DivergedError(f"{trouble} after iteration {state.iteration - 1}")

    def _fall_back(self, error: DivergedError) -> None:
        """Return to the newest progress from which a finite cost was computed."""
        self.diverged_at = self.progress.state.iteration
        self.progress = self._copies.before(self.diverged_at)
        self.ending, self._closing, self._last = Ending("diverged", str(error)), None, None
