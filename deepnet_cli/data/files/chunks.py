"""What is kept of chunks as they were unpacked, in case that more of them is asked for."""

from math import prod
from typing import Any

import h5py

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
