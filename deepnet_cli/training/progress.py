"""A run so far: all that it needs to go on as if it had never stopped, and its file.

    /state/theta (P,), /state/slots (k, P)
    /best/theta (P,)                          with a validation set
    /image/theta (P',), /image/slots (k, P')  where the state moves in another space: its bits
    /history                                  the rows as CSV text
    /code                                     name and sha256 of the file of --code, as JSON
    attributes: iteration, config (YAML), data (digests, as JSON),
                cost_sum, batches and clipped (of the steps since the last row),
                space (digest of its directions)

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
from deepnet_cli.optim.averages import Average
from deepnet_cli.training.averaging import averaged
from deepnet_cli.training.history import History, Watch
from deepnet_cli.training.loop import State
from deepnet_cli.training.sealed import open_sealed, sealed
from deepnet_cli.training.space import Space, space_of

CHANGEABLE = ("training.iterations", "output.plots", "output.checkpoint_every")
"""What a resumed run may set: nothing that the numbers depend on."""

PLACES = (
    *(f"data.{part}{kind}" for part in ("train", "validation", "test") for kind in ("", ".file")),
    "model.initial_parameters",
    "model.initial_parameters.file",
    "output.directory",
)
"""Where things stand may change as well: whether the data are the same, their digests tell."""


@dataclass
class Progress:
    """The state, the history, and the parameters at the best row of the watched figure."""

    state: State  # an image in the space
    space: Space
    average: Average | None  # of the parameters, in the last slot
    history: History
    watch: Watch | None  # with a validation set
    best_theta: Array | None = None  # (P,)

    @classmethod
    def start(cls, job: Job) -> "Progress":
        """Before the first update."""
        theta = job.initial_theta()
        space = space_of(job, theta)
        state = State.start(space.enter(theta), job.rule)
        return cls(state, space, job.average, History(), _watch(job))

    @property
    def theta(self) -> Array:
        """The parameters (P,) that are used where training is now, averaged or as they are: a new
        vector.
        """
        if self.average is None:
            return self.space.lift(self.state.theta)
        return self.space.lift(averaged(self.state, self.average, self.space))

    def copy(self) -> "Progress":
        """Progress as it is now.  best_theta is never changed in place, and the list of rows is
        shared: it only grows, and `settled` cuts it.
        """
        watch = self.watch and replace(self.watch)
        state, history = self.state.copy(), replace(self.history)
        return Progress(state, self.space, self.average, history, watch, self.best_theta)

    def settled(self) -> "Progress":
        """This with the rows up to its own state only."""
        return replace(self, history=self.history.before(self.state.iteration))

    def to_bytes(self, job: Job, config: str) -> bytes:
        """The checkpoint file of a job whose resolved config is `config`."""

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
            file.attrs["data"] = _digests(job)
            file.attrs["cost_sum"] = self.history.cost_sum
            file.attrs["batches"] = self.history.batches
            file.attrs["clipped"] = self.history.clipped
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
        history = History.from_csv(str(source.read("history")))
        history.cost_sum = source.number("cost_sum")
        history.batches = int(source.number("batches"))
        history.clipped = int(source.number("clipped"))
        space, state = _restored(source, job)
        best = _best(source)
    watch = _watch(job)
    if watch is not None:
        for row in history.rows:
            watch.see(row)
    return Progress(state, space, job.average, history, watch, best)


def _restored(source: Source, job: Job) -> tuple[Space, State]:
    """The space and the state in it, to the bit where the directions are those of the file.

    Another processor or number of threads rounds them otherwise: there the state is that of
    the whole vectors.
    """
    iteration = int(source.number("iteration"))
    whole = State(*_vectors(source, "state", job.network.layout.size, job), iteration)
    space = space_of(job, job.initial_theta())
    if source.text("space") != space.digest:
        space = space_of(job, whole.theta)
        return space, State(space.enter(whole.theta), space.enter(whole.slots), iteration)
    if not space.digest:
        return space, whole
    size = space.objective.network.layout.size
    return space, State(*_vectors(source, "image", size, job), iteration)


def _vectors(source: Source, group: str, size: int, job: Job) -> tuple[Array, Array]:
    """theta (size,) and the slots (k, size)."""
    theta, slots = source.read(f"{group}/theta"), source.read(f"{group}/slots")
    if theta.shape != (size,) or slots.shape != (job.rule.n_slots, size):
        raise DataError(f"{source.path}: holds parameters of another network")
    return theta, slots


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
