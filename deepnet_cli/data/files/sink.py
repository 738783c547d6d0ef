"""A file that HDF5 writes into, which lets HDF5 close.

Where a write fails, HDF5 keeps what it could not write, and crashes as the process ends.  So a
write that fails does so as ever while the file is filled; while it is closed, all seems well, and
the error is kept for who asks.
"""

from typing import Any, BinaryIO


class Sink:
    """Takes nothing after an error.  It has what h5py asks of a file."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        self.readinto = file.readinto  # type: ignore[attr-defined]
        self.error: BaseException | None = None
        self.closing = False

    def check(self) -> None:
        """Raise what went wrong so far."""
        if self.error is not None:
            raise self.error

    def write(self, content: Any) -> int:
        self._try(self.file.write, content)
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        self._try(self.file.truncate, size)
        return size or 0

    def flush(self) -> None:
        self._try(self.file.flush)

    def _try(self, operation: Any, *arguments: Any) -> None:
        if self.error is None:
            try:
                operation(*arguments)
                return
            except BaseException as error:
                self.error = error
        if not self.closing:
            raise self.error
