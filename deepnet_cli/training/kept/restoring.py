"""Progress from its file: of this very job, or of one that differs in what it may."""

import json
from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from deepnet_cli.config.job import Job
from deepnet_cli.config.overrides import among
from deepnet_cli.config.resolved import differences
from deepnet_cli.data.encoding.scaling import IDENTITY
from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.nn.metrics import States
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept.environment import Environment, changes, environment
from deepnet_cli.training.kept.progress import Progress, digests, watch_of
from deepnet_cli.training.kept.sealed import open_sealed
from deepnet_cli.training.loop.history import History
from deepnet_cli.training.loop.space import Space, space_of
from deepnet_cli.training.loop.state import State

CHANGEABLE = (
    "training.iterations",
    "training.epochs",
    "training.max_time",
    "training.target",
    "training.early_stopping.patience",
    "output.plots",
    "output.checkpoint_every",
    "output.tensorboard",
    "output.jsonl",
    "compute.threads",
)
"""What a resumed run may set: when it ends, and nothing that the numbers depend on but threads,
whose change is named as that of a machine is.
"""

FORKABLE = (
    *CHANGEABLE,
    "name",
    "seed",
    "output",
    "training.learning_rate",
    "training.batch_size",
    "training.shuffle",
    "training.l1",
    "training.l2",
    "training.clip_norm",
    "training.clip_value",
    "training.log_every",
)
"""What a run may set that begins with the checkpoint of another: nothing that decides what the
numbers in it stand for.
"""

PLACES = (
    *(f"data.{part}{kind}" for part in ("train", "validation", "test") for kind in ("", ".file")),
    "model.initial_parameters",
    "model.initial_parameters.file",
    "output.directory",
)
"""Where things stand may change as well: whether the data are the same, their digests tell."""


ROUNDING = ("core", "machine", "numpy", "system")
"""Of the environment, what rounds functions."""


def load_progress(
    path: Path, job: Job, config: str, may_change: Sequence[str] = CHANGEABLE
) -> tuple[Progress, list[str]]:
    """The progress in a checkpoint of this very job, and what of the environment has changed.

    Raises DataError where the file is damaged or the data have changed, and ConfigError
    where the config has, naming each key.
    """
    with open_sealed(path, "checkpoint") as source:
        changed = differences(source.text("config"), config)
        if told := [
            what
            for key, what in changed.items()
            if not among(key, may_change) and key not in PLACES
        ]:
            raise ConfigError(
                f"{path}: the run was begun with another config: {'; '.join(told)}; "
                f"only {', '.join(may_change)} may be another"
            )
        data, made_in = _json(source, "data"), _json(source, "environment")
        elsewhere = changes_since(data, made_in, job, source.path)
        history = History.from_csv(str(source.read("history")))
        history.cost_sum = source.number("cost_sum")
        history.batches = int(source.number("batches"))
        history.clipped = int(source.number("clipped"))
        history.gradient_norm = _norm(source)
        history.states = _states(source, job)
        space, state = _restored(source, job)
        best = _best(source)
    parts = space, job.average, history, watch_of(job), job.reductions()
    progress = Progress(state, *parts, best)
    for row in history.rows:
        progress.see(row)
    return progress, elsewhere


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


def _norm(source: Source) -> float:
    """That of the last gradient, of which the squares may have overflowed."""
    try:
        return float(source.text("gradient_norm"))
    except ValueError:
        raise DataError(f"{source.path}: attribute 'gradient_norm' is not a number") from None


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


def changes_since(
    data: Mapping[str, Any], made_in: Environment, job: Job, place: object
) -> list[str]:
    """What of the environment has changed.  Raises DataError where the data are not those of the
    digests, naming what differs.

    Where functions are rounded otherwise, another x that is one of the file's is told, too.
    """
    now_in, differ = environment(job), dict[str, list[str]]()
    for part, now in digests(job).items():
        for name, digest in now.items():
            if data.get(part, {}).get(name) != digest:
                differ.setdefault(name.partition("_")[0], []).append(part)
    others = " and ".join(f"{name} of {', '.join(parts)}" for name, parts in differ.items())
    function = job.dataset.encoding.inputs.scaling.function
    rounded = function != IDENTITY and any(made_in.get(k) != now_in.get(k) for k in ROUNDING)
    if differ and not (rounded and {*differ} == {"x"}):
        raise DataError(
            f"{place}: the data are not those that this run was begun with: "
            f"another {others} (by sha256)"
        )
    told = [f"another {others}, or {function} is rounded otherwise"] if differ else []
    return [*changes(made_in, now_in), *told]


def _json(source: Source, attribute: str) -> dict[str, Any]:
    try:
        tree = json.loads(source.text(attribute))
    except ValueError:
        tree = None
    if not isinstance(tree, dict):
        raise DataError(f"{source.path}: attribute '{attribute}' is not a JSON object")
    return tree
