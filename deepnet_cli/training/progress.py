"""A run so far: all that it needs to go on as if it had never stopped, and its file.

    /state/theta (P,), /state/slots (k, P)
    /best/theta (P,)                          where a figure is watched
    /image/theta (P',), /image/slots (k, P')  where the state moves in another space: its bits
    /history                                  the rows as CSV text
    /states/NAME/0, 1, ...                    of running metrics, since the last row
    /code                                     name and sha256 of the file of --code, as JSON
    attributes: iteration, config (YAML), data (digests, as JSON),
                cost_sum, batches and clipped (of the steps since the last row),
                space (digest of its directions)

Only what regular rows made is kept here: a row that closes a run at its last iteration is
made anew when the run goes on and comes to another end.
"""

import json
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import differences
from deepnet_cli.data.hdf5 import Source
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.nn.metrics import States
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.averages import Average
from deepnet_cli.optim.schedule import Reductions
from deepnet_cli.training.averaging import averaged
from deepnet_cli.training.history import History, Row, Watch
from deepnet_cli.training.sealed import open_sealed, sealed
from deepnet_cli.training.space import Space, space_of
from deepnet_cli.training.state import State

CHANGEABLE = (
    "training.iterations",
    "training.max_time",
    "training.target",
    "training.early_stopping.patience",
    "output.plots",
    "output.checkpoint_every",
)
"""What a resumed run may set: when it ends, and nothing that the numbers depend on."""

PLACES = (
    *(f"data.{part}{kind}" for part in ("train", "validation", "test") for kind in ("", ".file")),
    "model.initial_parameters",
    "model.initial_parameters.file",
    "output.directory",
)
"""Where things stand may change as well: whether the data are the same, their digests tell."""


def changeable(key: str) -> bool:
    """Whether a resumed run may set a key: one of CHANGEABLE, or what is below one."""
    return any(key == may or key.startswith(f"{may}.") for may in CHANGEABLE)


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
    def start(cls, job: Job) -> "Progress":
        """Before the first update."""
        theta = job.initial_theta()
        space = space_of(job, theta)
        state = State.start(space.enter(theta), job.rule)
        return cls(state, space, job.average, History(), _watch(job), job.reductions())

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
            for name, state in self.history.states.items():
                for i, array in enumerate(state):
                    file[f"states/{name}/{i}"] = array
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
        if told := [
            what for key, what in changed.items() if not changeable(key) and key not in PLACES
        ]:
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
        history.states = _states(source, job)
        space, state = _restored(source, job)
        best = _best(source)
    parts = space, job.average, history, _watch(job), job.reductions()
    progress = Progress(state, *parts, best)
    for row in history.rows:
        progress.see(row)
    return progress


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


def _states(source: Source, job: Job) -> States:
    """What running metrics have seen since the last row."""
    names = {metric.statistic.name for metric in job.running_metrics.values()}
    states: States = {}
    for name in names:
        places = (f"states/{name}/{i}" for i in count())
        state = tuple(source.read(place) for place in takewhile(source.has, places))
        if state:
            states[name] = state
    return states


def _best(source: Source) -> Array | None:
    return source.read("best/theta") if source.has("best/theta") else None


def _watch(job: Job) -> Watch | None:
    if (stopping := job.config.training.early_stopping) is not None:
        return Watch(stopping.monitor, stopping.min_delta)
    return Watch("val_cost") if "validation" in job.dataset.parts else None


def _digests(job: Job) -> str:
    parts = job.dataset.parts
    return json.dumps({name: part.digests for name, part in parts.items()})
