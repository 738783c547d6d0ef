"""The memory that chunks take: what is kept of them unpacked, in case that more is asked for."""

from math import prod
from typing import Any

import h5py
import numpy as np

UNPACKED = 2**25
"""Bytes of a dataset's chunks that are kept."""


def with_room(dataset: Any) -> Any:
    """An h5py dataset; one with a larger chunk is opened anew, with room for it: what does not fit
    is unpacked for each block of it.
    """
    size = prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if dataset.chunks is None or size <= UNPACKED:
        return dataset
    file, name = dataset.file.id, dataset.name.encode()
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    slots, _, preemption = access.get_chunk_cache()
    access.set_chunk_cache(slots, size, preemption)
    dataset.id.close()  # while it is open its cache stays as it is
    return h5py.Dataset(h5py.h5d.open(file, name, access))


def room_to_unpack(dataset: Any) -> bool:
    """Whether there is memory for a chunk, packed and not: HDF5 does not say what it lacked."""
    try:
        np.empty(2 * prod(dataset.chunks or ()) * dataset.dtype.itemsize, np.uint8)
    except MemoryError:
        return False
    return True
