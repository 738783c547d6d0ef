"""How much memory there is, and how to say an amount of it."""

import os
import resource
from errno import ENOMEM
from pathlib import Path
from typing import NamedTuple, NoReturn

from deepnet_cli.errors import MachineError

UNLIMITED = 2**62
DRAWING = 2**27
"""Bytes of address space in which matplotlib is imported: with a picture it takes 73 MiB."""

_MEMINFO = Path("/proc/meminfo")
_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


class _Version(NamedTuple):
    """How one of the two kinds of control groups calls things."""

    controller: str  # in _OWN_GROUPS
    folder: str  # in _GROUPS
    limit: str
    used: str
    stat: str  # how the names in memory.stat begin


_VERSIONS = (
    _Version("", "", "memory.max", "memory.current", ""),
    _Version("memory", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)


def available_memory() -> int:
    """Bytes that this process can still take: free memory, its container's and its own limit."""
    return min(_machine(), _container(), _process())


def told(size: float) -> str:
    """12.3 MiB"""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        if size < 1024 or unit == "EiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"


def lacking(error: BaseException) -> bool:
    """Whether an error says that there was too little memory, for data or for a library."""
    if isinstance(error, ImportError):
        return "failed to map" in str(error)
    if isinstance(error, OSError) and error.errno is None:
        return "memory allocation failed" in str(error)  # HDF5's words
    return isinstance(error, MemoryError) or getattr(error, "errno", None) == ENOMEM


def secure_products() -> None:
    """Where this process may take so much memory only, take what products need before all else.

    OpenBLAS, which gets none for its buffers, ends the process: so that is tried in another one,
    before NumPy is imported here.  Raises MachineError.
    """
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return
    if not (pid := os.fork()):
        _try_product()
    if os.waitpid(pid, 0)[1]:
        raise MachineError(
            f"{told(available_memory())} of memory may be taken, too few to multiply matrices; "
            "raise the limit (ulimit -v), or set OPENBLAS_NUM_THREADS=1"
        )
    _multiply()


def secure_drawing() -> None:
    """Where this process may take so much memory only, see that matplotlib finds room.

    An import that runs out of memory may raise a SystemError, or never end.  Raises MachineError.
    """
    if (left := _process()) < DRAWING:
        raise MachineError(
            f"{told(left)} of memory may be taken, too few to draw; raise the limit (ulimit -v)"
        )


def _try_product() -> NoReturn:
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 2)
        _multiply()
        os._exit(0)
    except BaseException:
        os._exit(1)


def _multiply() -> None:
    """A product that is large enough for all threads."""
    import numpy as np

    a = np.ones((512, 512), np.float32)
    np.matmul(a, a)


def _machine() -> int:
    """What is free, or can be made so; of a system that does not say, all that there is."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:
        pages = os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        pages = -1
    return pages * resource.getpagesize() if pages > 0 else UNLIMITED


def _container() -> int:
    """What the groups leave that the process is in: a container's, a cluster's of a job."""
    try:
        lines = _OWN_GROUPS.read_text().splitlines()
    except OSError:
        return UNLIMITED
    left = [UNLIMITED]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for version in _VERSIONS:
            if version.controller in controllers.split(","):
                root = _GROUPS / version.folder
                own = root / path.lstrip("/")  # or, from inside a container, the root
                left += (_left(f, version) for f in (own, *own.parents) if f.is_relative_to(root))
    return min(left)


def _left(folder: Path, version: _Version) -> int:
    """What a group leaves of its limit; copies of what is in files go when there is need."""
    try:
        limit, used = (int((folder / name).read_text()) for name in (version.limit, version.used))
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # not there, or "max"
        return UNLIMITED
    copies = (int(stat.get(f"{version.stat}{age}_file", 0)) for age in ("active", "inactive"))
    return max(0, limit - used + sum(copies))


def _process() -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return UNLIMITED
    return max(0, limit - size_of_process())


def size_of_process() -> int:
    """Bytes of address space that this process has; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()
