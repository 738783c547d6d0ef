"""IDX in, the format of MNIST (http://yann.lecun.com/exdb/mnist/): images and labels.

    0 0 type rank, then rank sizes of 4 bytes, the most significant first, then the values

Each array is a file of its own: with one axis it is y, else x.  Names with "train", "t10k" or
"test" in them make parts: x_train, y_train, x_test, y_test.
"""

from collections.abc import Collection, Iterator
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from deepnet_cli.data.convert.opening import is_packed, opened
from deepnet_cli.data.convert.stream import Block, Choices, Field, Meter, Stream
from deepnet_cli.errors import DataError

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MOST_AXES = 32
MOST_UNPACKED = 1100
"""Gzip makes at most so many bytes of one."""

PARTS = {"train": "train", "t10k": "test", "test": "test", "valid": "validation"}


def read_idx(paths: list[Path], _: Choices, meter: Meter) -> Stream:
    """x and y of some files.  Raises DataError."""
    parts = [next((part for word, part in PARTS.items() if word in p.name), "") for p in paths]
    several = len(set(parts)) > 1
    files: dict[str, tuple[Path, Field, np.dtype[np.generic]]] = {}
    for path, part in zip(paths, parts, strict=True):
        with opened(path, Meter()) as file:
            shape, dtype = _header(path, file)
            unpacked = MOST_UNPACKED if is_packed(path) else 1
            if prod(shape) * dtype.itemsize > unpacked * path.stat().st_size:
                raise DataError(f"{path}: truncated; copy it again")
        name = ("y" if len(shape) == 1 else "x") + (f"_{part}" if several and part else "")
        if name in files:
            raise DataError(f"{path}: is {name}, as {files[name][0]} is; convert them one by one")
        files[name] = path, Field(name, shape, dtype.newbyteorder("=")), dtype
        meter.expect(path.stat().st_size)
    some_x = any(name.startswith("x") for name in files)
    for name, (path, field, _dtype) in files.items():
        other = files.get(name.replace("y", "x", 1)) if name.startswith("y") else None
        if some_x and other is None and name.startswith("y"):
            raise DataError(
                f"{path}: is {name}, without the images of these labels; name those too"
            )
        if other is not None and other[1].shape[0] != field.shape[0]:
            raise DataError(
                f"{path}: holds {field.shape[0]:,} labels but {other[0]} {other[1].shape[0]:,} "
                "examples"
            )

    def blocks(wanted: Collection[str]) -> Iterator[Block]:
        for name, (path, field, dtype) in files.items():
            if name not in wanted:
                continue
            with opened(path, meter) as file:
                _header(path, file)
                for i in field.slices():
                    count = len(range(*i.indices(field.shape[0])))
                    size = count * prod(field.shape[1:]) * dtype.itemsize
                    values = file.read(size)
                    if len(values) < size:
                        raise DataError(f"{path}: truncated; copy it again")
                    array = np.frombuffer(values, dtype).reshape(count, *field.shape[1:])
                    yield {name: array.astype(field.dtype, copy=False)}

    return Stream(tuple(field for _, field, _ in files.values()), blocks)


def _header(path: Path, file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """Shape and type.  Raises DataError."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not magic[3]:
        raise DataError(f"{path}: not an IDX file; it should begin with 0 0 and a type")
    if magic[3] > MOST_AXES:
        raise DataError(f"{path}: says that it has {magic[3]} axes, more than {MOST_AXES}")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DataError(f"{path}: truncated; copy it again")
    return tuple(np.frombuffer(sizes, ">u4").tolist()), np.dtype(TYPES[magic[2]])
