"""MATLAB's .mat in, of version 7 and older, by SciPy; version 7.3 is HDF5."""

import warnings
from collections.abc import Collection, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from deepnet_cli.data.convert.stream import Block, Choices, Field, Meter, Stream
from deepnet_cli.errors import DataError, MachineError, one_line
from deepnet_cli.files import check_readable
from deepnet_cli.memory import available_memory, told
from deepnet_cli.nn.types import Array

TYPES = {"double", "single", "logical"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def read_matlab(paths: list[Path], _: Choices, meter: Meter) -> Stream:
    """The matrices of numbers of a file under their own names.  Raises DataError."""
    (path,) = paths
    size = check_readable(path).st_size
    found = _scipy("whosmat", path)
    notes = [
        f"left out: '{one_line(name)}', which is of class {kind}"
        for name, _, kind in found
        if kind not in TYPES and kind != "sparse"
    ]
    shapes = {name: shape for name, shape, kind in found if kind in TYPES or kind == "sparse"}
    if not shapes:
        raise DataError(f"{path}: no matrix of numbers in it")
    needed = size + 8 * sum(prod(shape) for name, shape, kind in found if kind in TYPES)
    if needed > available_memory():
        raise MachineError(f"{path}: reading it takes {told(needed)} of memory")
    loaded = _scipy("loadmat", path, variable_names=list(shapes))
    fields = [
        Field(name, shape, np.dtype(loaded[name].dtype.newbyteorder("=")))
        for name, shape in shapes.items()
    ]
    if others := [field.name for field in fields if field.dtype.kind not in "biuf"]:
        notes += [f"left out: '{one_line(name)}', which is complex" for name in others]
        fields = [field for field in fields if field.name not in others]
    if not fields:
        raise DataError(f"{path}: no matrix of real numbers in it")
    meter.expect(sum(field.nbytes for field in fields))

    def blocks(wanted: Collection[str]) -> Iterator[Block]:
        for field in fields:
            values = _rows(loaded[field.name])
            for i in field.slices() if field.name in wanted else ():
                block = _dense(values[i]).astype(field.dtype)
                meter.moved(block.nbytes)
                yield {field.name: block}

    return Stream(tuple(fields), blocks, tuple(notes))


def _rows(values: Any) -> Any:
    """What gives some rows of a matrix, sparse or not."""
    return values if isinstance(values, np.ndarray) else values.tocsr()


def _dense(values: Any) -> Array:
    return np.asarray(values if isinstance(values, np.ndarray) else values.toarray())


def _scipy(function: str, path: Path, **options: object) -> Any:
    from scipy import io

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(io, function)(str(path), **options)
    except MemoryError:
        raise
    except Exception:  # of any kind, over a damaged file
        raise DataError(f"{path}: damaged MATLAB file; copy or make it again") from None
