"""How the values of a dataset lie in their file: in chunks, packed, in how many bytes."""

from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import Any

import h5py
import numpy as np

from deepnet_cli.data.files.conventions import attribute
from deepnet_cli.data.files.guards import ALLOWED_FILTERS
from deepnet_cli.data.files.hdf5 import HDF5_ERRORS, Source
from deepnet_cli.data.files.survey import Entry

SMALL = 2**12
LARGE = 2**24
"""Bytes of a chunk: in smaller ones each costs more than what is in it, and a larger one is read
whole for a single example.
"""

MOST_ATTRIBUTES = 50

WORTH = 2**26
"""Bytes of a dataset from which on the difference is felt."""


@dataclass(frozen=True)
class Storage:
    """`chunks` is the shape of one, None where values lie in a row; sizes are in bytes."""

    chunks: tuple[int, ...] | None
    filters: tuple[str, ...]  # gzip, shuffle, ...
    declared: int  # of all values in memory
    stored: int  # in the file

    @property
    def ratio(self) -> float | None:
        """How many times larger the values are than what is stored of them; None of plain ones."""
        return self.declared / self.stored if self.filters and self.stored else None


def storage_of(source: Source, entry: Entry) -> Storage | None:
    """How a dataset lies in the file; None for what is none, or cannot be looked at."""
    try:
        if not isinstance(source.file.get(entry.name, getlink=True), h5py.HardLink):
            return None
        dataset: Any = source.file[entry.name]
        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
            return None
        properties = dataset.id.get_create_plist()
        codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
        filters = tuple(ALLOWED_FILTERS.get(code, f"filter {code}") for code in codes)
        declared = prod(dataset.shape) * dataset.id.get_type().get_size()
        return Storage(dataset.chunks, filters, declared, int(dataset.id.get_storage_size()))
    except HDF5_ERRORS:
        return None


def attributes_of(source: Source) -> dict[str, str]:
    """What the file says of itself: its attributes that are one text or number."""
    try:
        names = [
            name for name in islice(source.file.attrs, MOST_ATTRIBUTES) if isinstance(name, str)
        ]
    except HDF5_ERRORS:
        return {}
    values = {name: attribute(source.file, name) for name in names}
    return {k: str(v) for k, v in values.items() if isinstance(v, str | np.number | np.bool_)}


def unwieldy(storage: Storage, shape: tuple[int, ...]) -> str:
    """Why examples, along the first axis of a shape, are read slowly; empty where they are not."""
    if storage.chunks is None or storage.declared < WORTH:
        return ""
    values = prod(storage.chunks)
    size = values * storage.declared // max(1, prod(shape))
    if size < SMALL:
        return f"its chunks are small ({size} bytes each)"
    if storage.chunks[0] > 1 and size > LARGE:
        return f"its chunks are large ({size / 2**20:,.0f} MiB each)"
    if 4 * prod(storage.chunks[1:]) <= prod(shape[1:]) and storage.chunks[0] > 4096:
        return f"a chunk holds a few features of {storage.chunks[0]:,} examples"
    return ""
