"""What `gradcheck` looks at: a config at its start or some iterations on, a run, or a model."""

from dataclasses import dataclass
from pathlib import Path

import click

from deepnet_cli.cli.threads import suit
from deepnet_cli.config.job import load_job
from deepnet_cli.data.dealing.parts import Supply
from deepnet_cli.data.encoding.streamed import supply_of
from deepnet_cli.data.reading.tables import Location
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.training.loop import train
from deepnet_cli.training.model import load_model
from deepnet_cli.training.run_directory import CONFIG
from deepnet_cli.training.state import State

DOUBLE = ("compute.precision=float64",)


@dataclass(frozen=True)
class Subject:
    """An objective at parameters theta (P,) with examples, all in float64."""

    objective: Objective
    theta: Array
    supply: Supply
    seed: int
    at: str
    step: int = 0  # updates that are behind theta
    trained: bool = False

    def point(self, examples: int) -> Point:
        """The point at a seeded sample of examples."""
        part = self.supply.sample(examples, self.seed, "gradcheck examples")
        X, Y, weights = part.X, part.Y.copy(), part.weights
        return Point(self.objective, self.theta.astype("float64"), X, Y, weights, self.step)


def subject_at(path: Path, settings: tuple[str, ...], data: Path | None, after: int = 0) -> Subject:
    """What a path names.  Raises UsageError where the options do not fit it."""
    is_run = (path / CONFIG).is_file()
    is_model = not is_run and path.suffix in (".h5", ".hdf5")
    trained = is_model or is_run
    if is_model and data is None:
        raise click.UsageError("a model file names no data; give labelled data by --data")
    if data is not None and not trained:
        raise click.UsageError("--data goes with a model; a config names its own")
    if settings and trained:
        raise click.UsageError("--set goes with a config; a model is as it is")
    if after and trained:
        raise click.UsageError("--after goes with a config; a model is trained already")
    if data is not None:
        return _of_model(path, data)
    if is_run:
        subject = _of_config(path / CONFIG, settings, 0)
        theta = load_model(path).theta
        return Subject(
            subject.objective, theta, subject.supply, subject.seed, "trained model", trained=True
        )
    return _of_config(path, settings, after)


def _of_config(path: Path, settings: tuple[str, ...], after: int) -> Subject:
    """A config's network on its own training data, at its start or `after` updates."""
    job = load_job(path, (*settings, *DOUBLE))
    suit(job.network.sizes, job.batches.size, job.config.compute.threads)
    state = State.start(job.initial_theta(), job.rule)
    runs = job.batches.runs(0, after)
    for _ in train(state, job.objective, job.clippings, job.rule, job.rate, runs):
        pass
    at = f"iteration {after}" if after else "initialization"
    part = job.dataset.parts["train"]
    return Subject(job.objective, state.theta, part, job.config.seed, at, after)


def _of_model(path: Path, data: Path) -> Subject:
    """A model file's network; its data are named, for a path in a model is never opened."""
    model = load_model(path)
    suit(model.network.sizes, 1)
    encoding = model.encoding.in_precision("float64")
    supply = supply_of(encoding, model.table(Location(data), labelled=True))
    return Subject(model.objective, model.theta, supply, 0, "trained model", trained=True)
