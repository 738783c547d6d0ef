"""The trained network with all that predicting needs, and the file that keeps it.

    /parameters/W1 (n[1], n[0]), /parameters/b1 (n[1], 1), ...
    /scaling/shift, /scaling/divisor (n[0],)     x' = (x - shift) / divisor
    /classes/values, /classes/names              where the network tells classes apart
    attributes: deepnet (version), config (YAML text), figures (JSON), scaling (the rule)

Reading it runs no code and opens no other file: the config in it is checked like any
other, and the paths in it are not followed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from deepnet_cli import __version__
from deepnet_cli.config.architecture import build_network
from deepnet_cli.config.load import config_from_text
from deepnet_cli.data.encoding import Encoding
from deepnet_cli.data.hdf5 import Source, translated
from deepnet_cli.data.labels import Classes
from deepnet_cli.data.parameters import read_parameters, write_parameters
from deepnet_cli.data.scaling import Scaling
from deepnet_cli.data.tables import Location, Table, read_table
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.nn.metrics import Figures, decisions
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.types import Array
from deepnet_cli.training.evaluation import figures, outputs, scores
from deepnet_cli.training.sealed import open_sealed, sealed

NAME = "model.h5"


@dataclass(frozen=True)
class Model:
    """A network with its parameters and encoding.

    `config` is YAML text; `last` says that its data count examples on the last axis.
    """

    network: Network
    theta: Array
    encoding: Encoding
    config: str
    last: bool
    figures: dict[str, Figures]  # by part, as training measured them

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
        return figures(self.network, self.theta, self.encoding.part(table))

    def to_bytes(self) -> bytes:
        """The model file."""
        return sealed("model", self._fill)

    def _fill(self, file: Any) -> None:
        file.attrs["deepnet"] = __version__
        file.attrs["config"] = self.config
        file.attrs["figures"] = json.dumps(self.figures)
        write_parameters(file, self.network.layout, self.theta)
        file["scaling/shift"] = self.encoding.scaling.shift
        file["scaling/divisor"] = self.encoding.scaling.divisor
        file.attrs["scaling"] = self.encoding.scaling.name
        classes = self.encoding.classes
        if classes is not None:
            text = h5py.string_dtype()
            whole = all(isinstance(value, int) for value in classes.values)
            file["classes/values"] = np.array(classes.values, None if whole else text)
            file["classes/names"] = np.array(classes.names, text)


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
        scaling = Scaling(
            str(source.file.attrs["scaling"]),
            source.read("scaling/shift"),
            source.read("scaling/divisor"),
        )
        network = build_network(config, len(scaling.shift))
        dtype = np.dtype(config.compute.precision)
        encoding = Encoding(
            scaling, _classes(source), network.loss.target, network.sizes[-1], dtype
        )
        theta = read_parameters(source, network.layout, dtype)
        measured = json.loads(source.file.attrs["figures"])
        last = config.data.examples == "last"
        return Model(network, theta, encoding, text, last, measured)


def _classes(source: Source) -> Classes | None:
    if not source.has("classes/values"):
        return None
    values = source.read("classes/values").tolist()
    return Classes(tuple(values), tuple(source.read("classes/names").tolist()))
