"""From a config file and `--set` values to a checked Config, or every problem at once."""

from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from deepnet_cli.blas.choice import check_precision
from deepnet_cli.blas.library import UnavailableError
from deepnet_cli.config import checks, figures
from deepnet_cli.config.data_schema import DataFile, DataSection, NamedRows
from deepnet_cli.config.document import Document
from deepnet_cli.config.fine_tuning import check_frozen, check_scale
from deepnet_cli.config.messages import note_problems
from deepnet_cli.config.options import Options
from deepnet_cli.config.overrides import override
from deepnet_cli.config.schema import (
    ComputeSection,
    Config,
    ModelSection,
    OutputSection,
    TrainingSection,
)
from deepnet_cli.config.searching import check_search
from deepnet_cli.config.several_files import files_of
from deepnet_cli.config.source import Tree, directory_of, document_of
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.data.files.hdf5 import Source, open_hdf5
from deepnet_cli.data.reading.finding import find_x, find_y, part_of
from deepnet_cli.data.reading.per_example import WHAT, check_one_each
from deepnet_cli.errors import ConfigError, DataError, DeepnetError, listed, shortened
from deepnet_cli.files import shown


def load_config(
    source: Path | Tree, settings: tuple[str, ...] = (), at_hand: Collection[str] = ()
) -> tuple[Config, Document]:
    """Read, override, check; `Document` knows the place of each value.

    The data files are opened and their datasets looked for, but not read; nor that, of the parts
    that are at hand.  Raises ConfigError (or DataError, where only a data file is at fault) with
    all the problems.
    """
    document = document_of(source)
    if not document.tree:
        document.raise_problems()
    for setting in settings:
        override(document, setting)
    config = check(document)
    _check_files(document, directory_of(source), at_hand)
    _check_machine(document)
    document.raise_problems()
    if config is None:
        raise ConfigError(f"{document.source}: not a valid config")
    return config, document


def config_from_text(text: str, source: str) -> tuple[Config, Document]:
    """The config kept in a model file.  Raises ConfigError, and DataError where it names an
    activation or a loss that is known nowhere here.
    """
    document = parse(text.encode("utf-8", "surrogateescape"), source)
    if strange := checks.unregistered(document.tree):
        raise DataError(
            f"{source}: the config in it names {shortened(listed(strange))}; if it was registered "
            "by --code when it was trained, give the file by --code"
        )
    config = check(document)
    document.raise_problems()
    if config is None:
        raise ConfigError(f"{source}: not a valid config")
    return config, document


def check(document: Document) -> Config | None:
    """Hold the tree against the vocabulary, then the keys against each other."""
    config = None
    try:
        config = Config.model_validate(document.tree)
    except ValidationError as found:
        note_problems(document, found)
    data = _section(document, "data", DataSection)
    model = _section(document, "model", ModelSection)
    training = _section(document, "training", TrainingSection)
    if model is not None:
        checks.check_model(document, model)
        check_frozen(document, model)
    if model is not None and (loss := _loss(document)):
        checks.check_loss(document, model, loss.name)
        checks.check_loss_options(document, model, loss)
    if training is not None:
        checks.check_training(document, training)
        figures.check_figures(document, training, data)
    if training is not None and model is not None:
        checks.check_batches(document, training, model)
        check_search(document, training, model)
    if data is not None:
        checks.check_data(document, data)
    if data is not None and model is not None:
        check_scale(document, data, model)
    return config


S = TypeVar("S", bound=BaseModel)


def _section(document: Document, name: str, kind: type[S]) -> S | None:
    """The section where it is valid by itself, so that one mistake does not hide another."""
    try:
        return kind.model_validate(document.tree.get(name, {}))
    except ValidationError:
        return None


def _loss(document: Document) -> Options | None:
    adapter: TypeAdapter[Options] = TypeAdapter(Config.model_fields["loss"].rebuild_annotation())
    try:
        return adapter.validate_python(document.tree.get("loss", "auto"))
    except ValidationError:
        return None


def _check_files(document: Document, directory: Path, at_hand: Collection[str]) -> None:
    """Open each data file that is named and look for its datasets."""
    data = _section(document, "data", DataSection)
    if data is None:
        return
    for part in ("train", "validation", "test"):
        where = getattr(data, part)
        if part in at_hand or not isinstance(where, DataFile | NamedRows):
            continue
        try:
            files = data.file_of(where)
            for path in files_of(files, directory):
                with open_hdf5(path, files if isinstance(files, str) else None) as source:
                    if isinstance(where, NamedRows):
                        _check_dataset(document, source, ("data", part, "rows"), where.rows)
                    else:
                        _check_datasets(document, source, data, part)
        except DeepnetError as error:
            document.add(("data", part, "file"), str(error), exit_code=error.exit_code)


def _check_machine(document: Document) -> None:
    """The machine multiplies and writes as the config wants it; a model file asks that of none."""
    output = _section(document, "output", OutputSection)
    if output is not None and output.tensorboard and find_spec("tensorboard") is None:
        install = "pip install 'deepnet-cli[tensorboard]'"
        document.add(("output", "tensorboard"), f"takes the package tensorboard; {install}")
    compute = _section(document, "compute", ComputeSection)
    if compute is None:
        return
    try:
        check_precision(compute.precision)
    except UnavailableError as problem:
        document.add(("compute", "precision"), f"{compute.precision} {problem}")
    checks.check_compute(document, compute)


def _check_datasets(document: Document, source: Source, data: DataSection, part: str) -> None:
    """Look for x, the y that belongs to it, and what else is named, each at its own place."""
    where, last = getattr(data, part), data.examples == "last"
    apart = (where.weights, *data.others(where))
    if where.x is None and source.has_attribute("file") and source.has_attribute("examples"):
        problem = f"holds row numbers, as a run keeps them, and no examples; add rows: {part}"
        raise DataError(f"{source.path}: {problem}")
    x = where.x or find_x(source, part, apart=apart)
    part_of_x = part_of(source, x, default=part)
    m = None
    try:
        shape = source.layout(x).shape
        m = (shape[-1] if last else shape[0]) if shape else 0
    except DeepnetError as error:
        document.add(("data", part, "x"), str(error), exit_code=error.exit_code)
    try:
        if where.y is not None:
            source.dataset(where.y)
        elif m is not None:
            source.dataset(find_y(source, part_of_x, x, m, apart=apart))
    except DeepnetError as error:
        document.add(("data", part, "y"), str(error), exit_code=error.exit_code)
    for key in ("weights", "groups", "classes", "times", "rows"):
        if (name := getattr(where, key, None)) is not None:
            _check_dataset(document, source, ("data", part, key), name, m)


def _check_dataset(
    document: Document, source: Source, place: tuple[str, ...], name: str, m: int | None = None
) -> None:
    """It is there; where it belongs to each of m examples, it has so many values."""
    try:
        source.dataset(name)
        if m is not None and place[-1] in WHAT:
            check_one_each(source, name, m, place[-1])
    except DeepnetError as error:
        document.add(place, str(error), exit_code=error.exit_code)


def resolved(file: str, directory: Path) -> Path:
    """A file named in a config: relative to the config's directory."""
    return shown(directory / file)
