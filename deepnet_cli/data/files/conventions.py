"""What other programs write beside the values: attributes that say what a dataset or group is.

    pandas, PyTables   pandas_type on a group; columns of a table are a compound type
    MATLAB v7.3        MATLAB_class; arrays stand with their axes reversed
    AnnData, SciPy     groups obs and var; a sparse matrix is a group of indptr, indices and data
    netCDF-4, HDF5     CLASS = DIMENSION_SCALE; `coordinates` names what goes with a variable

Only metadata are looked at.  An attribute that cannot be read is as one that is not there.
"""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import h5py
import numpy as np

from deepnet_cli.data.files.guards import dtype_of
from deepnet_cli.errors import listed

MATLAB_NUMBERS = {"double", "single", "logical"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
PLAIN = re.compile(r"[\w./-]+")
"""What may stand in a command that is shown; a file may be made to harm whoever pastes it."""

PACKING = ("scale_factor", "add_offset")
NAMING = {
    "list_classes": "names of the classes",  # as the well-known course calls them
    "class_names": "names of the classes",
    "feature_names": "names of the features",
    "target_names": "names of the numbers in y",
    "_index": "names of the rows",  # as AnnData calls them
}
"""What datasets are called that name what others count."""


@dataclass(frozen=True)
class Odd:
    """Something that is no plain array: what it is, and how to make one of it.

    `instead` has {path}, {name} and {stem} for the file, what is in it and the file's bare name.
    """

    what: str
    instead: str

    def advice(self, path: str, name: str) -> str:
        """How to make plain arrays of it, with lines to type."""
        stem = PurePath(path).stem
        shown = (text if PLAIN.fullmatch(text) else "NAME" for text in (path, name, stem))
        return self.instead.format(**dict(zip(("path", "name", "stem"), shown, strict=True)))


PANDAS = """\
make plain arrays of it:
    python -c "import pandas; pandas.read_hdf('{path}', '{name}').to_csv('{stem}.csv', index=False)"
    deepnet convert {stem}.csv {stem}-plain.h5"""
SPARSE = """\
make plain arrays of it:
    python -c "import h5py, scipy.sparse; f = h5py.File('{path}'); s = f['{name}']; \\
      parts = s['data'][:], s['indices'][:], s['indptr'][:]; \\
      g = h5py.File('{stem}-plain.h5', 'w'); g['y'] = f['LABELS'][:]; \\
      g['x'] = scipy.sparse.csr_matrix(parts).toarray()\""""
COLUMNS = """\
make plain arrays of it:
    python -c "import h5py, numpy; t = h5py.File('{path}')['{name}'][:]; \\
      g = h5py.File('{stem}-plain.h5', 'w'); g['y'] = t['LABELS']; \\
      g['x'] = numpy.column_stack([t[n] for n in t.dtype.names if n != 'LABELS'])\""""
SINGLE = Odd(
    "columns, each by itself",
    """\
make one array of them:
    python -c "import h5py, numpy; f = h5py.File('{path}'); \\
      g = h5py.File('{stem}-plain.h5', 'w'); g['y'] = f['LABELS'][:]; \\
      g['x'] = numpy.column_stack([f[n] for n in f if n != 'LABELS'])\"""",
)
"""Of a file that has a dataset for each column."""

ANNDATA = """\
make plain arrays of it:
    python -c "import anndata; a = anndata.read_h5ad('{path}'); \\
      a.X = a.X.toarray(); a.write('{stem}-plain.h5')\""""
FULL = "in MATLAB: X = full(X); save -v7.3 {stem}.mat"
PARTS = "in MATLAB: X = [real(X) imag(X)]; save -v7.3 {stem}.mat"
LABELS = "in MATLAB: y = grp2idx(y), or y = double(y); save -v7.3 {stem}.mat"


def attribute(node: Any, name: str) -> Any:
    """The value of an attribute, text as str and one value without its axes; or None.

    What has a variable length is not read: it stands in a heap elsewhere in the file, and where
    that is damaged HDF5 crashes or never ends.  What is asked for in every file has a fixed one.
    """
    value = _value(node, name, variable=False)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(())[()]
    return decoded(value)


def texts(node: Any, name: str) -> tuple[str, ...]:
    """The texts, of any length, in an attribute; none where it holds something else."""
    values = [decoded(each) for each in np.ravel(_value(node, name, variable=True))]
    return tuple(values) if all(isinstance(value, str) for value in values) else ()


def _value(node: Any, name: str, *, variable: bool) -> Any:
    try:
        if not h5py.h5a.exists(node.id, name.encode()):
            return None
        kind = h5py.h5a.open(node.id, name.encode()).get_type()
        if not variable and kind.detect_class(h5py.h5t.VLEN):
            return None
        if not variable and isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str():
            return None
        return node.attrs[name]
    except (OSError, KeyError, RuntimeError, ValueError, TypeError):
        return None


def odd(node: Any) -> Odd | None:
    """What a group or dataset is, where it is no plain array but data all the same."""
    return _odd_group(node) if isinstance(node, h5py.Group) else _odd_dataset(node)


def _odd_group(group: Any) -> Odd | None:
    if kind := attribute(group, "pandas_type"):
        what = "Series" if "series" in str(kind) else "DataFrame"
        return Odd(f"a pandas {what}", PANDAS)
    if attribute(group, "MATLAB_sparse") is not None:
        return Odd("a sparse matrix of MATLAB", FULL)
    if _holds(group, "data", "indices", "indptr"):
        return Odd("a sparse matrix", ANNDATA if _holds(group.parent, "obs", "var") else SPARSE)
    return None


def _holds(group: Any, *names: str) -> bool:
    """Whether all of these are in a group."""
    return all(isinstance(group.get(name, getlink=True), h5py.HardLink) for name in names)


def _odd_dataset(dataset: Any) -> Odd | None:
    kind = attribute(dataset, "MATLAB_class")
    if kind is not None and kind not in MATLAB_NUMBERS:
        what = {"char": "text of MATLAB (char)", "cell": "a cell array of MATLAB"}
        return Odd(what.get(kind, f"a {kind} of MATLAB"), LABELS)
    for name in PACKING:
        if (value := attribute(dataset, name)) is not None and not _is_finite(value):
            return Odd(f"packed with a {name} that is no finite number", "mend the attribute")
    if attribute(dataset, "MATLAB_empty"):
        return Odd("an empty array of MATLAB", "leave it out")
    if fields := getattr(dtype_of(dataset), "fields", None):
        if set(fields) == {"real", "imag"}:
            return Odd("complex numbers of MATLAB", PARTS)
        columns = listed(f"{name} {_column(field[0])}" for name, field in fields.items())
        table = "a PyTables table" if attribute(dataset, "CLASS") == "TABLE" else "a table"
        return Odd(f"{table} of named columns ({columns})", COLUMNS)
    return None


def is_hidden(name: str, group: Any) -> bool:
    """Whether a group is a program's own book-keeping: MATLAB's cells, PyTables' indices."""
    return name in ("#refs#", "#subsystem#") or attribute(group, "CLASS") == "TINDEX"


def is_matlab(dataset: Any) -> bool:
    return attribute(dataset, "MATLAB_class") in MATLAB_NUMBERS


def coordinates(dataset: Any) -> list[str]:
    """The names of other datasets that say where the values of this one lie (netCDF)."""
    return [name for text in texts(dataset, "coordinates") for name in text.split()]


def aside(name: str, dataset: Any) -> str:
    """How a dataset serves others, by what stands at it or by its name; or nothing."""
    if attribute(dataset, "CLASS") == "DIMENSION_SCALE":
        return "scale of a dimension"
    return NAMING.get(name.rpartition("/")[2], "")


def decoded(value: Any) -> Any:
    """Text as str, anything else as it is."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _is_finite(value: Any) -> bool:
    return isinstance(value, np.number) and bool(np.isfinite(value))


def _column(dtype: np.dtype[Any]) -> str:
    if h5py.check_string_dtype(dtype) is not None or dtype.kind in "SU":
        return "text"
    return str(dtype) if dtype.subdtype is None else f"{dtype.subdtype[0]} {dtype.shape}"
