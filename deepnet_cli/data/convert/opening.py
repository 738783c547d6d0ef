"""Opening files of bytes, packed by gzip or not."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from deepnet_cli.data.convert.stream import Meter
from deepnet_cli.errors import DataError
from deepnet_cli.files import open_file

GZIP = b"\x1f\x8b"


def is_packed(path: Path) -> bool:
    """Whether a file is gzip's."""
    with open_file(path, lambda _: None) as raw:
        return raw.peek(2).startswith(GZIP)


@contextmanager
def opened(path: Path, meter: Meter) -> Iterator[BinaryIO]:
    """A file to be read from its beginning, unpacked where it is gzip's.  Raises DataError."""
    with open_file(path, meter.moved) as raw:
        if not raw.peek(2).startswith(GZIP):
            yield raw
            return
        try:
            with gzip.GzipFile(fileobj=raw) as file:
                yield cast(BinaryIO, file)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise DataError(f"{path}: damaged gzip file; copy it again") from None
