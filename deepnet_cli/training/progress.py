"""A run so far: all that it needs to go on as if it had never stopped, and its file.

    /state/theta (P,), /state/slots (k, P)
    /best/theta (P,)                          with a validation set
    /history                                  the rows as CSV text
    /code                                     name and sha256 of the file of --code, as JSON
    attributes: iteration, config (YAML), data (digests, as JSON),
                cost_sum and batches (the costs since the last row)

Only what regular rows made is kept here: a row that closes a run at its last iteration is
made anew when the run goes on and comes to another end.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import differences
from deepnet_cli.data.hdf5 import Source
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.nn.types import Array
from deepnet_cli.training.history import History, Watch
from deepnet_cli.training.loop import State
from deepnet_cli.training.sealed import open_sealed, sealed

CHANGEABLE = ("training.iterations", "output.plots", "output.checkpoint_every")
"""What a resumed run may set: nothing that the numbers depend on."""

PLACES = (
    *(f"data.{part}{kind}" for part in ("train", "validation", "test") for kind in ("", ".file")),
    "model.initial_parameters",
    "output.directory",
)
"""Where things stand may change as well: whether the data are the same, their digests tell."""


@dataclass
class Progress:
    """The state, the history, and the parameters at the best row of the watched figure."""

    state: State
    history: History
    watch: Watch | None  # with a validation set
    best_theta: Array | None = None

    @classmethod
    def start(cls, job: Job) -> "Progress":
        """Before the first update."""
        return cls(State.start(job.initial_theta(), job.rule), History(), _watch(job))

    def copy(self) -> "Progress":
        """Progress as it is now.  best_theta is never changed in place, and the list of rows is
        shared: it only grows, and `settled` cuts it.
        """
        watch = self.watch and replace(self.watch)
        return Progress(self.state.copy(), replace(self.history), watch, self.best_theta)

    def settled(self) -> "Progress":
        """This with the rows up to its own state only."""
        return replace(self, history=self.history.before(self.state.iteration))

    def to_bytes(self, job: Job, config: str) -> bytes:
        """The checkpoint file of a job whose resolved config is `config`."""

        def fill(file: Any) -> None:
            file["state/theta"], file["state/slots"] = self.state.theta, self.state.slots
            if self.best_theta is not None:
                file["best/theta"] = self.best_theta
            file["history"] = self.settled().history.to_csv()
            file.attrs["iteration"] = self.state.iteration
            file.attrs["config"] = config
            file.attrs["data"] = _digests(job)
            file.attrs["cost_sum"] = self.history.cost_sum
            file.attrs["batches"] = self.history.batches
            if job.code is not None:
                file["code"] = json.dumps(job.code.identity)

        return sealed("checkpoint", fill)


def load_progress(path: Path, job: Job, config: str) -> Progress:
    """The progress in a checkpoint of this very job.

    Raises DataError where the file is damaged or the data have changed, and ConfigError
    where the config has, naming each key.
    """
    with open_sealed(path, "checkpoint") as source:
        changed = differences(source.text("config"), config)
        if told := [what for key, what in changed.items() if key not in CHANGEABLE + PLACES]:
            raise ConfigError(
                f"{path}: the run was begun with another config: {'; '.join(told)}; "
                f"a resumed run may change {', '.join(CHANGEABLE)} only"
            )
        if source.text("data") != _digests(job):
            raise DataError(f"{path}: the data are not those that this run was begun with")
        theta, slots = source.read("state/theta"), source.read("state/slots")
        if theta.shape != (job.network.layout.size,) or slots.shape != (
            job.rule.n_slots,
            theta.size,
        ):
            raise DataError(f"{path}: holds parameters of another network")
        history = History.from_csv(str(source.read("history")))
        history.cost_sum = source.number("cost_sum")
        history.batches = int(source.number("batches"))
        state = State(theta, slots, int(source.number("iteration")))
        best = _best(source)
    watch = _watch(job)
    if watch is not None:
        for row in history.rows:
            watch.see(row)
    return Progress(state, history, watch, best)


def _best(source: Source) -> Array | None:
    return source.read("best/theta") if source.has("best/theta") else None


def _watch(job: Job) -> Watch | None:
    if "validation" not in job.dataset.parts:
        return None
    stopping = job.config.training.early_stopping
    return Watch(stopping.monitor, stopping.min_delta) if stopping else Watch("val_cost")


def _digests(job: Job) -> str:
    parts = job.dataset.parts
    return json.dumps({name: part.digests for name, part in parts.items()})
