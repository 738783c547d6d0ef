"""The trained network with all that predicting needs, and the file that keeps it.

    /parameters/W1 (n[1], n[0]), /parameters/b1 (n[1], 1), ...
    /scaling, /classes                           see data/encoding_file.py
    attributes: deepnet (version), config (YAML text), figures (JSON), decay (lambda / m)

Reading it runs no code and opens no other file: the config in it is checked like any
other, and the paths in it are not followed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepnet_cli import __version__
from deepnet_cli.config.architecture import build_network
from deepnet_cli.config.load import config_from_text
from deepnet_cli.data.encoding import Encoding
from deepnet_cli.data.encoding_file import read_encoding, write_encoding
from deepnet_cli.data.hdf5 import translated
from deepnet_cli.data.parameters import read_parameters, write_parameters
from deepnet_cli.data.tables import Location, Table, read_table
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.nn.metrics import Figures, decisions
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.training.evaluation import figures, outputs, scores
from deepnet_cli.training.sealed import open_sealed, sealed

NAME = "model.h5"


@dataclass(frozen=True)
class Model:
    """A network with its parameters and encoding.

    `config` is YAML text; `last` says that its data count examples on the last axis.
    """

    objective: Objective
    theta: Array
    encoding: Encoding
    config: str
    last: bool
    figures: dict[str, Figures]  # by part, as training measured them

    @property
    def network(self) -> Network:
        return self.objective.network

    def table(self, location: Location, *, labelled: bool) -> Table:
        """The examples of a file, laid out as in training.  Raises DataError."""
        return read_table(location, "any", last=self.last, labelled=labelled)

    def outputs(self, table: Table) -> Array:
        """A[L] (n[L], m): probabilities, or numbers.  Raises DataError for unfit rows."""
        rows = self.encoding.rows(table)
        return outputs(self.network, scores(self.network, self.theta, rows))

    def decisions(self, A: Array) -> Array:
        """Class indices (m,) for outputs of a network that tells classes apart."""
        return decisions(A, self.network.loss.target)

    def evaluate(self, table: Table) -> Figures:
        """The cost and every metric on a table with y.  Raises DataError."""
        return figures(self.objective, self.theta, self.encoding.part(table))

    def to_bytes(self) -> bytes:
        """The model file."""
        return sealed("model", self._fill)

    def _fill(self, file: Any) -> None:
        file.attrs["deepnet"] = __version__
        file.attrs["config"] = self.config
        file.attrs["decay"] = self.objective.decay
        file.attrs["figures"] = json.dumps(self.figures)
        write_parameters(file, self.network.layout, self.theta)
        write_encoding(file, self.encoding)


def load_model(path: Path) -> Model:
    """The model of a file, or of a run directory.  Raises DataError."""
    if path.is_dir():
        if not (path / NAME).exists():
            raise DataError(f"{path}: is a directory without a {NAME}; name a run or a model file")
        path = path / NAME
    with open_sealed(path, "model") as source, translated(str(path)):
        text = str(source.file.attrs["config"])
        try:
            config, _ = config_from_text(text, str(path))
        except ConfigError as error:
            raise DataError(f"{path}: the config in it is not valid: {error}") from None
        network = build_network(config, len(source.read("scaling/shift")))
        dtype = np.dtype(config.compute.precision)
        encoding = read_encoding(source, network.loss.target, network.sizes[-1], dtype)
        theta = read_parameters(source, network.layout, dtype)
        measured = json.loads(source.file.attrs["figures"])
        last = config.data.examples == "last"
        objective = Objective(network, float(source.file.attrs["decay"]))
        return Model(objective, theta, encoding, text, last, measured)
