"""What other programs write beside the values: attributes that say what a dataset or group is.

    pandas, PyTables   pandas_type on a group; columns of a table are a compound type
    MATLAB v7.3        MATLAB_class; arrays stand with their axes reversed
    AnnData            encoding-type; scipy's sparse matrices are groups of indptr, indices, data
    netCDF-4, HDF5     CLASS = DIMENSION_SCALE; `coordinates` names what goes with a variable

Only metadata are looked at.  An attribute that cannot be read is as one that is not there.
"""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import h5py
import numpy as np

from deepnet_cli.data.guards import dtype_of
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
ANNDATA = """\
make plain arrays of it:
    python -c "import anndata; a = anndata.read_h5ad('{path}'); \\
      a.X = a.X.toarray(); a.write('{stem}-plain.h5')\""""
FULL = "in MATLAB: X = full(X); save -v7.3 {stem}.mat"
PARTS = "in MATLAB: X = [real(X) imag(X)]; save -v7.3 {stem}.mat"
LABELS = "in MATLAB: y = grp2idx(y), or y = double(y); save -v7.3 {stem}.mat"


def attribute(node: Any, name: str) -> Any:
    """The value of an attribute, text as str and one value without its axes; or None."""
    try:
        if not h5py.h5a.exists(node.id, name.encode()):
            return None
        value = node.attrs[name]
    except (OSError, KeyError, RuntimeError, ValueError, TypeError):
        return None
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(())[()]
    return _decoded(value)


def texts(node: Any, name: str) -> tuple[str, ...]:
    """The texts in an attribute; none where there is no such, or it holds something else."""
    values = [_decoded(each) for each in np.ravel(attribute(node, name))]
    return tuple(values) if all(isinstance(value, str) for value in values) else ()


def odd(node: Any) -> Odd | None:
    """What a group or dataset is, where it is no plain array but data all the same."""
    return _odd_group(node) if isinstance(node, h5py.Group) else _odd_dataset(node)


def _odd_group(group: Any) -> Odd | None:
    if kind := attribute(group, "pandas_type"):
        what = "Series" if "series" in str(kind) else "DataFrame"
        return Odd(f"a pandas {what}", PANDAS)
    if attribute(group, "MATLAB_sparse") is not None:
        return Odd("a sparse matrix of MATLAB", FULL)
    encoding = attribute(group, "encoding-type") or attribute(group, "h5sparse_format")
    links = [group.get(name, getlink=True) for name in ("data", "indices", "indptr")]
    if all(isinstance(link, h5py.HardLink) for link in links):
        return Odd("a sparse matrix", ANNDATA if encoding else SPARSE)
    return None


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
    named = attribute(dataset, "coordinates")
    return named.split() if isinstance(named, str) else []


def aside(name: str, dataset: Any) -> str:
    """How a dataset serves others, by what stands at it or by its name; or nothing."""
    if attribute(dataset, "CLASS") == "DIMENSION_SCALE":
        return "scale of a dimension"
    return NAMING.get(name.rpartition("/")[2], "")


def row_names(group: Any) -> str | None:
    """The dataset of a data frame of AnnData that names its rows."""
    name = attribute(group, "_index")
    return name if isinstance(name, str) else None


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _is_finite(value: Any) -> bool:
    return isinstance(value, np.number) and bool(np.isfinite(value))


def _column(dtype: np.dtype[Any]) -> str:
    if h5py.check_string_dtype(dtype) is not None or dtype.kind in "SU":
        return "text"
    return str(dtype) if dtype.subdtype is None else f"{dtype.subdtype[0]} {dtype.shape}"
