"""HDF5 in: its datasets under their own names, with their attributes.

To be laid out anew, values go as they are stored, and the attributes beside them say how they are
meant; to other formats they go as they are meant.
"""

from collections.abc import Collection, Iterator
from math import ceil
from pathlib import Path, PurePosixPath
from typing import Any

import h5py

from deepnet_cli.data.convert.stream import BYTES, Block, Choices, Field, Meter, Stream
from deepnet_cli.data.files.dataset import Dataset
from deepnet_cli.data.files.hdf5 import Source, open_hdf5
from deepnet_cli.data.files.layout import Layout
from deepnet_cli.data.files.survey import MOST_NAMES
from deepnet_cli.errors import DataError, one_line

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
        attributes = {"/": source.attributes()}
        for entry in source.entries:
            try:
                dataset = source.dataset(entry.name)
            except DataError as error:
                notes.append(f"left out: {str(error).removeprefix(f'{path}: ')}")
                continue
            layout = Layout(dataset.shape, dataset.dtype, dataset.dtype)
            if not choices.rechunk and (meant := source.layout(entry.name)) != layout:
                layout = meant
                notes.append(f"'{one_line(entry.name)}' goes as it is meant: {meant}")
            layouts[entry.name] = layout
            about = dataset.attributes()
            dtype = layout.dtype
            if dataset.values and dtype == dataset.dtype:
                dtype = h5py.enum_dtype(dataset.values, dtype)
            fields.append(Field(entry.name, layout.shape, dtype, about))
            for group in map(str, PurePosixPath(entry.name).parents[:-1]):
                if group not in attributes:
                    attributes[group] = source.attributes(group)
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
    if not field.shape:
        yield layout.values(source.read(field.name)).reshape(1)
        return
    axis = layout.axis(last=False)
    for i in field.slices(_stretch(dataset, axis, field.row)):
        yield layout.values(dataset.read(i.start, i.stop, axis))


def _stretch(dataset: Dataset, axis: int, row: int) -> int:
    """Bytes at a time: whole chunks, but of text, which takes many times its references."""
    if dataset.chunks is None or dataset.is_text:
        return BYTES
    chunk = int(dataset.chunks[axis]) * row
    return min(chunk * ceil(SLAB / chunk), max(MOST, row))
