"""An HDF5 file read in this process: where processes cannot be forked, or on the user's word."""

from typing import Any

from deepnet_cli.data.files.opened import Opened
from deepnet_cli.nn.types import Array


class Here:
    """See `Reader`."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def ask(
        self,
        method: str,
        *arguments: object,
        nbytes: int = 0,  # noqa: ARG002 for a process of its own
        out: Array | None = None,  # noqa: ARG002 likewise
    ) -> Any:
        """What a method of `Opened` answers."""
        return getattr(self._opened, method)(*arguments)

    def close(self) -> None:
        """Close the file."""
        self._opened.file.close()
