"""A file that HDF5 writes into, which is never full.

Where a write fails, HDF5 keeps what it could not write, and crashes as the process ends.  So it is
told that all went well, and the first error is kept for who asked.
"""

from typing import Any, BinaryIO


class Sink:
    """Takes everything, and after an error nothing.  It has what h5py asks of a file."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        self.readinto = file.readinto  # type: ignore[attr-defined]
        self.error: BaseException | None = None

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
        try:
            if self.error is None:
                operation(*arguments)
        except BaseException as error:
            self.error = error
