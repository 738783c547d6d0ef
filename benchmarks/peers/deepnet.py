"""deepnet as a user gets it: a config, an HDF5 file, and the session that `train` runs."""

from pathlib import Path
from tempfile import mkdtemp

import h5py
import numpy as np

from benchmarks.peers.cases import DATA, INITIAL, Prediction, Training, read_rows
from benchmarks.peers.reference import Array, Parameters
from deepnet_cli.config.job import load_job
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.training.kept.model import Model
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.run_directory import RunDirectory
from deepnet_cli.training.run.session import Session

MANY = 10_000_000
"""Iterations: more than will be asked for."""


def config(case: Training, iterations: int, precision: str = "float32") -> str:
    """The YAML of a case."""
    output = "sigmoid" if case.sizes[-1] == 1 else "softmax"
    batch = "full" if case.batch == case.m else case.batch
    return f"""\
data: {{train: {DATA}, scale: none}}
model:
  layers: {list(case.sizes[1:])}
  activations: [{"relu, " * (len(case.sizes) - 2)}{output}]
  initial_parameters: {INITIAL}
training:
  optimizer: {case.optimizer}
  learning_rate: {case.rate}
  iterations: {iterations}
  batch_size: {batch}
  shuffle: false
compute: {{precision: {precision}}}
output: {{plots: false, checkpoint_every: {MANY}}}
"""


def read_model(run: Path) -> Parameters:
    """The parameters in the model.h5 of a run."""
    with h5py.File(run / "model.h5") as file:
        return {name: block[...] for name, block in file["parameters"].items()}


class Asked(Session):
    """A session that looks up after every so many steps."""

    asked = MANY

    def undisturbed(self, iteration: int) -> int:
        return min(super().undisturbed(iteration), self.asked - iteration % self.asked)


class Deepnet:
    """A session that is never done."""

    def __init__(self, case: Training, directory: Path, precision: str) -> None:
        file = directory / f"deepnet-{precision}.yaml"
        file.write_text(config(case, MANY, precision))
        self.steps = case.steps
        job = load_job(file)
        self.path = Path(mkdtemp(dir=directory))
        self.session = Asked(job, RunDirectory.at(self.path), Progress.start(job))
        self.session.asked = case.steps
        self.session.begin()
        self.events = self.session.steps()

    def run(self, times: int) -> None:
        made = 0
        while made < times * self.steps:
            made += len(next(self.events).steps.costs)
        assert made == times * self.steps

    def outcome(self) -> dict[str, Array]:
        self.session.finish()
        return read_model(self.path)


def float32(case: Training, directory: Path) -> Deepnet:
    return Deepnet(case, directory, "float32")


def mixed(case: Training, directory: Path) -> Deepnet:
    return Deepnet(case, directory, "mixed")


class Predictor:
    """The model that `predict` loads, on rows that are in memory."""

    def __init__(self, case: Prediction, directory: Path) -> None:
        file = directory / "deepnet.yaml"
        file.write_text(config(case, 1))
        job, self.table = load_job(file), Table(read_rows(directory), None, "rows", "")
        theta, encoding = job.initial_theta(), job.dataset.encoding
        self.model = Model(job.objective, theta, encoding, job.config, case.m)

    def run(self, times: int) -> None:
        for _ in range(times):
            self.A = np.hstack(list(self.model.outputs(self.table)))

    def outcome(self) -> dict[str, Array]:
        return {"A": self.A[:, :1000].T}
