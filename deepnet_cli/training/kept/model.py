"""The trained network with all that predicting needs, and the file that keeps it.

    /parameters/W1 (n[1], n[0]), /parameters/b1 (n[1], 1), ...
    /scaling, /inputs, /classes                  see data/encoding/encoding_file.py
    /baselines                                   see training/figures/baselines.py
    attributes: deepnet (version), config (YAML text), figures (JSON), examples (m)

Reading it runs no code and opens no other file: the config in it is checked like any
other, and the paths in it are not followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from deepnet_cli.config.architecture import build_network, build_objective
from deepnet_cli.config.load import config_from_text
from deepnet_cli.config.schema import Config
from deepnet_cli.config.source import RUN_CONFIG
from deepnet_cli.data.dealing.parts import Supply
from deepnet_cli.data.encoding.encoding import Encoding
from deepnet_cli.data.encoding.encoding_file import read_encoding, write_encoding
from deepnet_cli.data.encoding.inputs_file import read_inputs
from deepnet_cli.data.encoding.streamed import encoded, supply_of
from deepnet_cli.data.files.guards import NotHdf5Error
from deepnet_cli.data.parameters import read_parameters, write_parameters
from deepnet_cli.data.reading.labels import ClassCountError
from deepnet_cli.data.reading.tables import Location, Table, read_table
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.files import json_text, read_file
from deepnet_cli.nn.metrics import Figures, decisions
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.baselines import Baselines, read_baselines, write_baselines
from deepnet_cli.training.figures.evaluation import scores
from deepnet_cli.training.kept.lock import user_of
from deepnet_cli.training.kept.sealed import sealed, unsealed

NAME = "model.h5"


@dataclass(frozen=True)
class Model:
    """A network with its parameters (P,), its encoding and the config it was trained by."""

    objective: Objective
    theta: Array
    encoding: Encoding
    config: Config
    examples: int  # it was trained on: the m of the weight penalties
    baselines: Baselines | None = None  # fitted to the same examples

    @property
    def network(self) -> Network:
        return self.objective.network

    def table(self, location: Location, *, labelled: bool) -> Table:
        """The examples of a file, laid out as in training.  Raises DataError."""
        data = self.config.data
        location = replace(location, hints=(data.train.x, data.train.y))
        try:
            return read_table(location, "any", last=data.examples == "last", labelled=labelled)
        except NotHdf5Error as error:  # its categories and classes are numbered as in training
            from deepnet_cli.data.convert.formats import like_option

            raise DataError(f"{error}{like_option(location.file)}") from None

    def outputs(self, table: Table) -> Iterator[Array]:
        """A[L] (n[L], m_b), block by block: probabilities, scores or numbers.

        Raises DataError for unfit rows, also for those of which the network makes no number.
        """
        first = 0
        for rows in encoded(self.encoding, table):
            S = scores(self.network, self.theta, rows)
            with np.errstate(all="ignore"):
                A = self.encoding.restored(self.network.loss.link.forward(S, out=S))
            if (lost := np.isnan(A).any(axis=0)).any():
                row = f"{table.x_at}: row {table.number(first + int(lost.argmax()))}"
                why = "its values or the parameters are too large"
                raise DataError(f"{row}: the network makes no number of it; {why}")
            first += len(rows)
            yield A

    def decisions(self, A: Array) -> Array:
        """Class indices (m,), or 0 and 1 (n[L], m) for a multilabel network; from its outputs."""
        return decisions(A, self.network.loss.kind)

    def supply(self, table: Table) -> Supply:
        """The examples of a table with y as the network takes them.  Raises DataError."""
        try:
            return supply_of(self.encoding, table)
        except ClassCountError as error:  # here the data are at fault, not a config
            raise DataError(str(error)) from None

    def to_bytes(self, config: str, figures: dict[str, Figures]) -> bytes:
        """The model file; with the config as YAML, and the figures of each part."""

        def fill(file: Any) -> None:
            file.attrs["config"] = config
            file.attrs["examples"] = self.examples
            file.attrs["figures"] = json_text(figures)
            write_parameters(file, self.network.layout, self.theta)
            write_encoding(file, self.encoding)
            if self.baselines is not None:
                write_baselines(file, self.baselines)

        return sealed("model", fill)


def load_model(path: Path) -> Model:
    """The model of a file, or of a run directory.  Raises DataError."""
    path = model_file(path)
    return model_of(read_file(path), path)


def model_file(path: Path) -> Path:
    """The file of a model, or that in a run directory.  Raises DataError where it has none."""
    if path.is_dir():
        if not (path / NAME).exists():
            hint = "name a run or a model file"
            if user := user_of(path):
                hint = f"the run goes on ({user}); wait for its end"
            elif (path / RUN_CONFIG).exists():
                hint = f"the run has not ended: 'deepnet train --resume {path}'"
            if user := user_of(path):
                hint = f"the run is trained by {user}; wait for its end"
            raise DataError(f"{path}: is a directory without a {NAME}; {hint}")
        return path / NAME
    return path


def model_of(content: bytes, path: Path) -> Model:
    """The model in the bytes of a file that messages call `path`.  Raises DataError."""
    with unsealed(content, path, "model") as source:
        try:
            config, _ = config_from_text(source.text("config"), str(path))
        except ConfigError as error:
            raise DataError(f"{path}: the config in it is not valid: {error}") from None
        if config.loss.name == "auto" or not isinstance(config.model.activations, list):
            raise DataError(f"{path}: the config in it leaves the loss or an activation open")
        inputs = read_inputs(source)
        network = build_network(config, inputs.features)
        dtype = config.compute.dtype
        encoding = read_encoding(source, inputs, network.loss.target, network.sizes[-1], dtype)
        theta = read_parameters(source, network.layout, dtype)
        examples = max(1, int(source.number("examples")))
        objective = build_objective(config, network, examples)
        baselines = read_baselines(source, network.features, network.sizes[-1])
        return Model(objective, theta, encoding, config, examples, baselines)
