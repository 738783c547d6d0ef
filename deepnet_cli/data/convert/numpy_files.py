"""NPY and NPZ in: arrays of numbers or text, row by row; nothing is ever unpickled."""

import tokenize
import zipfile
import zlib
from collections.abc import Collection, Iterator
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

from deepnet_cli.data.convert.stream import BYTES, Block, Choices, Field, Meter, Stream
from deepnet_cli.errors import DataError, MachineError, one_line
from deepnet_cli.files import open_file
from deepnet_cli.memory import available_memory, told
from deepnet_cli.nn.types import Array

HEADER_ERRORS = (ValueError, TypeError, SyntaxError, tokenize.TokenError, EOFError, RecursionError)
ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    UnicodeDecodeError,  # of the name of a member
)


class Header(NamedTuple):
    """What the head of an array says."""

    shape: tuple[int, ...]
    by_columns: bool
    dtype: np.dtype[Any]


def read_npy(paths: list[Path], _: Choices, meter: Meter) -> Stream:
    """The array of a file, as x.  Raises DataError."""
    (path,) = paths
    with open_file(path, meter.moved) as file:
        header = _header(file, str(path))
        _check_size(header, path.stat().st_size - file.tell(), str(path))
    if reason := _unfit(header):
        raise DataError(f"{path}: holds {reason}; deepnet needs an array of numbers")
    field = _field("x", header)
    meter.expect(path.stat().st_size)

    def blocks(_: Collection[str]) -> Iterator[Block]:
        with open_file(path, meter.moved) as file:
            _header(file, str(path))
            for values in _values(file, header, field, str(path)):
                yield {"x": values}

    return Stream((field,), blocks)


def read_npz(paths: list[Path], _: Choices, meter: Meter) -> Stream:
    """The arrays of an archive under their own names.  Raises DataError."""
    (path,) = paths
    headers: dict[str, Header] = {}
    notes = []
    with open_file(path, lambda _: None) as file, _archive(path, file) as archive:
        for member in archive.infolist():
            name, where = member.filename.removesuffix(".npy"), _where(path, member.filename)
            if name in headers:
                raise DataError(f"{where} is in the archive twice; make it again")
            if not member.filename.endswith(".npy"):
                notes.append(f"left out: '{member.filename}', which is no array")
                continue
            with _opened(archive, member.filename, where) as data:
                header = _header(data, where)
                _check_size(header, member.file_size - data.tell(), where)
            if reason := _unfit(header):
                notes.append(f"left out: '{name}', which holds {reason}")
            else:
                headers[name] = header
    if not headers:
        raise DataError(f"{path}: no array of numbers in it")
    fields = tuple(_field(name, header) for name, header in headers.items())
    meter.expect(path.stat().st_size)

    def blocks(wanted: Collection[str]) -> Iterator[Block]:
        with open_file(path, meter.moved) as file, _archive(path, file) as archive:
            for field in fields:
                if field.name not in wanted:
                    continue
                where = _where(path, field.name)
                with _opened(archive, f"{field.name}.npy", where) as data:
                    header = _header(data, where)
                    for values in _values(data, header, field, where):
                        yield {field.name: values}

    return Stream(fields, blocks, tuple(notes))


def _archive(path: Path, file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except ZIP_ERRORS:
        raise DataError(f"{path}: damaged zip archive; copy or make it again") from None


def _opened(archive: zipfile.ZipFile, member: str, where: str) -> IO[bytes]:
    try:
        return archive.open(member)
    except ZIP_ERRORS:
        raise DataError(f"{where} is damaged or locked; copy or make it again") from None


def _where(path: Path, member: str) -> str:
    return f"{path}: '{one_line(member.removesuffix('.npy'))}'"


def _header(file: IO[bytes], where: str) -> Header:
    """The head of an array, after which its values stand.  Raises DataError."""
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        header = Header(*read(file, max_header_size=10_000))
    except (*HEADER_ERRORS, *ZIP_ERRORS):
        raise DataError(f"{where}: damaged NumPy array; copy or make it again") from None
    if any(n < 0 for n in header.shape):
        raise DataError(f"{where}: damaged NumPy array; copy or make it again")
    return header


def _check_size(header: Header, stored: int, where: str) -> None:
    if header.dtype.kind == "O":
        return
    declared = prod(header.shape) * header.dtype.itemsize
    if declared > stored:
        raise DataError(f"{where} declares {declared} bytes but stores {stored}; copy it again")


def _unfit(header: Header) -> str:
    """Why an array is of no use, or nothing."""
    if header.dtype.kind == "O":
        return "Python objects, which only a pickle can hold"
    if header.dtype.kind in "biuSU" or (header.dtype.kind == "f" and header.dtype.itemsize <= 8):
        return ""
    return f"values of type {header.dtype}"


def _field(name: str, header: Header) -> Field:
    dtype = np.dtype(object) if header.dtype.kind in "SU" else header.dtype.newbyteorder("=")
    return Field(name, header.shape, dtype)


def _values(file: IO[bytes], header: Header, field: Field, where: str) -> Iterator[Array]:
    """The values that follow a head, in blocks of examples."""
    size = prod(header.shape) * header.dtype.itemsize
    if not field.shape or (header.by_columns and len(field.shape) > 1):
        if size > available_memory() // 2:
            raise MachineError(
                f"{where} is stored column by column: reading it takes {told(2 * size)} of memory"
            )
        whole = np.frombuffer(_read(file, size, where), header.dtype)
        whole = whole.reshape(field.shape[::-1]).T if field.shape else whole.reshape(1)
        for i in field.slices() if field.shape else [slice(None)]:
            yield _plain(whole[i])
        return
    row = prod(field.shape[1:]) * header.dtype.itemsize
    for i in field.slices():
        count = len(range(*i.indices(field.shape[0])))
        values = np.frombuffer(_read(file, count * row, where), header.dtype)
        yield _plain(values.reshape(count, *field.shape[1:]))


def _plain(values: Array) -> Array:
    """In this machine's byte order; text as Python's."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace").astype(object)
    if values.dtype.kind == "U":
        return values.astype(object)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _read(file: IO[bytes], size: int, where: str) -> bytes:
    """That many bytes.  Raises DataError."""
    parts, left = [], size
    try:
        while left and (part := file.read(min(left, BYTES))):
            parts.append(part)
            left -= len(part)
    except ZIP_ERRORS:
        raise DataError(f"{where} is damaged; copy or make the file again") from None
    if left:
        raise DataError(f"{where}: truncated; copy or make the file again")
    return b"".join(parts)
