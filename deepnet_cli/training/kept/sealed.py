"""A sealed HDF5 file: its digest stands in front, and is checked before HDF5 sees a byte.

The first 512 bytes are HDF5's user block, which `head -c 512` shows as text:

    deepnet model
    format 1
    sha256 <of every byte after the first 512>

padded with spaces and a newline.  The attribute `deepnet` is the version that wrote it.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from deepnet_cli import __version__
from deepnet_cli.data.files.guards import looks_like
from deepnet_cli.data.files.hdf5 import Source, hdf5_bytes, open_hdf5_bytes
from deepnet_cli.errors import DataError
from deepnet_cli.files import cannot, check_readable, read_file

USER_BLOCK = 512
VERSION = "deepnet"
FORMAT = 1
KINDS = {b"model", b"checkpoint"}
_HEADER = re.compile(rb"deepnet (\w+)\nformat (\d+)\nsha256 ([0-9a-f]{64})\n *\n")


def sealed(kind: str, fill: Callable[[Any], None]) -> bytes:
    """The bytes of a sealed file of a kind ("model", "checkpoint"), filled by `fill`."""

    def signed(file: Any) -> None:
        file.attrs[VERSION] = __version__
        fill(file)

    body = memoryview(hdf5_bytes(signed, user_block=USER_BLOCK))[USER_BLOCK:]
    header = f"deepnet {kind}\nformat {FORMAT}\nsha256 {hashlib.sha256(body).hexdigest()}\n"
    return header.encode().ljust(USER_BLOCK - 1) + b"\n" + body


def kind_of(path: Path) -> str | None:
    """What kind of sealed file the first bytes say that it is, of a damaged one "model"; None of
    any other file.
    """
    check_readable(path)
    try:
        with path.open("rb") as file:
            start = file.read(USER_BLOCK)
    except OSError as error:
        raise cannot("read", path, error) from error
    if not start.startswith(b"deepnet "):
        return None
    header = _HEADER.fullmatch(start)
    return header[1].decode() if header is not None and header[1] in KINDS else "model"


@contextmanager
def open_sealed(path: Path, kind: str) -> Iterator[Source]:
    """Open a sealed file whose digest verifies.  Raises DataError."""
    with unsealed(read_file(path), path, kind) as source:
        yield source


@contextmanager
def unsealed(content: bytes, path: Path, kind: str) -> Iterator[Source]:
    """The same for the bytes of a file that messages call `path`."""
    check_seal(content, path, kind)
    with open_hdf5_bytes(content, str(path)) as source:
        yield source


def check_seal(content: bytes, path: Path, kind: str) -> None:
    """Raise DataError where these are not the bytes of a sealed file of the kind, or one is not as
    it was written.
    """
    header = _HEADER.fullmatch(content[:USER_BLOCK])
    if header is not None and header[1] in KINDS - {kind.encode()}:
        raise DataError(f"{path}: not a deepnet {kind}, but a deepnet {header[1].decode()}")
    if header is None or header[1] != kind.encode():
        raise DataError(f"{path}: not a deepnet {kind} (it looks like {_guess(content)})")
    if hashlib.sha256(memoryview(content)[USER_BLOCK:]).hexdigest().encode() != header[3]:
        raise DataError(f"{path}: damaged: its sha256 does not match; use another copy")
    if not 1 <= int(header[2]) <= FORMAT:
        raise _of_another_format(content, path, int(header[2]))


def _of_another_format(content: bytes, path: Path, number: int) -> DataError:
    """Why a file whose digest is right cannot be read: by whom it was written."""
    writer = "a newer deepnet"
    with suppress(DataError), open_hdf5_bytes(content, str(path)) as source:
        writer = f"deepnet {source.text(VERSION)}"
    if number < 1 or writer == f"deepnet {__version__}":
        return DataError(f"{path}: damaged: there is no format {number}; use another copy")
    return DataError(
        f"{path}: written by {writer} (format {number}); this is deepnet {__version__} "
        f"(formats up to {FORMAT}); read it with the one that wrote it"
    )


def _guess(content: bytes) -> str:
    if content.startswith(b"deepnet "):
        return "a damaged one"
    return looks_like(content[:USER_BLOCK])
