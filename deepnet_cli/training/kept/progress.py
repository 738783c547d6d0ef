"""A run so far: all that it needs to go on as if it had never stopped, and its file.

    /state/theta (P,), /state/slots (k, P)
    /best/theta (P,)                          where a figure is watched
    /image/theta (P',), /image/slots (k, P')  where the state moves in another space: its bits
    /history                                  the rows as CSV text
    /states/NAME/0, 1, ...                    of running metrics, since the last row
    /code                                     name and sha256 of the file of --code, as JSON
    attributes: iteration, config (YAML), data (digests, as JSON),
                cost_sum, batches and clipped (of the steps since the last row),
                gradient_norm (of the last step),
                environment (JSON),
                space (digest of its directions)

Only what regular rows made is kept here: a row that closes a run at its last iteration is
made anew when the run goes on and comes to another end.  One that the last step should have is
due where a signal did not wait for it, and made first when the run goes on.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from deepnet_cli.config.job import Job
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.averages import Average
from deepnet_cli.optim.schedule import Reductions
from deepnet_cli.training.kept.environment import Environment
from deepnet_cli.training.kept.sealed import sealed
from deepnet_cli.training.loop.averaging import averaged
from deepnet_cli.training.loop.history import History, Row, Watch
from deepnet_cli.training.loop.space import Space, space_of
from deepnet_cli.training.loop.state import State


@dataclass
class Progress:
    """The state, the history, and the parameters at the best row of the watched figure."""

    state: State  # an image in the space
    space: Space
    average: Average | None  # of the parameters, in the last slot
    history: History
    watch: Watch | None  # with a validation set or early stopping
    reductions: Reductions  # of the learning rate, by the rows so far
    best_theta: Array | None = None  # (P,)

    @classmethod
    def start(cls, job: Job, theta: Array | None = None) -> "Progress":
        """Before the first update; `theta` is a job's `initial_theta`, where it is known."""
        theta = job.initial_theta() if theta is None else theta.copy()
        space = space_of(job, theta)
        state = State.start(space.enter(theta), job.rule)
        return cls(state, space, job.average, History(), watch_of(job), job.reductions())

    @property
    def theta(self) -> Array:
        """The parameters (P,) that are used where training is now, averaged or as they are: a new
        vector.
        """
        if self.average is None:
            return self.space.lift(self.state.theta)
        return self.space.lift(averaged(self.state, self.average, self.space))

    def see(self, row: Row) -> bool:
        """Look at a row of the history; whether it is a new best of the watched figure."""
        self.reductions.see(row)
        return self.watch is not None and self.watch.see(row)

    def copy(self) -> "Progress":
        """Progress as it is now.  best_theta is never changed in place, and the list of rows is
        shared: it only grows, and `settled` cuts it.
        """
        watch, reductions = self.watch and replace(self.watch), replace(self.reductions)
        state, history = self.state.copy(), replace(self.history)
        parts = self.space, self.average, history, watch, reductions
        return Progress(state, *parts, self.best_theta)

    def settled(self) -> "Progress":
        """This with the rows up to its own state only."""
        return replace(self, history=self.history.before(self.state.iteration))

    @property
    def nbytes(self) -> int:
        """About how large its file is, but for the history."""
        slots = len(self.state.slots)
        image = self.state.theta.nbytes + self.state.slots.nbytes if self.space.digest else 0
        return (2 + slots) * self.theta.nbytes + image

    def to_bytes(self, job: Job, config: str, environment: Environment, **more: str) -> bytes:
        """The checkpoint file of a job whose resolved config is `config`, and where it was made;
        `more` are attributes.
        """

        def fill(file: Any) -> None:
            file["state/theta"] = self.space.lift(self.state.theta)
            file["state/slots"] = self.space.lift(self.state.slots)
            file.attrs["space"] = self.space.digest
            if self.space.digest:
                file["image/theta"], file["image/slots"] = self.state.theta, self.state.slots
            if self.best_theta is not None:
                file["best/theta"] = self.best_theta
            file["history"] = self.settled().history.to_csv()
            file.attrs["iteration"] = self.state.iteration
            file.attrs["config"] = config
            file.attrs["data"] = json.dumps(digests(job))
            file.attrs["environment"] = json.dumps(environment)
            file.attrs["cost_sum"] = self.history.cost_sum
            file.attrs["batches"] = self.history.batches
            file.attrs["clipped"] = self.history.clipped
            file.attrs["gradient_norm"] = repr(self.history.gradient_norm)  # it may overflow
            file.attrs.update(more)
            for name, state in self.history.states.items():
                for i, array in enumerate(state):
                    file[f"states/{name}/{i}"] = array
            if job.code is not None:
                file["code"] = json.dumps(job.code.identity)

        return sealed("checkpoint", fill)


def watch_of(job: Job) -> Watch | None:
    """What watches a figure of the rows, before the first."""
    if (stopping := job.config.training.early_stopping) is not None:
        return Watch(stopping.monitor, stopping.min_delta)
    return Watch("val_cost") if "validation" in job.dataset.parts else None


def digests(job: Job) -> dict[str, dict[str, str]]:
    """sha256 of the examples of each part, as the network sees them."""
    return {name: part.digests for name, part in job.dataset.parts.items()}
