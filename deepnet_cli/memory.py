"""How much memory there is, and how to say an amount of it."""

import os
import resource
from pathlib import Path
from typing import NoReturn

from deepnet_cli.errors import MachineError

UNLIMITED = 2**62
_MEMINFO = Path("/proc/meminfo")
_CGROUP = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
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
    try:
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return UNLIMITED


def _container() -> int:
    for limit, used in _CGROUP:
        try:
            return max(0, int(limit.read_text()) - int(used.read_text()))
        except (OSError, ValueError):  # another version of cgroups, or "max"
            continue
    return UNLIMITED


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
