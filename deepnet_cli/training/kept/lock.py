"""One process a run directory: a lock that ends with the process, however it ends.

The file `.lock` says who has it, and is there while the run goes on.  The lock itself is the
kernel's (flock): what a killed process has left is a file, and no lock.  Where the file system has
no such locks, as some that are reached by network, the file is the lock by being there.  One
that was left there is known by its process, which is gone, on the same machine.
"""

import errno
import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from deepnet_cli.errors import MachineError, one_line
from deepnet_cli.files import TEMPORARY, cannot
from deepnet_cli.signals import unfinished

NAME = ".lock"

UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL}
"""What flock says where the file system has none."""

Holder = dict[str, object]
"""pid, host, since (local time); boot of the machine, began (of the process, in its ticks)."""


class Lock:
    """A directory's lock, from here until `release`.  Raises MachineError where another has it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            while (descriptor := self._tried()) is None:
                pass
            self._descriptor = descriptor
            self._tell()
        except OSError as error:
            raise cannot("write", self.path, error) from error
        unfinished.add(str(self.path))

    def release(self) -> None:
        """Let others have it."""
        with suppress(OSError):
            self.path.unlink()
        unfinished.discard(str(self.path))
        os.close(self._descriptor)

    def _tell(self) -> None:
        """Write who has it."""
        try:
            os.truncate(self._descriptor, 0)
            os.write(self._descriptor, json.dumps(_this_process()).encode())
        except OSError:
            self.release()
            raise

    def _tried(self) -> int | None:
        """The file, open and ours; None where it went away meanwhile, and may be tried again."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor, new = os.open(self.path, flags | os.O_CREAT | os.O_EXCL, 0o666), True
        except FileExistsError:
            try:
                descriptor, new = os.open(self.path, flags), False
            except FileNotFoundError:
                return None
        try:
            if self._ours(descriptor, new=new):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def _ours(self, descriptor: int, *, new: bool) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._in_use(_holder(descriptor)) from None
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            if not new:
                self._clear(descriptor)
            return new
        return self._stands_for(descriptor, self.path)

    def _clear(self, descriptor: int) -> None:
        """Remove a file whose process is gone, where a file is the lock."""
        if not _gone(holder := _holder(descriptor)):
            raise self._in_use(holder, f"; if it is not there any more, remove {self.path}")
        aside = self.path.with_name(f"{TEMPORARY}{os.urandom(6).hex()}.tmp")
        self.path.rename(aside)
        if not self._stands_for(descriptor, aside):  # of one that was as fast
            aside.rename(self.path)
            return
        aside.unlink()

    def _stands_for(self, descriptor: int, path: Path) -> bool:
        """Whether the name is still that of the open file."""
        try:
            return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    def _in_use(self, holder: Holder, hint: str = "; let it end first") -> MachineError:
        by = _named(holder) or "another process"
        return MachineError(f"{self.path.parent}: in use by {by}{hint}")


def user_of(folder: Path) -> str:
    """The process that has a directory, by what the file says; nothing where none has, as far as
    can be known without asking for the lock.
    """
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        holder = _holder(descriptor)
    finally:
        os.close(descriptor)
    return "" if _gone(holder) else _named(holder)


def _named(holder: Holder) -> str:
    """A process, for a reader; nothing where the file says nothing."""
    if not holder:
        return ""
    told = {key: one_line(str(holder.get(key))) for key in ("pid", "host", "since")}
    return f"pid {told['pid']} on host {told['host']} since {told['since']}"


def _holder(descriptor: int) -> Holder:
    """What the file says of who has the lock; empty where it says nothing yet."""
    try:
        told = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _this_process() -> Holder:
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    pid = os.getpid()
    return {"pid": pid, "host": _host(), "since": now, "boot": _boot(), "began": _began(pid)}


def _gone(holder: Holder) -> bool:
    """Whether it is sure that no process has the lock any more."""
    pid = holder.get("pid")
    if holder.get("host") != _host() or not isinstance(pid, int) or pid <= 0:
        return False
    if holder.get("boot") != _boot() or holder.get("began") != _began(pid):
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # of another user
        pass
    return False


def _host() -> str:
    return os.uname().nodename


def _boot() -> str:
    return _proc("sys/kernel/random/boot_id").strip()


def _began(pid: int) -> str:
    """When a process began, so that another one of the same number is not taken for it; nothing
    of one that has ended, though nobody has asked yet how.
    """
    state, *told = _proc(f"{pid}/stat").rpartition(")")[2].split() or [""]
    return "" if state in ("Z", "X") else " ".join(told[18:19])


def _proc(name: str) -> str:
    """A file of Linux's; empty where there is none."""
    try:
        return Path("/proc", name).read_text()
    except OSError:
        return ""
