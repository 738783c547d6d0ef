"""An encoding in HDF5, beside the parameters of the model that was trained with it.

/scaling, /inputs                            see data/encoding/inputs_file.py
/classes/values, /classes/names              where the network tells classes apart
/classes/weights (K,)                        where the loss has class weights
/outputs/names (K,)                          of the columns of y, where there are no classes
/units/shift, /units/divisor (K,)            where the network learns (y - shift) / divisor
"""

from typing import Any

import h5py
import numpy as np

from deepnet_cli.data.encoding.encoding import Encoding
from deepnet_cli.data.encoding.inputs import Inputs
from deepnet_cli.data.encoding.inputs_file import numbers, texts, write_inputs
from deepnet_cli.data.encoding.scaling import Scaling
from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.data.reading.labels import Classes
from deepnet_cli.errors import DataError


def write_encoding(file: Any, encoding: Encoding) -> None:
    """Put an encoding into the open h5py file."""
    write_inputs(file, encoding.inputs)
    if encoding.classes is not None:
        text = h5py.string_dtype()
        whole = all(isinstance(value, int) for value in encoding.classes.values)
        file["classes/values"] = np.array(encoding.classes.values, None if whole else text)
        file["classes/names"] = np.array(encoding.classes.names, text)
        if encoding.class_weights is not None:
            file["classes/weights"] = encoding.class_weights
    if encoding.names:
        file["outputs/names"] = np.array(encoding.names, h5py.string_dtype())
    if encoding.units is not None:
        file["units/shift"] = encoding.units.shift
        file["units/divisor"] = encoding.units.divisor


def read_encoding(
    source: Source, inputs: Inputs, target: str, outputs: int, dtype: np.dtype[np.generic]
) -> Encoding:
    """The encoding for a loss's target and n[L] outputs; its inputs were read.

    Raises DataError where it is unfit.
    """
    told_apart = outputs if target == "class" else 2
    has_classes = target == "class" or (target == "binary" and outputs == 1)
    classes = _classes(source, told_apart) if has_classes else None
    weights = None
    if classes is not None and source.has("classes/weights"):
        weights = numbers(source, "classes/weights")
        if weights.shape != (told_apart,) or not (weights > 0).all():
            raise DataError(
                f"{source.path}: classes/weights: a number > 0 is needed for each class"
            )
    units = read_units(source) if source.has("units/shift") else None
    if units is not None and len(units.shift) != outputs:
        raise DataError(f"{source.path}: units are of {len(units.shift)} outputs, not {outputs}")
    names = texts(source, "outputs/names") if source.has("outputs/names") else ()
    if len(names) not in (0, outputs):
        raise DataError(f"{source.path}: outputs/names: {len(names)} for {outputs} outputs")
    return Encoding(inputs, classes, target, outputs, dtype, weights, units, names)


def read_class_names(source: Source) -> tuple[str, ...]:
    """How classes are called, by index.  Raises DataError."""
    return texts(source, "classes/names")


def read_units(source: Source) -> Scaling:
    """The units of the outputs.  Raises DataError where they are unfit."""
    shift, divisor = (numbers(source, f"units/{name}") for name in ("shift", "divisor"))
    if shift.shape != divisor.shape or not (divisor > 0).all():
        raise DataError(f"{source.path}: units: a divisor > 0 is needed for each shift")
    return Scaling("standardize", shift, divisor)


def _classes(source: Source, K: int) -> Classes:
    values, names = source.read("classes/values"), read_class_names(source)
    if values.shape != (K,) or len(names) != K:
        raise DataError(f"{source.path}: the network tells {K} classes apart, /classes has others")
    if values.dtype.kind not in "iO":
        raise DataError(f"{source.path}: /classes holds neither whole numbers nor text")
    if not (values[:-1] < values[1:]).all():
        raise DataError(f"{source.path}: /classes/values is not in ascending order")
    return Classes(tuple(values.tolist()), names)
