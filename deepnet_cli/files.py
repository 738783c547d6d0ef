"""One way in and one way out for the bytes of a file.

A file is written to a temporary sibling, made durable, and renamed over the old one: at
every instant the name holds the old content or the new, whole.  After a power loss, too.
"""

import errno
import json
import math
import os
import select
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO

from deepnet_cli.errors import (
    DataError,
    DeepnetError,
    MachineError,
    nearest,
    one_line,
)
from deepnet_cli.signals import making, unfinished

TEMPORARY = ".deepnet-"
"""How the names of temporary files begin."""

PATIENCE = 2.0
"""Seconds that the first byte of a pipe is waited for."""

BUFFER = 2**18
"""Bytes that are read from a file at a time, where it is not read whole."""


def shown(path: Path) -> Path:
    """The path without detours, relative where it lies below the working directory."""
    try:
        path = Path(os.path.realpath(path))
    except ValueError:  # no file can have this name, as opening it will say
        return path
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def check_readable(path: Path) -> os.stat_result:
    """The facts about a regular file.

    Raises DataError where there is none (with the nearest name beside it) or it is a
    directory, pipe or device, and MachineError where permission or the disk is the cause.
    """
    try:
        facts = path.stat()
    except ValueError:  # a null byte, or text that no file system has
        raise DataError(f"{one_line(str(path))}: no file can have this name") from None
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{path}: no such file{near(path)}") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DataError(f"{path}: symbolic links in a circle") from None
        raise cannot("read", path, error) from error
    if stat.S_ISDIR(facts.st_mode):
        raise DataError(f"{path}: is a directory; name a file")
    if not stat.S_ISREG(facts.st_mode):
        raise DataError(f"{path}: not a regular file")
    return facts


def read_file(path: Path) -> bytes:
    """The whole of a regular file."""
    check_readable(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise cannot("read", path, error) from error


def open_file(path: Path, moved: Callable[[int], object]) -> BufferedReader:
    """A regular file, open to be read bit by bit; `moved` is told how many bytes each took."""
    check_readable(path)
    try:
        return BufferedReader(_Counted(path, moved), BUFFER)
    except OSError as error:
        raise cannot("read", path, error) from error


class _Counted(FileIO):
    def __init__(self, path: Path, moved: Callable[[int], object]) -> None:
        super().__init__(path)
        self.path, self.moved = path, moved

    def readinto(self, buffer: Any, /) -> int:
        try:
            count = super().readinto(buffer) or 0
        except OSError as error:
            raise cannot("read", self.path, error) from error
        self.moved(count)
        return count


def json_text(value: object, indent: int | None = None) -> str:
    """JSON that every reader takes: a float that is not finite is null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_pipe(path: Path, most: int) -> bytes:
    """Up to `most` bytes of a pipe.  Raises DataError where nobody writes to it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not select.select([file], [], [], PATIENCE)[0]:
            raise DataError(f"{path}: nobody writes to this pipe")
        os.set_blocking(descriptor, True)
        return file.read(most)


def write_file(path: Path, content: bytes) -> None:
    """Put `content` at `path`, atomically and durably.  Raises MachineError."""
    with written(path) as file:
        file.write(content)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A file to be filled, which takes the place of `path`, durable, when the block ends.

    Where it raises, `path` stays as it was and nothing else is left.  Raises MachineError.
    """
    try:
        with temporary(path.parent) as (beside, file):
            yield file
            file.flush()
            _keep_private(file.fileno(), path)
            os.fsync(file.fileno())
            beside.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise cannot("write", path, error) from error


@contextmanager
def temporary(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file that goes where the block raises, or the process is made to leave."""
    path = folder / f"{TEMPORARY}{os.urandom(6).hex()}.tmp"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        with making:
            unfinished.add(str(path))
            descriptor = os.open(path, flags, 0o666)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield path, file
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
    finally:
        unfinished.discard(str(path))


def _keep_private(descriptor: int, path: Path) -> None:
    """Who could not read the old file cannot read the new one, where the file system knows how."""
    with suppress(OSError):
        os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode & path.lstat().st_mode))


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed has left there, while nobody else writes there."""
    for path in folder.glob(f"{TEMPORARY}*.tmp"):
        with suppress(OSError):
            path.unlink()


def sync_directory(path: Path) -> None:
    """Make a rename or a new name in a directory durable, where the file system knows how."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def cannot(verb: str, path: Path, error: OSError) -> DeepnetError:
    """The error for an operating system's refusal."""
    reason = (error.strerror or str(error)).lower()
    hint = ""
    if error.errno == errno.ENOSPC:
        hint = "; free some space and run it again"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "; check the permissions or choose another place"
    return MachineError(f"{path}: cannot {verb}: {reason}{hint}")


def near(path: Path) -> str:
    """A hint from what stands beside a missing file, or nothing."""
    try:
        beside = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f" (there is no directory '{path.parent}')"
    by_stem = {Path(name).stem: name for name in beside if not name.startswith(".")}
    near = nearest(path.stem, by_stem, cutoff=0.65)
    return f"; did you mean '{one_line(by_stem[near])}'?" if near else ""
