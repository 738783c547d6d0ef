"""NPZ and NPY out, block by block."""

import zipfile
from typing import IO, BinaryIO

import numpy as np
from numpy.lib import format as npy

from deepnet_cli.data.convert.stream import Field, Stream

COMPRESSIONS = {"none": zipfile.ZIP_STORED, "gzip": zipfile.ZIP_DEFLATED}


def write_npz(file: BinaryIO, stream: Stream, compression: str) -> None:
    """All fields, each a member; they are read one after the other."""
    with zipfile.ZipFile(file, "w", COMPRESSIONS[compression], compresslevel=4) as archive:
        for field in stream.fields:
            with archive.open(f"{field.name}.npy", "w", force_zip64=True) as member:
                _write(member, field, stream)


def write_npy(file: BinaryIO, stream: Stream, _: str) -> None:
    """The one field of a stream."""
    (field,) = stream.fields
    _write(file, field, stream)


def _write(file: IO[bytes], field: Field, stream: Stream) -> None:
    dtype = np.dtype(field.dtype.str)  # without what HDF5 says beside it
    if dtype.kind == "O":
        texts = (block[field.name] for block in stream.blocks([field.name]) if field.name in block)
        widest = max((len(str(text)) for block in texts for text in block.flat), default=1)
        dtype = np.dtype(f"U{max(1, widest)}")
    descr = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": field.shape}
    npy.write_array_header_1_0(file, descr)
    for block in stream.blocks([field.name]):
        if field.name in block:
            file.write(np.ascontiguousarray(block[field.name], dtype).tobytes())
