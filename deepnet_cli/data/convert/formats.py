"""Which formats there are, and which of them a file has: by its name, else by its first bytes.

What reads or writes one is imported when it is used.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from deepnet_cli.data.convert.opening import opened
from deepnet_cli.data.convert.stream import Choices, Meter, Stream
from deepnet_cli.data.files.guards import looks_like, signature
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.files import check_readable

Read = Callable[[list[Path], Choices, Meter], Stream]
Write = Callable[[BinaryIO, Stream, str], None]

TABLE = frozenset(
    {"label", "no_label", "drop", "text", "missing", "skip_unlabeled", "dtype", "like"}
)
"""Options of what has columns."""


@dataclass(frozen=True)
class Format:
    """A format that is read, by a function of a file of this room."""

    module: str
    function: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...] = ()
    takes: frozenset[str] = frozenset()
    several: bool = False
    packed: bool = False  # by gzip, too

    @property
    def read(self) -> Read:
        read: Read = getattr(
            import_module(f"deepnet_cli.data.convert.{self.module}"), self.function
        )
        return read


@dataclass(frozen=True)
class Target:
    """A format that is written, and the ways in which it packs."""

    module: str
    function: str
    suffixes: tuple[str, ...]
    compressions: tuple[str, ...] = ("none",)

    @property
    def write(self) -> Write:
        write: Write = getattr(
            import_module(f"deepnet_cli.data.convert.{self.module}"), self.function
        )
        return write


SPARSE_LINE = re.compile(rb"[-+.\w]+([ \t]+qid:\d+)?([ \t]+\d+:[-+.\w]+)+[ \t]*(#.*)?\r?(\n|$)")
"""The first line of a LIBSVM file, which often has a name without a suffix."""


def format_of(path: Path) -> str:
    """The name of the format that a file has.  Raises DataError where it is none of FORMATS."""
    if path.is_dir():
        return "images"
    size = check_readable(path).st_size
    if signature(path, size)[1]:
        return "HDF5"
    with opened(path, Meter()) as file:
        start = file.read(512)
    named = named_format(path)
    if named in (None, "CSV") and SPARSE_LINE.match(start):
        return "LIBSVM"
    if named is None:
        named = next((k for k, f in FORMATS.items() if f.magic and start.startswith(f.magic)), None)
    if named is None and not path.suffix and looks_like(start) == "text":
        named = "CSV"
    if named is None:
        kind = looks_like(start)
        hint = "; if it is a table, call it .csv" if kind == "text" else ""
        raise DataError(f"{path}: of no format that is known here (it looks like {kind}){hint}")
    if path.suffix.lower() == ".gz" and not FORMATS[named].packed:
        raise DataError(f"{path}: {named} is not read from .gz; unpack it: gunzip {path}")
    return named


def named_format(path: Path) -> str | None:
    """The format that a file's name speaks of."""
    name = path.name.lower().removesuffix(".gz")
    if re.search(r"idx\d-u?(byte|short|int)", name):
        return "IDX"
    return next((k for k, known in FORMATS.items() if Path(name).suffix in known.suffixes), None)


def command(path: Path) -> str:
    """What to type for a file that is not HDF5, or nothing where its name is of no format here."""
    if named_format(path) in (None, "HDF5"):
        return ""
    out = path.with_name(Path(path.name.removesuffix(".gz")).stem + ".h5")
    return f"deepnet convert {shlex.quote(str(path))} {shlex.quote(str(out))}"


def like_option(path: Path) -> str:
    """What to add to it for a file that is to be as another, where its format has columns."""
    name = named_format(path)
    return " --like TRAIN.h5" if name in FORMATS and "like" in FORMATS[name].takes else ""


def target_of(path: Path) -> Target:
    """How a file of this name is written.  Raises ConfigError."""
    for target in TARGETS.values():
        if path.suffix.lower() in target.suffixes:
            return target
    endings = ", ".join(suffix for target in TARGETS.values() for suffix in target.suffixes)
    raise ConfigError(f"{path}: expected a name that ends in one of {endings}")


FORMATS = {
    "HDF5": Format(
        "hdf5_datasets", "read_hdf5", (".h5", ".hdf5", ".hdf", ".he5"), takes=frozenset({"rechunk"})
    ),
    "CSV": Format(
        "delimited",
        "read_delimited",
        (".csv", ".tsv", ".tab", ".txt", ".dat", ".data"),
        takes=TABLE | {"header"},
        packed=True,
    ),
    "Parquet": Format("arrow", "read_parquet", (".parquet", ".pq"), (b"PAR1",), TABLE),
    "Arrow": Format("arrow", "read_arrow", (".arrow", ".feather", ".ipc"), (b"ARROW1",), TABLE),
    "NPZ": Format("numpy_files", "read_npz", (".npz",), (b"PK\3\4",)),
    "NPY": Format("numpy_files", "read_npy", (".npy",), (b"\x93NUMPY",)),
    "IDX": Format(
        "idx",
        "read_idx",
        (),
        tuple(bytes([0, 0, k]) for k in (8, 9, 11, 12, 13, 14)),
        several=True,
        packed=True,
    ),
    "LIBSVM": Format(
        "svmlight",
        "read_svmlight",
        (".svm", ".libsvm", ".svmlight"),
        takes=frozenset({"dtype"}),
        packed=True,
    ),
    "MATLAB": Format("matlab", "read_matlab", (".mat",), (b"MATLAB 5.0",)),
    "images": Format("images", "read_images", (), takes=frozenset({"size", "gray"})),
}
TARGETS = {
    "HDF5": Target("writing_hdf5", "write_hdf5", (".h5", ".hdf5"), ("none", "lzf", "gzip")),
    "CSV": Target("writing_csv", "write_csv", (".csv",)),
    "NPZ": Target("writing_numpy", "write_npz", (".npz",), ("none", "gzip")),
    "NPY": Target("writing_numpy", "write_npy", (".npy",)),
}
