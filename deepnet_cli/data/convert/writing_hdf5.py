"""HDF5 out: each field a dataset, laid out so that stretches of examples are read fast.

Uncompressed values stand one after the other, as they are read; compressed ones in chunks of
whole examples, about 1 MiB each.  HDF5 crashes where a disk is full: it writes into a file
object of ours, which remembers the first error and lets HDF5 close in peace.
"""

from collections.abc import Mapping
from io import RawIOBase
from typing import Any, BinaryIO

import h5py
import numpy as np

from deepnet_cli.data.convert.stream import BYTES, Field, Stream

COMPRESSIONS: dict[str, dict[str, object]] = {
    "none": {},
    "lzf": {"compression": "lzf", "shuffle": True},
    "gzip": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
}
FORMAT = ("v108", "v108")
"""Of HDF5 1.8: an attribute of it may be larger than 64 KiB."""


class Sink(RawIOBase):
    """A file that takes everything, and after an error nothing."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.error: BaseException | None = None

    def check(self) -> None:
        """Raise what went wrong so far."""
        if self.error is not None:
            raise self.error

    def write(self, content: Any, /) -> int:
        try:
            if self.error is None:
                self.file.write(content)
        except BaseException as error:
            self.error = error
        return len(content)

    def truncate(self, size: int | None = None, /) -> int:
        try:
            if self.error is None:
                self.file.truncate(size)
        except BaseException as error:
            self.error = error
        return size or 0

    def readinto(self, buffer: Any, /) -> int:
        return self.file.readinto(buffer)  # type: ignore[attr-defined, no-any-return]

    def seek(self, place: int, whence: int = 0, /) -> int:
        return self.file.seek(place, whence)

    def tell(self) -> int:
        return self.file.tell()

    def flush(self) -> None:
        try:
            if self.error is None:
                self.file.flush()
        except BaseException as error:
            self.error = error


def write_hdf5(file: BinaryIO, stream: Stream, compression: str) -> None:
    """All of a stream into an empty file."""
    sink = Sink(file)
    try:
        with h5py.File(sink, "w", libver=FORMAT) as out:
            _set(out.attrs, stream.attributes)
            datasets = {field.name: _dataset(out, field, compression) for field in stream.fields}
            filled = dict.fromkeys(datasets, 0)
            for block in stream.values():
                for name, values in block.items():
                    start, filled[name] = filled[name], filled[name] + len(values)
                    if not datasets[name].shape:
                        datasets[name][()] = values[0]
                    elif values.size:
                        datasets[name][start : filled[name]] = values
                sink.check()
    finally:
        sink.check()


def _dataset(out: Any, field: Field, compression: str) -> Any:
    dtype: Any = h5py.string_dtype() if field.dtype.kind == "O" else field.dtype
    layout: dict[str, object] = {}
    if field.shape and 0 not in field.shape and field.dtype.kind != "O":
        layout = COMPRESSIONS[compression]
        if layout:
            rows = min(max(1, BYTES // field.row), field.shape[0])
            layout = {**layout, "chunks": (rows, *field.shape[1:])}
    dataset = out.create_dataset(field.name, field.shape, dtype, track_times=False, **layout)
    _set(dataset.attrs, field.attributes)
    return dataset


def _set(attributes: Any, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        text = isinstance(value, tuple) and all(isinstance(item, str) for item in value)
        attributes[name] = np.array(value, h5py.string_dtype()) if text else value
