"""The model that training starts from: what its file says of x and y, beside the parameters."""

from dataclasses import dataclass
from pathlib import Path

from deepnet_cli.config.document import Document
from deepnet_cli.config.load import resolved
from deepnet_cli.config.schema import Config, ModelSection
from deepnet_cli.data.encoding.encoding import Encoding
from deepnet_cli.data.encoding.encoding_file import read_class_names, read_units
from deepnet_cli.data.encoding.inputs import Inputs
from deepnet_cli.data.encoding.inputs_file import read_inputs
from deepnet_cli.data.encoding.scaling import Scaling
from deepnet_cli.data.files.hdf5 import open_hdf5
from deepnet_cli.errors import DeepnetError, listed

PLACE = ("model", "initial_parameters")


@dataclass(frozen=True)
class Pretrained:
    """What a network was trained on, its classes and the units of its numbers, where its file has
    them.
    """

    path: str
    inputs: Inputs | None
    class_names: tuple[str, ...] | None
    units: Scaling | None


def read_pretrained(config: Config, document: Document, directory: Path) -> Pretrained | None:
    """Of the file of model.initial_parameters.  Raises DataError with its place."""
    if (start := config.model.initial_parameters) is None:
        return None
    try:
        with open_hdf5(resolved(start.file, directory)) as source:
            inputs = read_inputs(source) if source.has("scaling/shift") else None
            names = read_class_names(source) if source.has("classes/names") else None
            units = read_units(source) if source.has("units/shift") else None
            return Pretrained(source.path, inputs, names, units)
    except DeepnetError as error:
        raise document.error(PLACE, error) from None


def warn_of_changes(
    document: Document, model: ModelSection, pretrained: Pretrained, encoding: Encoding
) -> None:
    """Parameters mean the same only on x and y as they were when these were trained."""
    before, classes = pretrained.inputs, encoding.classes
    if before is not None and not before.same(encoding.inputs):
        document.warn(
            PLACE, "the parameters were trained with another scaling of x; use data.scale: initial"
        )
    start, names = model.initial_parameters, pretrained.class_names
    whole = start is not None and start.layers in (None, len(model.layers))
    if whole and names is not None and classes is not None and names != classes.names:
        told, here = (listed(f"'{name}'" for name in known) for known in (names, classes.names))
        document.warn(PLACE, f"was trained to tell {told} apart; here {here}, in this order")
    trained_here = pretrained.inputs is not None
    if whole and trained_here and not _same(pretrained.units, encoding.units):
        document.warn(PLACE, "the output layer was trained with another data.scale_y, or other y")


def _same(a: Scaling | None, b: Scaling | None) -> bool:
    return a is b if a is None or b is None else a.same(b)
