"""What is looked at before HDF5 values are read, and how a refusal is told."""

import errno
import os
import re
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import h5py

from deepnet_cli.errors import DataError, DeepnetError, MachineError
from deepnet_cli.files import cannot

DAMAGED = "damaged HDF5 file; copy or make it again"
SIGNATURE = b"\x89HDF\r\n\x1a\n"
ALLOWED_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
LARGEST_CHUNK = 256 * 2**20
"""Bytes; HDF5 reads and unpacks a whole chunk to serve one value of it."""


def is_text(dataset: Any) -> bool:
    return h5py.check_string_dtype(dataset.dtype) is not None


def dtype_of(dataset: Any) -> Any:
    """The NumPy type of a dataset's values, or None where there is none such."""
    try:
        return dataset.dtype
    except (TypeError, ValueError):
        return None


class NotHdf5Error(DataError):
    """A data file of another format."""


def check_signature(path: Path, size: int) -> None:
    """Raise NotHdf5Error for what is no HDF5 file, with the command that makes one of it."""
    if size == 0:
        raise DataError(f"{path}: empty file (0 bytes)")
    start, signed = signature(path, size)
    if signed:
        return
    from deepnet_cli.data.convert.formats import command

    typed = command(path)
    hint = f"; make one: {typed}" if typed else ""
    raise NotHdf5Error(f"{path}: not an HDF5 file (it looks like {looks_like(start)}){hint}")


def signature(path: Path, size: int) -> tuple[bytes, bool]:
    """The first bytes of a file, and whether HDF5's signature stands at byte 0, 512, 1024, ..."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
            place = 0
            while start and place < size:
                file.seek(place)
                if file.read(8) == SIGNATURE:
                    return start, True
                place = max(512, 2 * place)
    except OSError as error:
        raise cannot("read", path, error) from error
    return start, False


def looks_like(start: bytes) -> str:
    """What the first bytes of a file say it is."""
    if not start:
        return "an empty file, 0 bytes"
    kinds = {
        SIGNATURE: "an HDF5 file",
        b"\x93NUMPY": "a NumPy array",
        b"PK": "a zip archive or .npz",
        b"\x80": "a pickle",
        b"\x89PNG": "a picture",
        b"\x1f\x8b": "a gzip file",
        b"CDF": "a NetCDF 3 file",
        b"PAR1": "a Parquet file",
        b"ARROW1": "an Arrow file",
        b"MATLAB 5.0": "a MATLAB file older than v7.3",
    }
    for magic, kind in kinds.items():
        if start.startswith(magic):
            return kind
    return "text" if not set(start) - set(range(8, 14)) - set(range(32, 256)) else "something else"


def unreadable(path: str, error: BaseException, size: int) -> DeepnetError:
    """Why a file could not be opened."""
    text = str(error)
    if stored := re.search(r"stored_eof = (\d+)", text):
        return DataError(f"{path}: truncated: {size} of {stored[1]} bytes; copy it again")
    if "already open for write" in text:
        return DataError(
            f"{path}: was not closed properly by its writer; run 'h5clear -s' or make it again"
        )
    return misread(path, error, DataError(f"{path}: {DAMAGED}"))


def misread(path: str, error: BaseException, damage: DataError) -> DeepnetError:
    """The damage, or the disk's failure to read the file: HDF5 raises the same over both."""
    if f"errno = {errno.EIO}," in str(error):
        return MachineError(f"{path}: cannot read: {os.strerror(errno.EIO).lower()}")
    return damage


def check_storage(path: str, name: str, dataset: Any) -> None:
    """The values stand in this file, all of them, behind filters that are safe to run."""
    where = f"{path}: '{name}'"
    if dataset.is_virtual:
        raise DataError(f"{where} is a virtual dataset; make a plain copy with h5repack")
    properties = dataset.id.get_create_plist()
    if properties.get_external_count():
        raise DataError(f"{where} keeps its values in another file; copy them into this one")
    for i in range(properties.get_nfilters()):
        code = properties.get_filter(i)[0]
        if code not in ALLOWED_FILTERS:
            raise DataError(
                f"{where} needs HDF5 filter {code}, which is not allowed; repack it with gzip"
            )
    declared = prod(dataset.shape) * stored_size(dataset)
    stored = dataset.id.get_storage_size()
    if dataset.chunks is not None:
        chunk = prod(dataset.chunks) * stored_size(dataset)
        if chunk > LARGEST_CHUNK:
            raise DataError(f"{where} has chunks of {chunk} bytes; repack it with smaller ones")
        wanted = prod(-(-n // c) for n, c in zip(dataset.shape, dataset.chunks, strict=True))
        written = dataset.id.get_num_chunks()
        if written < wanted:
            raise DataError(f"{where}: only {written} of its {wanted} chunks were written")
        if not _chunks_are_sound(dataset):
            raise DataError(f"{where}: damaged chunk table; copy or make the file again")
    elif stored < declared:
        raise DataError(f"{where} declares {declared} bytes but stores {stored}")


def stored_size(dataset: Any) -> int:
    """Bytes that a value takes in the file; one of text of any length stands in a heap, and here
    are its length, where that heap is, and which of its values it is.
    """
    kind = dataset.id.get_type()
    if isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str():
        address, _ = dataset.file.id.get_create_plist().get_sizes()
        return 4 + int(address) + 4
    return int(kind.get_size())


def _chunks_are_sound(dataset: Any) -> bool:
    """Every chunk has a size that its filters leave, and lies in the file by itself.

    HDF5 2.0 crashes on a chunk that the table says is empty.
    """
    end = dataset.file.id.get_filesize()
    filtered = dataset.id.get_create_plist().get_nfilters() > 0
    least = 5 if dataset.fletcher32 else 1
    whole = prod(dataset.chunks) * stored_size(dataset)
    places: list[tuple[int, int]] = []

    def see(chunk: Any) -> None:
        places.append((chunk.byte_offset or 0, chunk.size))

    dataset.id.chunk_iter(see)
    places.sort()
    apart = all(a + size <= b for (a, size), (b, _) in pairwise(places))
    sizes = all(least <= size and (filtered or size == whole) for _, size in places)
    return apart and sizes and all(at > 0 and at + size <= end for at, size in places)


def type_problem(dataset: Any) -> str:
    """Why values of its type are not read; nothing where they are."""
    if (dtype := dtype_of(dataset)) is None:
        return "values of its type are not supported"
    if dataset.shape is None:
        return "empty (a null dataspace)"
    if is_text(dataset):
        return ""
    if dtype.kind == "c":
        return "complex numbers are not supported"
    if dtype.kind not in "biuf" or dtype.subdtype is not None:
        return f"values of type {dtype} are not supported; deepnet needs numbers"
    return f"{8 * dtype.itemsize}-bit floats are not supported" if dtype.itemsize > 8 else ""
