"""Room on the disk, looked at before it is needed."""

import os
from pathlib import Path

from deepnet_cli.errors import MachineError
from deepnet_cli.files import BUFFER, cannot, temporary
from deepnet_cli.memory import told


def check_room(folder: Path, largest: int, in_all: int) -> None:
    """Raise MachineError where a file of `largest` bytes cannot be written into a folder, or there
    is no room for so many `in_all`: before hours are spent on what is to be written.
    """
    try:
        there = os.statvfs(folder)
        if (free := there.f_bavail * there.f_frsize) < in_all:
            raise MachineError(
                f"{folder}: {told(in_all)} are to be written there, but {told(free)} are free; "
                "free some space or choose another place"
            )
        with temporary(folder) as (path, file):
            for at in range(0, largest, BUFFER):
                file.write(bytes(min(BUFFER, largest - at)))
            file.flush()
            os.fsync(file.fileno())
            path.unlink()
    except OSError as error:
        raise cannot("write in", folder, error) from error
