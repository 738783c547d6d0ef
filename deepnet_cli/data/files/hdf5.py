"""The one place that opens HDF5: every dataset, model and checkpoint comes through here.

What is asked of a file is answered by `Opened` (`opened.py`), in a process of its own
(`child.py`): a file that makes the HDF5 library crash ends that one.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from fcntl import LOCK_NB, LOCK_SH, flock
from functools import cached_property, partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from deepnet_cli.data.files.child import Child
from deepnet_cli.data.files.chunks import UNPACKED
from deepnet_cli.data.files.dataset import Dataset, Reader
from deepnet_cli.data.files.guards import check_signature, unreadable
from deepnet_cli.data.files.here import Here
from deepnet_cli.data.files.layout import Layout
from deepnet_cli.data.files.opened import HDF5_ERRORS, Opened
from deepnet_cli.data.files.sharing import Sharing
from deepnet_cli.data.files.sink import Sink
from deepnet_cli.data.files.storage import Storage
from deepnet_cli.data.files.survey import Entry
from deepnet_cli.errors import (
    DataError,
    MachineError,
    NoDatasetError,
    did_you_mean,
    listed,
    one_line,
)
from deepnet_cli.files import check_readable
from deepnet_cli.nn.types import Array

FORMAT = ("v108", "v108")
"""Of HDF5 1.8, in which an attribute may be larger than 64 KiB: what is written into a file."""

UNPADDED = np.frompyfunc(lambda text: text.rstrip(" \0"), 1, 1)
"""Text without the spaces and NULs that fill it up to a fixed length."""


@dataclass(frozen=True)
class Source:
    """An open HDF5 file, and how to call it in a message.  Whatever is asked raises DataError."""

    reader: Reader
    path: str
    written: str | None = None  # how a config names the file
    _datasets: dict[str, Dataset] = field(default_factory=dict, repr=False)

    @cached_property
    def locked(self) -> bool:
        """Whether who writes to the file would be kept from it: not where its file system has no
        locks.
        """
        return bool(self.reader.ask("is_locked"))

    @cached_property
    def entries(self) -> list[Entry]:
        """Every dataset that can be reached by hard links, and the other links, by name."""
        found: list[Entry] = self.reader.ask("entries")
        return found

    def has(self, name: str) -> bool:
        """Whether something of this name is there, good or bad."""
        return bool(self.reader.ask("has", name))

    def has_attribute(self, name: str) -> bool:
        """Whether the file has an attribute of this name."""
        return bool(self.reader.ask("has_attribute", name))

    def text(self, attribute: str) -> str:
        """An attribute of the file that holds text."""
        value = self.reader.ask("attribute", attribute)
        if not isinstance(value, str):
            raise DataError(f"{self.path}: attribute '{attribute}' is not text")
        return value

    def number(self, attribute: str) -> float:
        """An attribute of the file that holds a finite number."""
        value = self.reader.ask("attribute", attribute)
        if not isinstance(value, np.number) or not np.isfinite(value):
            raise DataError(f"{self.path}: attribute '{attribute}' is not a finite number")
        return float(value.real)

    def attributes(self, name: str = "/") -> dict[str, object]:
        """All that is said of the file, or of a group on the way to a dataset."""
        found: dict[str, object] = self.reader.ask("attributes", name)
        return found

    def storage(self, name: str) -> Storage | None:
        """How a dataset lies in the file; None for what is none, or cannot be looked at."""
        found: Storage | None = self.reader.ask("storage", name)
        return found

    def dataset(self, name: str) -> Dataset:
        """The dataset `name`, its metadata checked."""
        if name not in self._datasets:
            try:
                found: Dataset = self.reader.ask("dataset", name)
            except NoDatasetError:
                raise DataError(self._no_dataset(name)) from None
            self._datasets[name] = replace(found, reader=self.reader)
        return self._datasets[name]

    def _no_dataset(self, name: str) -> str:
        """The message for a name that is not there: the nearest, and what is."""
        near = did_you_mean(name, (entry.name for entry in self.entries))
        found = listed(map(str, self.entries)) or "no dataset at all"
        return f"{self.path}: no dataset '{one_line(name)}'{near} (found: {found})"

    def layout(self, name: str) -> Layout:
        """How the values of a dataset are meant."""
        return self.dataset(name).layout

    def read(self, name: str) -> Array:
        """The values of a dataset.  Raises MachineError where there is no room for them, too."""
        dataset = self.dataset(name)
        if dataset.is_text or not dataset.shape:
            values: Array = self.reader.ask("read", name, nbytes=dataset.nbytes)
            return np.asarray(UNPADDED(values) if dataset.is_text else values)
        try:
            values = np.empty(dataset.shape, dataset.dtype)
        except MemoryError:
            raise MachineError(f"{self.path}: not enough memory to read '{name}'") from None
        step = dataset.stretch(0)
        for start in range(0, len(values), step):
            stop = min(start + step, len(values))
            dataset.read(start, stop, out=values[start:stop])
        return values

    def meant(self, name: str) -> Array:
        """The values of a dataset as they are meant."""
        return self.layout(name).values(self.read(name))


SHARED = Sharing[Source]()


@contextmanager
def open_hdf5(path: Path, written: str | None = None) -> Iterator[Source]:
    """Open a file for reading, which a config names as `written`; within `kept_open`, where it is
    not open already.

    Raises DataError, or MachineError where the machine refuses.
    """
    facts = check_readable(path)
    now = facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns
    with SHARED.take((path, *now), lambda: _source(path, facts.st_size)) as source:
        yield replace(source, written=written)


def kept_open() -> AbstractContextManager[None]:
    """Files that are opened herein stay open for those who open them again."""
    return SHARED.kept()


@contextmanager
def _source(path: Path, size: int) -> Iterator[Source]:
    check_signature(path, size)
    with _reader(str(path), partial(_opened, path, size)) as reader:
        yield Source(reader, str(path))


def _opened(path: Path, size: int) -> Opened:
    try:
        return _locked(path)
    except BlockingIOError:
        raise MachineError(
            f"{path}: is being written by another program; try again when it has closed it"
        ) from None
    except HDF5_ERRORS as error:
        raise unreadable(str(path), error, size) from None


def _locked(path: Path) -> Opened:
    """Locked where the file system knows of locks."""
    try:
        if not (guarded and h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE)):
            file = h5py.File(path, "r", locking="best-effort", rdcc_nbytes=UNPACKED)
            return Opened(file, str(path))
        # One is open in the process that this is a fork of, whose descriptors this one has let go.
        # HDF5 may take this file for that one; in Python's hands it is another.
        taken = path.open("rb")
        flock(taken, LOCK_SH | LOCK_NB)
        return Opened(h5py.File(taken, "r", rdcc_nbytes=UNPACKED), str(path))
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
            raise
    file = h5py.File(path, "r", locking=False, rdcc_nbytes=UNPACKED)
    return Opened(file, str(path), locked=False)


@contextmanager
def open_hdf5_bytes(content: bytes, path: str) -> Iterator[Source]:
    """Open the bytes of an HDF5 file that was read from `path`.  Raises DataError."""
    with _reader(path, partial(_opened_bytes, content, path)) as reader:
        yield Source(reader, path)


def _opened_bytes(content: bytes, path: str) -> Opened:
    try:
        return Opened(h5py.File(BytesIO(content), "r"), path)
    except HDF5_ERRORS as error:
        raise unreadable(path, error, len(content)) from None


guarded = hasattr(os, "fork")
"""Whether files are read in processes of their own (`--unguarded` of the command)."""


@contextmanager
def _reader(path: str, opened: Callable[[], Opened]) -> Iterator[Reader]:
    reader = Child(path, opened) if guarded else Here(opened())
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def hdf5_in(file: BinaryIO) -> Iterator[Any]:
    """An HDF5 file to be filled, in an empty file that is open to be written and read."""
    sink = Sink(file)
    try:
        with h5py.File(sink, "w", libver=FORMAT) as hdf5:
            try:
                yield hdf5
            finally:
                sink.closing = True
    finally:
        sink.check()


def hdf5_bytes(fill: Callable[[Any], None], user_block: int = 0) -> bytes:
    """The bytes of an HDF5 file made in memory: `fill` gets the open h5py.File."""
    buffer = BytesIO()
    with h5py.File(buffer, "w", userblock_size=user_block) as file:
        fill(file)
    return buffer.getvalue()
