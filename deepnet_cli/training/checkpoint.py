"""What a run needs to go on: all of its progress, in one sealed file.

/state/theta (P,), /state/slots (k, P)
/last_good/theta, /last_good/slots     a state whose cost was finite
/best/theta (P,)                       with a validation set
attributes: iteration, last_good_iteration, cost_sum, batches, history (CSV text)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepnet_cli.config.job import Job
from deepnet_cli.data.hdf5 import translated
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array
from deepnet_cli.training.history import History, Watch
from deepnet_cli.training.loop import State
from deepnet_cli.training.sealed import open_sealed, sealed


@dataclass
class Progress:
    """A run so far.  `best_theta` is the parameters at the best row of the watched figure."""

    state: State
    history: History
    watch: Watch | None  # of the monitored figure, with a validation set
    best_theta: Array | None = None

    @classmethod
    def start(cls, job: Job) -> "Progress":
        """Before the first update."""
        return cls(State.start(job.initial_theta(), job.rule), History(), _watch(job))

    def to_bytes(self) -> bytes:
        """The checkpoint file."""
        return sealed("checkpoint", self._fill)

    def _fill(self, file: Any) -> None:
        file["state/theta"], file["state/slots"] = self.state.theta, self.state.slots
        if self.best_theta is not None:
            file["best/theta"] = self.best_theta
        file.attrs["iteration"] = self.state.iteration
        file.attrs["cost_sum"] = self.history.cost_sum
        file.attrs["batches"] = self.history.batches
        file["history"] = self.history.to_csv()


def load_progress(path: Path, job: Job) -> Progress:
    """The progress that a checkpoint of this job's run holds.  Raises DataError."""
    with open_sealed(path, "checkpoint") as source, translated(str(path)):
        theta, slots = source.read("state/theta"), source.read("state/slots")
        expected = State.start(job.initial_theta(), job.rule)
        if (theta.shape, slots.shape, theta.dtype) != (
            expected.theta.shape,
            expected.slots.shape,
            expected.theta.dtype,
        ):
            raise DataError(f"{path}: is of another network or optimizer than the config")
        attributes = source.file.attrs
        history = History.from_csv(str(source.read("history")))
        history.cost_sum = float(attributes["cost_sum"])
        history.batches = int(attributes["batches"])
        state = State(theta, slots, int(attributes["iteration"]))
        best = source.read("best/theta") if source.has("best/theta") else None
    watch = _watch(job)
    if watch is not None:
        for row in history.rows:
            watch.see(row)
    return Progress(state, history, watch, best)


def _watch(job: Job) -> Watch | None:
    if "validation" not in job.dataset.parts:
        return None
    stopping = job.config.training.early_stopping
    return Watch(stopping.monitor if stopping else "val_cost")
