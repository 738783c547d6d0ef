"""The one place that opens HDF5: every dataset, model and checkpoint comes through here.

A file may be damaged or made to harm, so nothing is read before the metadata has been
looked at: regular file, plain hard links all the way, values stored in the file itself,
known filters, plain numbers or text, and no more values declared than were written.
HDF5's own messages hold times and pointers; none of them is shown.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from deepnet_cli.data.files.chunks import UNPACKED, with_room
from deepnet_cli.data.files.conventions import odd
from deepnet_cli.data.files.guards import (
    check_signature,
    check_storage,
    is_text,
    type_problem,
    unreadable,
)
from deepnet_cli.data.files.layout import Layout, layout_of
from deepnet_cli.data.files.sink import Sink
from deepnet_cli.data.files.survey import Entry, survey
from deepnet_cli.errors import (
    DataError,
    DeepnetError,
    MachineError,
    did_you_mean,
    listed,
    one_line,
)
from deepnet_cli.files import check_readable

HDF5_ERRORS = (OSError, KeyError, RuntimeError, ValueError, TypeError)
"""What h5py raises for a damaged file: any of these."""

FORMAT = ("v108", "v108")
"""Of HDF5 1.8, in which an attribute may be larger than 64 KiB: what is written into a file."""

UNPADDED = np.frompyfunc(lambda text: text.rstrip(" \0"), 1, 1)
"""Text without the spaces and NULs that fill it up to a fixed length."""


@dataclass(frozen=True)
class Source:
    """An open HDF5 file, and how to call it in a message."""

    file: Any  # h5py.File
    path: str
    written: str | None = None  # how a config names the file
    _checked: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def entries(self) -> list[Entry]:
        """Every dataset that can be reached by hard links, and the other links, by name."""
        with translated(self.path):
            return survey(self.file)

    def has(self, name: str) -> bool:
        """Whether something of this name is there, good or bad."""
        with translated(self.path):
            node = self.file
            *groups, last = name.split("/")
            for group in groups:
                if not isinstance(node.get(group, getlink=True), h5py.HardLink):
                    return False  # what is behind another link is not looked at
                node = node[group]
                if not isinstance(node, h5py.Group):
                    return False
            return node.get(last, getlink=True) is not None

    def text(self, attribute: str) -> str:
        """An attribute of the file that holds text.  Raises DataError."""
        value = self._attribute(attribute)
        if not isinstance(value, str):
            raise DataError(f"{self.path}: attribute '{attribute}' is not text")
        return value

    def number(self, attribute: str) -> float:
        """An attribute of the file that holds a finite number.  Raises DataError."""
        value = self._attribute(attribute)
        if not isinstance(value, np.number) or not np.isfinite(value):
            raise DataError(f"{self.path}: attribute '{attribute}' is not a finite number")
        return float(value.real)

    def has_attribute(self, name: str) -> bool:
        """Whether the file has an attribute of this name."""
        with translated(self.path):
            return name in self.file.attrs

    def _attribute(self, name: str) -> object:
        with translated(self.path):
            if name not in self.file.attrs:
                raise DataError(f"{self.path}: has no attribute '{name}'")
            return self.file.attrs[name]

    def read(self, name: str) -> np.ndarray[Any, np.dtype[Any]]:
        """The values of a dataset, after every check.  Raises DataError."""
        dataset = self.dataset(name)
        try:
            text = is_text(dataset)  # often UTF-8 where the type says ASCII
            return np.asarray(UNPADDED(dataset.asstr("utf-8")[()]) if text else dataset[()])
        except UnicodeDecodeError:
            raise DataError(f"{self.path}: '{name}' holds text that is not UTF-8") from None
        except MemoryError:
            raise MachineError(f"{self.path}: not enough memory to read '{name}'") from None
        except HDF5_ERRORS:
            raise DataError(
                f"{self.path}: '{name}' is damaged: its values cannot be read; copy the file again"
            ) from None

    def layout(self, name: str) -> Layout:
        """How the values of a dataset are meant.  Raises DataError."""
        dataset = self.dataset(name)
        with translated(self.path):
            return layout_of(dataset)

    def meant(self, name: str) -> np.ndarray[Any, np.dtype[Any]]:
        """The values of a dataset as they are meant.  Raises DataError."""
        return self.layout(name).values(self.read(name))

    def dataset(self, name: str) -> Any:
        """The h5py dataset `name`, its metadata checked, once.  Raises DataError."""
        if name not in self._checked:
            self._checked[name] = self._check(name)
        return self._checked[name]

    def _check(self, name: str) -> Any:
        if "\0" in name or (not name.isascii() and _unencodable(name)):
            raise DataError(self.no_dataset(name))
        with translated(self.path):
            node = self.file
            parts = name.strip("/").split("/")
            for depth, part in enumerate(parts, start=1):
                so_far = "/".join(parts[:depth])
                if not isinstance(node, h5py.Group) or part not in node:
                    self._check_link(node, part, so_far)
                    raise DataError(self.no_dataset(name))
                self._check_link(node, part, so_far)
                node = node[part]
            where = f"{self.path}: '{name}'"
            if found := odd(node):
                raise DataError(f"{where} is {found.what}; {found.advice(self.path, name)}")
            if isinstance(node, h5py.Group):
                raise DataError(f"{where} is a group; it holds {listed(node)}")
            if not isinstance(node, h5py.Dataset):
                raise DataError(f"{where} is a named type, not a dataset")
            if problem := type_problem(node):
                raise DataError(f"{where}: {problem}")
            check_storage(self.path, name, node)
            return with_room(node)

    def no_dataset(self, name: str) -> str:
        """The message for a name that is not there: the nearest, and what is."""
        entries = self.entries
        near = did_you_mean(name, (entry.name for entry in entries))
        found = listed(str(entry) for entry in entries) or "no dataset at all"
        return f"{self.path}: no dataset '{one_line(name)}'{near} (found: {found})"

    def _check_link(self, group: Any, part: str, so_far: str) -> None:
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if isinstance(link, h5py.ExternalLink):
            raise DataError(
                f"{self.path}: '{so_far}' is a link to another file ({link.filename}); "
                "copy the data into this one"
            )
        if isinstance(link, h5py.SoftLink):
            raise DataError(
                f"{self.path}: '{so_far}' is a soft link to '{link.path}'; name the dataset itself"
            )


@contextmanager
def open_hdf5(path: Path, written: str | None = None) -> Iterator[Source]:
    """Open a file for reading, which a config names as `written`.

    Raises DataError, or MachineError where the machine refuses.
    """
    size = check_readable(path).st_size
    check_signature(path, size)
    try:
        file = h5py.File(path, "r", locking="best-effort", rdcc_nbytes=UNPACKED)
    except BlockingIOError:
        raise MachineError(
            f"{path}: is being written by another program; try again when it has closed it"
        ) from None
    except HDF5_ERRORS as error:
        raise unreadable(str(path), error, size) from None
    with file:
        yield Source(file, str(path), written)


@contextmanager
def open_hdf5_bytes(content: bytes, path: str) -> Iterator[Source]:
    """Open the bytes of an HDF5 file that was read from `path`.  Raises DataError."""
    try:
        file = h5py.File(BytesIO(content), "r")
    except HDF5_ERRORS as error:
        raise unreadable(path, error, len(content)) from None
    with file:
        yield Source(file, path)


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


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Whatever HDF5 raises over a damaged file, as one DataError."""
    try:
        yield
    except DeepnetError:
        raise
    except HDF5_ERRORS:
        raise DataError(f"{path}: damaged HDF5 file; copy or make it again") from None


def _unencodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return False
