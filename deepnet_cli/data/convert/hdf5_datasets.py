"""HDF5 in: its datasets under their own names, with their attributes.

To be laid out anew, values go as they are stored, and the attributes beside them say how they are
meant; to other formats they go as they are meant.
"""

from collections.abc import Collection, Iterator
from math import ceil
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np

from deepnet_cli.data.convert.stream import BYTES, Block, Choices, Field, Meter, Stream
from deepnet_cli.data.files.guards import is_text
from deepnet_cli.data.files.hdf5 import HDF5_ERRORS, Source, open_hdf5, translated
from deepnet_cli.data.files.layout import Layout
from deepnet_cli.data.files.survey import MOST_NAMES
from deepnet_cli.errors import DataError, DeepnetError, one_line

SLAB, MOST = 16 * 2**20, 256 * 2**20
"""About how much of a chunked dataset is read at a time, and the most where its chunks are long:
each is unpacked once."""


def read_hdf5(paths: list[Path], choices: Choices, meter: Meter) -> Stream:
    """The datasets of a file.  Raises DataError."""
    (path,) = paths
    fields, notes = [], []
    layouts: dict[str, Layout] = {}
    with open_hdf5(path) as source:
        if len(source.entries) >= MOST_NAMES:
            raise DataError(f"{path}: holds {MOST_NAMES} datasets or more, too many to convert")
        attributes = {"/": _attributes(source.file, str(path))}
        for entry in source.entries:
            try:
                dataset = source.dataset(entry.name)
            except DataError as error:
                notes.append(f"left out: {str(error).removeprefix(f'{path}: ')}")
                continue
            dtype = np.dtype(object) if is_text(dataset) else dataset.dtype
            layout = Layout(dataset.shape, dtype, dtype)
            if not choices.rechunk and (meant := source.layout(entry.name)) != layout:
                layout = meant
                notes.append(f"'{one_line(entry.name)}' goes as it is meant: {meant}")
            layouts[entry.name] = layout
            about = _attributes(dataset, str(path))
            fields.append(Field(entry.name, layout.shape, layout.dtype, about))
            for group in map(str, PurePosixPath(entry.name).parents[:-1]):
                if group not in attributes:
                    attributes[group] = _attributes(source.file[group], str(path))
    if not fields:
        raise DataError(f"{path}: " + (notes[0] if notes else "holds no dataset"))

    def blocks(wanted: Collection[str]) -> Iterator[Block]:
        with open_hdf5(path) as source:
            for field in fields:
                if field.name in wanted:
                    meter.expect(field.nbytes)
                    for values in _values(source, field, layouts[field.name]):
                        meter.moved(values.nbytes)
                        yield {field.name: values}

    return Stream(tuple(fields), blocks, tuple(notes), attributes)


def _values(source: Source, field: Field, layout: Layout) -> Iterator[Any]:
    dataset = source.dataset(field.name)
    values = dataset.asstr() if is_text(dataset) else dataset
    axis = layout.axis(last=False)
    for i in field.slices(_stretch(dataset, axis, field.row)) if field.shape else [()]:
        try:
            block = layout.values(np.asarray(values[(..., i) if axis else i]))
        except DeepnetError:
            raise
        except UnicodeDecodeError:
            raise DataError(f"{source.path}: '{field.name}' holds text that is not UTF-8") from None
        except HDF5_ERRORS:
            raise DataError(
                f"{source.path}: '{field.name}' is damaged: its values cannot be read; "
                "copy the file again"
            ) from None
        yield block if field.shape else block.reshape(1)


def _stretch(dataset: Any, axis: int, row: int) -> int:
    """Bytes at a time: whole chunks, but of text, which takes many times its references."""
    if dataset.chunks is None or is_text(dataset):
        return BYTES
    chunk = int(dataset.chunks[axis]) * row
    return min(chunk * ceil(SLAB / chunk), max(MOST, row))


def _attributes(node: Any, path: str) -> dict[str, object]:
    """What is said of a dataset or file, but for references to others."""
    found: dict[str, object] = {}
    with translated(path):
        for name in node.attrs:
            try:
                value = node.attrs[name]
            except HDF5_ERRORS:  # of a type that h5py does not know
                continue
            if isinstance(value, h5py.Empty | h5py.Reference):
                continue
            if isinstance(value, np.ndarray) and value.dtype.kind == "O":
                if value.ndim != 1 or not all(isinstance(item, str) for item in value):
                    continue
                value = tuple(value)
            found[name] = value
    return found
