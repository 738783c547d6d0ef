"""HDF5 out: each field a dataset, laid out so that stretches of examples are read fast.

Uncompressed values stand one after the other, as they are read; compressed ones in chunks of
whole examples, about 1 MiB each.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, BinaryIO

import h5py
import numpy as np

from deepnet_cli.data.convert.stream import BYTES, Field, Stream
from deepnet_cli.data.files.hdf5 import hdf5_in
from deepnet_cli.errors import DataError, one_line

COMPRESSIONS: dict[str, dict[str, object]] = {
    "none": {},
    "lzf": {"compression": "lzf", "shuffle": True},
    "gzip": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
}


LONGEST = 2**16 - 100
"""Bytes of the name of an attribute."""


def write_hdf5(file: BinaryIO, stream: Stream, compression: str) -> None:
    """All of a stream into an empty file."""
    with hdf5_in(file) as out:
        datasets = {field.name: _dataset(out, field, compression) for field in stream.fields}
        for group, attributes in stream.attributes.items():
            if group in out:
                _set(out[group].attrs, attributes)
        filled = dict.fromkeys(datasets, 0)
        for block in stream.values():
            for name, values in block.items():
                if values.dtype.kind == "O":
                    _check_texts(name, map(str, values.flat))
                start, filled[name] = filled[name], filled[name] + len(values)
                if not datasets[name].shape:
                    datasets[name][()] = values[0]
                elif values.size:
                    datasets[name][start : filled[name]] = values


def _dataset(out: Any, field: Field, compression: str) -> Any:
    dtype: Any = h5py.string_dtype() if field.dtype.kind == "O" else field.dtype
    layout: dict[str, object] = {}
    if field.shape and 0 not in field.shape and field.dtype.kind != "O":
        layout = COMPRESSIONS[compression]
        if layout:
            rows = min(max(1, BYTES // field.row), field.shape[0])
            layout = {**layout, "chunks": (rows, *field.shape[1:])}
    try:
        dataset = out.create_dataset(field.name, field.shape, dtype, **layout)
    except (ValueError, RuntimeError, OSError, KeyError, TypeError):
        raise DataError(
            f"'{one_line(field.name)}' cannot be a dataset beside the others; take some with --only"
        ) from None
    _set(dataset.attrs, field.attributes)
    return dataset


def _check_texts(name: str, texts: Iterable[str]) -> None:
    if any("\0" in text for text in texts):
        raise DataError(
            f"'{one_line(name)}' holds a text with a null byte, which HDF5 cannot keep; correct it"
        )


def _set(attributes: Any, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        text = isinstance(value, tuple) and all(isinstance(item, str) for item in value)
        _check_texts(name, [name, *value] if isinstance(value, tuple) and text else [name])
        if len(name.encode()) > LONGEST:
            raise DataError(f"'{name[:40]}...' is too long a name for HDF5; shorten it")
        with suppress(TypeError):  # of a type that h5py reads but cannot write
            attributes[name] = np.array(value, h5py.string_dtype()) if text else value
