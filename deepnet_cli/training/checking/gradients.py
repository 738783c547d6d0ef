"""What `gradcheck` looks at: a config at its start or some iterations on, a run, or a model."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from deepnet_cli.config.job import load_job
from deepnet_cli.config.source import Tree
from deepnet_cli.data.dealing.parts import Supply
from deepnet_cli.data.encoding.streamed import supply_of
from deepnet_cli.data.reading.tables import Location
from deepnet_cli.errors import ConfigError
from deepnet_cli.nn.gradcheck.report import Report, check
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import generator
from deepnet_cli.threads import fitting, limited
from deepnet_cli.training.kept.model import load_model
from deepnet_cli.training.kept.run_directory import CONFIG
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import State

EXAMPLES = 32
"""Of which J is, where nobody says."""

DOUBLE = ("compute.precision=float64",)


@dataclass(frozen=True)
class Case:
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


@dataclass(frozen=True)
class About:
    """What was checked, and how long it took."""

    at: str  # "initialization", "iteration 100", "trained model"
    seed: int
    examples: int
    parameters: int
    seconds: float


def proved(case: Case, examples: int, *, exhaustive: bool = False) -> tuple[Report, About]:
    """The whole check of its gradients at a sample of examples."""
    began = time.monotonic()
    point = case.point(examples)
    report = check(point, partial(generator, case.seed), exhaustive=exhaustive)
    parameters = case.objective.network.layout.trained.stop
    seconds = time.monotonic() - began
    return report, About(case.at, case.seed, point.X.shape[1], parameters, seconds)


def case_at(
    source: Path | Tree,
    settings: tuple[str, ...],
    data: Path | None,
    held: ExitStack,
    after: int = 0,
) -> Case:
    """What a path names, or a config; the threads that suit it are held.  Raises ConfigError where
    the options do not fit it.
    """
    path = None if isinstance(source, Mapping) else source
    is_run = path is not None and (path / CONFIG).is_file()
    is_model = path is not None and not is_run and path.suffix in (".h5", ".hdf5")
    trained = is_model or is_run
    if is_model and data is None:
        raise ConfigError("a model file names no data; give labelled data by --data")
    if data is not None and not trained:
        raise ConfigError("--data goes with a model; a config names its own")
    if settings and trained:
        raise ConfigError("--set goes with a config; a model is as it is")
    if after and trained:
        raise ConfigError("--after goes with a config; a model is trained already")
    if path is not None and data is not None:
        return _of_model(path, data, held)
    if path is not None and is_run:
        case = _of_config(path / CONFIG, settings, held, 0)
        return replace(case, theta=load_model(path).theta, at="trained model", trained=True)
    return _of_config(source, settings, held, after)


def _of_config(source: Path | Tree, settings: tuple[str, ...], held: ExitStack, after: int) -> Case:
    """A config's network on its own training data, at its start or `after` updates."""
    job = load_job(source, (*settings, *DOUBLE))
    held.enter_context(limited(job.threads))
    state = State.start(job.initial_theta(), job.rule)
    runs = job.batches.runs(0, after)
    for _ in train(state, job.objective, job.clippings, job.rule, job.rate, runs):
        pass
    at = f"iteration {after}" if after else "initialization"
    part = job.dataset.parts["train"]
    return Case(job.objective, state.theta, part, job.config.seed, at, after)


def _of_model(path: Path, data: Path, held: ExitStack) -> Case:
    """A model file's network; its data are named, for a path in a model is never opened."""
    model = load_model(path)
    held.enter_context(limited(fitting(model.network.sizes, 1)))
    encoding = model.encoding.in_precision("float64")
    supply = supply_of(encoding, model.table(Location(data), labelled=True))
    return Case(model.objective, model.theta, supply, 0, "trained model", trained=True)
