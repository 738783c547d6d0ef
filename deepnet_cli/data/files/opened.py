"""An HDF5 file that is open in this process, and every question that is asked of one.

A file may be damaged or made to harm, so nothing is read before the metadata has been
looked at: plain hard links all the way, values stored in the file itself, known filters, plain
numbers or text, and no more values declared than were written.  HDF5's own messages hold times
and pointers; none of them is shown.
"""

import encodings.ascii  # noqa: F401 h5py wants it, and a child can open no more files
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from math import prod
from typing import Any

import h5py
import numpy as np

from deepnet_cli.data.files.chunks import with_room
from deepnet_cli.data.files.conventions import odd, texts
from deepnet_cli.data.files.dataset import Dataset
from deepnet_cli.data.files.guards import (
    ALLOWED_FILTERS,
    DAMAGED,
    check_storage,
    is_text,
    misread,
    stored_size,
    type_problem,
)
from deepnet_cli.data.files.layout import layout_of
from deepnet_cli.data.files.storage import Storage
from deepnet_cli.data.files.survey import Entry, survey
from deepnet_cli.errors import (
    DamagedError,
    DataError,
    DeepnetError,
    MachineError,
    NoDatasetError,
    listed,
)
from deepnet_cli.nn.types import Array

HDF5_ERRORS = (OSError, KeyError, RuntimeError, ValueError, TypeError, OverflowError)
"""What h5py raises for a damaged file: any of these."""

MOST_ATTRIBUTES = 100_000


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Whatever HDF5 raises over a damaged file, as one DataError; over a failing disk, as a
    MachineError.
    """
    try:
        yield
    except DeepnetError:
        raise
    except HDF5_ERRORS as error:
        raise misread(path, error, DataError(f"{path}: {DAMAGED}")) from None


class Opened:
    """Answers for an h5py.File; `path` is how messages call it.  Methods raise DataError."""

    def __init__(self, file: Any, path: str, *, locked: bool = True) -> None:
        self.file = file
        self.path = path
        self._locked = locked
        self._checked: dict[str, Any] = {}
        self._entries: list[Entry] = []

    def is_locked(self) -> bool:
        """Whether it is open with a lock."""
        return self._locked

    def entries(self) -> list[Entry]:
        """Every dataset that can be reached by hard links, and the other links, by name."""
        if not self._entries:
            with translated(self.path):
                self._entries = survey(self.file)
        return self._entries

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

    def has_attribute(self, name: str) -> bool:
        """Whether the file has an attribute of this name."""
        with translated(self.path):
            return name in self.file.attrs

    def attribute(self, name: str) -> object:
        """The value of an attribute of the file."""
        with translated(self.path):
            if name not in self.file.attrs:
                raise DataError(f"{self.path}: has no attribute '{name}'")
            return self.file.attrs[name]

    def attributes(self, name: str) -> dict[str, object]:
        """All that is said of a dataset, of a group on the way to one, or ("/") of the file, but
        for references to others.
        """
        with translated(self.path):
            node = self._checked.get(name) or self.file[name]
            values = {each: _attribute(node, each) for each in islice(node.attrs, MOST_ATTRIBUTES)}
        return {each: value for each, value in values.items() if value is not None}

    def texts(self, name: str, attribute: str) -> tuple[str, ...]:
        """The texts in an attribute of a dataset; none where it holds something else."""
        return texts(self._dataset(name), attribute)

    def dataset(self, name: str) -> Dataset:
        """What the metadata say of a dataset, after every check.  Raises NoDatasetError."""
        dataset = self._dataset(name)
        with translated(self.path):
            plain = np.dtype(object) if is_text(dataset) else np.dtype(dataset.dtype.str)
            shape, values = tuple(dataset.shape), h5py.check_enum_dtype(dataset.dtype) or {}
            named = {str(key): int(value) for key, value in values.items()}
            size, layout = stored_size(dataset), layout_of(dataset)
            return Dataset(name, shape, plain, size, dataset.chunks, layout, named)

    def read(self, name: str) -> Array:
        """All values of a dataset."""
        return self._values(name, ())

    def stretch(self, name: str, start: int, stop: int, axis: int) -> Array:
        """Entries start, ..., stop - 1 along the first or last axis."""
        i = slice(start, stop)
        return self._values(name, (..., i) if axis else i)

    def storage(self, name: str) -> Storage | None:
        """How a dataset lies in the file; None for what is none, or cannot be looked at."""
        try:
            if not isinstance(self.file.get(name, getlink=True), h5py.HardLink):
                return None
            dataset: Any = self.file[name]
            if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
                return None
            properties = dataset.id.get_create_plist()
            codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
            filters = tuple(ALLOWED_FILTERS.get(code, f"filter {code}") for code in codes)
            declared = prod(dataset.shape) * dataset.id.get_type().get_size()
            return Storage(dataset.chunks, filters, declared, int(dataset.id.get_storage_size()))
        except HDF5_ERRORS:
            return None

    def _values(self, name: str, window: Any) -> Array:
        dataset = self._dataset(name)
        try:
            if is_text(dataset):  # often UTF-8 where the type says ASCII
                return np.asarray(dataset.asstr("utf-8")[window], object)
            return np.asarray(dataset[window])
        except UnicodeDecodeError:
            raise DataError(f"{self.path}: '{name}' holds text that is not UTF-8") from None
        except MemoryError:
            raise MachineError(f"{self.path}: not enough memory to read '{name}'") from None
        except HDF5_ERRORS as error:
            where = f"{self.path}: '{name}'"
            damage = f"{where} is damaged: its values cannot be read; copy the file again"
            raise misread(self.path, error, DamagedError(damage)) from None

    def _dataset(self, name: str) -> Any:
        """The h5py dataset `name`, its metadata checked, once."""
        if name not in self._checked:
            self._checked[name] = self._check(name)
        return self._checked[name]

    def _check(self, name: str) -> Any:
        if "\0" in name or (not name.isascii() and _unencodable(name)):
            raise NoDatasetError(name)
        with translated(self.path):
            node = self.file
            parts = name.strip("/").split("/")
            for depth, part in enumerate(parts, start=1):
                so_far = "/".join(parts[:depth])
                if not isinstance(node, h5py.Group) or part not in node:
                    self._check_link(node, part, so_far)
                    raise NoDatasetError(name)
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


def _attribute(node: Any, name: str) -> object:
    """A value that stands for itself: numbers or texts; or None."""
    try:
        kind = node.attrs.get_id(name).dtype
        if kind.hasobject and h5py.check_string_dtype(kind) is None:
            return None  # references and lists, which where damaged have any size
        value = node.attrs[name]
    except HDF5_ERRORS:  # of a type that h5py does not know
        return None
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        if value.ndim != 1 or not all(isinstance(item, str) for item in value):
            return None
        return tuple(value)
    if not isinstance(value, np.ndarray | np.generic) or value.dtype.hasobject:
        return None  # nothing, or with references to others
    return value


def _unencodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return False
