"""One process a run directory, as far as the file system can."""

import fcntl
import os
from pathlib import Path

from deepnet_cli.errors import MachineError
from deepnet_cli.training.kept.lock import NAME, UNSUPPORTED, Lock
from deepnet_cli.training.selftest.finding import NOTE, OK, WRONG, Finding


def check_locks(folder: Path) -> Finding:
    """Whether a second one is refused, and whether the kernel does it."""
    first = Lock(folder)
    kernel = _by_kernel(folder / NAME)
    try:
        second = Lock(folder)
    except MachineError:
        held = True
    else:
        held = False
        second.release()
    first.release()
    figures = {"held": held, "kernel": kernel}
    if not held:
        return Finding(WRONG, "a directory that is in use was given to a second user", figures)
    if not kernel:
        told = "a second user is refused, by a file: this file system knows no locks"
        return Finding(NOTE, told, figures)
    return Finding(OK, "a second user of a directory is refused", figures)


def _by_kernel(path: Path) -> bool:
    """Whether a lock of the kernel's is on the file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in UNSUPPORTED
    finally:
        os.close(descriptor)
    return False
