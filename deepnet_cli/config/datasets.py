"""The data that a config names, read and encoded: parts ready for the network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from deepnet_cli.config.data_schema import DataFile, DataSection, TrainFile
from deepnet_cli.config.document import Document
from deepnet_cli.config.schema import Config
from deepnet_cli.config.several_files import files_of
from deepnet_cli.config.shared_rows import Counts, Marks, shared_rows
from deepnet_cli.config.splits import Splitting
from deepnet_cli.data.dealing.parts import Supply
from deepnet_cli.data.dealing.weighing import balanced, class_named
from deepnet_cli.data.encoding import encoding
from deepnet_cli.data.encoding.encoding import Encoding
from deepnet_cli.data.encoding.inputs import Inputs
from deepnet_cli.data.encoding.streamed import WINDOW, supply_of
from deepnet_cli.data.reading.joining import joined
from deepnet_cli.data.reading.labels import ClassCountError
from deepnet_cli.data.reading.tables import Location, Selection, Table, read_table
from deepnet_cli.errors import (
    ConfigError,
    DeepnetError,
    MachineError,
    did_you_mean,
    listed,
)
from deepnet_cli.memory import available_memory, told
from deepnet_cli.nn.losses import ClassWeight
from deepnet_cli.nn.metrics import Metric, chosen
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.types import Array

Tables = Mapping[str, Table]
NONE: Tables = MappingProxyType({})

PARTS = ("train", "validation", "test")

HELD = 2 * WINDOW
"""Bytes of a part that is held out beside training that streams: such a one is not worth reading
over and over.
"""


@dataclass(frozen=True)
class Dataset:
    """The parts by name ("train", and "validation" and "test" where there are), how
    they were encoded, how the training part calls its numbers; of parts that are some rows of the
    training file which they are, how many rows of a part stand in another too, and a mark of the
    rows of each; and what was read, in lines.
    """

    parts: dict[str, Supply]
    encoding: Encoding
    output_names: tuple[str, ...]
    selections: dict[str, Selection]
    shared: Counts
    marks: Marks
    told: tuple[str, ...] = ()

    def metrics(self, kind: str, names: Iterable[str]) -> dict[str, Metric]:
        """Metrics of a kind of outputs by their names, in the units of y."""
        return self.encoding.in_units(chosen(kind, names))


def read_tables(
    config: Config, document: Document, directory: Path, at_hand: Tables = NONE
) -> Tables:
    """The tables of a config, parts of the training file split off; those that do not fit in
    memory stay in their files, and what is `at_hand` is read nowhere.  Raises errors with their
    place.
    """
    data = config.data
    tables = dict(at_hand)
    for name in ("train", "test", "validation"):
        if name not in at_hand and isinstance(where := getattr(data, name), DataFile):
            with document.at("data", name):
                tables[name] = _table(data, name, where, directory)
    if not _streams(config, document, tables):
        for name, table in tables.items():
            with document.at("data", name):
                tables[name] = table.loaded()
    tables |= Splitting(tables["train"], data, config.seed, document, directory).parts()
    for name in tables.keys() - {"train"}:
        if not tables[name].held and _bytes_needed(config, tables[name]) < HELD:
            with document.at("data", name):
                tables[name] = tables[name].loaded()
    return tables


def read_part(config: Config, document: Document, directory: Path, name: str) -> Table:
    """The table of one part that the config has; its rows stay in their file.

    Raises errors with their place.
    """
    data, where = config.data, getattr(config.data, name)
    if name != "train" and isinstance(where, DataFile):
        with document.at("data", name):
            return _table(data, name, where, directory)
    with document.at("data", "train"):
        table = _table(data, "train", data.train, directory)
    return Splitting(table, data, config.seed, document, directory).parts()[name]


def _table(data: DataSection, part: str, where: DataFile, directory: Path) -> Table:
    """Of one file or several, whose rows stay there."""
    own = where if isinstance(where, TrainFile) else None
    tables = []
    for file in files_of(data.file_of(where), directory):
        location = Location(
            file,
            where.x,
            where.y,
            weights=where.weights,
            groups=own.groups if own else None,
            classes=own.classes if own else None,
            times=own.times if own else None,
            others=data.others(where),
        )
        tables.append(read_table(location, part, last=data.examples == "last"))
    return joined(tables)


def encode(
    tables: Tables,
    config: Config,
    document: Document,
    network: Network,
    inputs: Inputs,
) -> Dataset:
    """Fit the encoding of y too on the training part, and apply both to all."""
    if config.data.scale_y != "none" and network.loss.target not in ("number", "quantiles"):
        problem = f"is for losses of numbers; {network.loss.name} is none"
        raise document.error(("data", "scale_y"), ConfigError(problem))
    try:
        fitted = encoding.fit(
            tables["train"],
            inputs,
            network.loss.target,
            network.sizes[-1],
            config.compute.dtype,
        )
        if config.data.scale_y != "none":
            fitted = fitted.standardized(tables["train"])
    except ClassCountError as error:
        place = ("model", "layers", len(config.model.layers) - 1)
        raise document.error(place, error) from None
    except DeepnetError as error:
        raise document.error(("data", "train"), error) from None
    fitted = replace(
        fitted, class_weights=_class_weights(config, document, fitted, tables["train"])
    )
    for doubt in encoding.doubts(fitted, tables["train"]):
        document.warn(("data", "train"), doubt)
    parts = dict[str, Supply]()
    for name in sorted(tables, key=PARTS.index):
        try:
            parts[name] = supply_of(fitted, tables[name])
        except ClassCountError as error:
            place = ("model", "layers", len(config.model.layers) - 1)
            raise document.error(place, error) from None
        except DeepnetError as error:
            raise document.error(("data", name), error) from None
    selections = {name: table.selection for name, table in tables.items() if table.selection}
    shared, marks = shared_rows(tables, fitted, document)
    told = [*dict.fromkeys(tables[name].told for name in parts)]  # parts split off were read once
    told += [inputs.told] if inputs.told else []
    names = tables["train"].output_names(fitted.outputs)
    return Dataset(parts, fitted, names, selections, shared, marks, tuple(told))


def _class_weights(
    config: Config, document: Document, fitted: Encoding, table: Table
) -> Array | None:
    """(K,), as the loss's option asks of the training part.  Raises ConfigError."""
    asked: ClassWeight = getattr(config.loss, "class_weight", None)
    if asked is None or fitted.classes is None:
        return None
    classes = fitted.classes
    if not isinstance(asked, dict):
        return balanced(fitted.class_indices(table), len(classes), table.weights)
    weights, named = np.ones(len(classes)), dict[int, str]()
    for name, weight in asked.items():
        place, k = ("loss", "class_weight", name), class_named(name, classes)
        if k is None:
            near = did_you_mean(name, classes.names)
            problem = f"{table.y_at} has no such class{near} (its classes: {listed(classes.names)})"
            document.add(place, problem, at_key=True)
        elif k in named:
            document.add(place, f"is the same class as '{named[k]}'", at_key=True)
        else:
            weights[k], named[k] = weight, name
    document.raise_problems()
    return weights


def _bytes_needed(config: Config, table: Table) -> int:
    """x as the file has it, a copy of it where a part is split off, and as the network takes it."""
    m, n = table.rows.shape
    return int(m * n * (2 * table.rows.dtype.itemsize + config.compute.dtype.itemsize))


def _streams(config: Config, document: Document, tables: Tables) -> bool:
    """Whether rows stay in their files.  Raises MachineError where they may not and do not fit."""
    if config.data.stream is True:
        return True
    there = available_memory()
    needed = sum(_bytes_needed(config, table) for table in tables.values())
    if config.data.stream == "auto" or needed <= there:
        return needed > there
    error = MachineError(f"the data take {told(needed)}; {told(there)} available; leave it out")
    raise document.error(("data", "stream"), error)
