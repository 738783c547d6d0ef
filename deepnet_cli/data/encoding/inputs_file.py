"""What x becomes, in HDF5, beside the parameters of the model that was trained on it.

/scaling/shift, /scaling/divisor (n,)        x' = (f(x) - shift) / divisor, of the numbers
/scaling/function                            f, where it is not the identity: log1p
/inputs/fill (n,)                            what a missing one is, where that is not refused
/inputs/missing                              the values in x that mean missing
/inputs/categories/column, value (K,)        of each category: X has a 1 where x has this value
/inputs/categories/unknown                   what becomes of other values: refuse or zeros
/inputs/indicators                           columns: X has a 1 where x is missing
/inputs/names                                how the columns of x are called
/inputs/words/column, name (W,)              how the values 0, 1, ... of a column are called
/inputs/example                              the shape of an example in the training file
attribute scaling: the rule that made it

Columns of x count from 0; the numbers are those that have no category.
"""

from typing import Any

import h5py
import numpy as np

from deepnet_cli.data.encoding.features import UNKNOWN, Categories, Indicators, no_columns
from deepnet_cli.data.encoding.inputs import Inputs
from deepnet_cli.data.encoding.scaling import FUNCTIONS, IDENTITY, Scaling
from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array


def write_inputs(file: Any, inputs: Inputs) -> None:
    """Put them into the open h5py file."""
    scaling, categories = inputs.scaling, inputs.categories
    file["scaling/shift"], file["scaling/divisor"] = scaling.shift, scaling.divisor
    file.attrs["scaling"] = scaling.name
    if scaling.function != IDENTITY:
        file["scaling/function"] = scaling.function
    if inputs.fill is not None:
        file["inputs/fill"] = inputs.fill
    if inputs.missing:
        file["inputs/missing"] = np.array(inputs.missing)
    if len(categories.value):
        file["inputs/categories/column"] = categories.column
        file["inputs/categories/value"] = categories.value
        file["inputs/categories/unknown"] = categories.unknown
    if len(inputs.indicators.columns):
        file["inputs/indicators"] = inputs.indicators.columns
    if inputs.names:
        file["inputs/names"] = np.array(inputs.names, h5py.string_dtype())
    if inputs.words:
        pairs = [(j, name) for j, names in inputs.words.items() for name in names]
        file["inputs/words/column"] = np.array([j for j, _ in pairs])
        file["inputs/words/name"] = np.array([name for _, name in pairs], h5py.string_dtype())
    if inputs.example:
        file["inputs/example"] = np.array(inputs.example)


def read_inputs(source: Source) -> Inputs:
    """Raises DataError where they are unfit."""
    shift, divisor = (numbers(source, f"scaling/{name}") for name in ("shift", "divisor"))
    if shift.shape != divisor.shape or not (divisor > 0).all():
        raise DataError(f"{source.path}: scaling: a divisor > 0 is needed for each shift")
    function = _word(source, "scaling/function", FUNCTIONS, IDENTITY)
    scaling = Scaling(source.text("scaling"), shift, divisor, function)
    fill = numbers(source, "inputs/fill") if source.has("inputs/fill") else None
    if fill is not None and fill.shape != shift.shape:
        raise DataError(f"{source.path}: inputs/fill: a number is needed for each shift")
    missing = numbers(source, "inputs/missing") if source.has("inputs/missing") else np.zeros(0)
    categories = _categories(source) if source.has("inputs/categories") else Categories()
    indicators = Indicators()
    if source.has("inputs/indicators"):
        indicators = Indicators(_columns(source, "inputs/indicators"))
    names = texts(source, "inputs/names") if source.has("inputs/names") else ()
    words = _words(source) if source.has("inputs/words") else {}
    example = _columns(source, "inputs/example") if source.has("inputs/example") else no_columns()
    inputs = Inputs(
        scaling,
        fill,
        tuple(missing.tolist()),
        categories,
        indicators,
        names,
        words,
        tuple(example.tolist()),
    )
    for column in (*categories.column, *indicators.columns, *words):
        if not 0 <= column < inputs.columns:
            raise DataError(f"{source.path}: inputs: x has no column {column}")
    if len(names) not in (0, inputs.columns):
        raise DataError(f"{source.path}: inputs/names: {len(names)} for {inputs.columns} columns")
    return inputs


def numbers(source: Source, name: str) -> Array:
    """A list (n,) of floats.  Raises DataError where it is none, or one is not finite."""
    values = source.read(name)
    if values.dtype.kind != "f" or values.ndim != 1 or not np.isfinite(values).all():
        raise DataError(f"{source.path}: {name} is not a list of finite numbers")
    return values


def texts(source: Source, name: str) -> tuple[str, ...]:
    """A list of texts.  Raises DataError where it is none."""
    values = source.read(name)
    if values.dtype.kind != "O" or values.ndim != 1:
        raise DataError(f"{source.path}: {name} is not a list of text")
    return tuple(values.tolist())


def _categories(source: Source) -> Categories:
    column = _columns(source, "inputs/categories/column")
    value = numbers(source, "inputs/categories/value")
    if column.shape != value.shape or not len(column):
        raise DataError(f"{source.path}: inputs/categories: a value is needed for each column")
    if not ((np.diff(column) > 0) | ((np.diff(column) == 0) & (np.diff(value) > 0))).all():
        raise DataError(f"{source.path}: inputs/categories is not in ascending order")
    return Categories(column, value, _word(source, "inputs/categories/unknown", UNKNOWN))


def _words(source: Source) -> dict[int, tuple[str, ...]]:
    columns, names = _columns(source, "inputs/words/column"), texts(source, "inputs/words/name")
    if len(columns) != len(names):
        raise DataError(f"{source.path}: inputs/words: a column is needed for each name")
    found: dict[int, tuple[str, ...]] = {}
    for column, name in zip(columns.tolist(), names, strict=True):
        found[column] = (*found.get(column, ()), name)
    return found


def _columns(source: Source, name: str) -> Array:
    values = source.read(name)
    if values.dtype.kind != "i" or values.ndim != 1:
        raise DataError(f"{source.path}: {name} is not a list of whole numbers")
    return values.astype(np.int64)


def _word(source: Source, name: str, known: Any, default: str | None = None) -> str:
    """A text that is one of the `known`; the default where there is none."""
    if default is not None and not source.has(name):
        return default
    word = source.read(name)
    if word.ndim or word.dtype.kind not in "OU" or word.item() not in known:
        raise DataError(f"{source.path}: {name} is none of {', '.join(known)}")
    return str(word.item())
