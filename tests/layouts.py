"""Files as people have them: how each is made, and what deepnet is to do with it.

LAYOUTS, at the foot, is the table of docs/data/finding.md; tests/test_layouts.py trains on each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from deepnet_cli.nn.types import Array

m = 12
X = np.random.default_rng(3).integers(-40, 40, (m, 4)) / 8  # exact in 16 bits
K = np.arange(m) % 3
HOT = np.eye(3)[K]
BIT = np.arange(m) % 2
PICTURES = np.random.default_rng(4).integers(0, 256, (m, 2, 3, 2), np.uint8)
FLAT = np.array(
    [[float(p[i, j, c]) for i in range(2) for j in range(3) for c in range(2)] for p in PICTURES]
)
WORDS = ("cat", "dog", "eel")
TEXT = h5py.string_dtype()

Fill = Callable[[Any], object]


@dataclass(frozen=True)
class Reads:
    """The matrix (m, n) and Y (K, m) that the network gets, and how the classes are called."""

    X: Array
    Y: Array
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """Words of the message; `code` 2 where the config is at fault."""

    says: tuple[str, ...]
    code: int = 3


@dataclass(frozen=True)
class Layout:
    """How a file is made, what comes of it, and the lines of `data` beside the file."""

    fill: Fill
    expected: Reads | Refused
    train: str = "{file: data.h5}"
    data: str = ""


def classes(X: Array) -> Reads:
    """Of a matrix with the labels 0, 1, 2."""
    return Reads(X, HOT.T, ("0", "1", "2"))


CLASSES = classes(X)
NAMED = Reads(X, HOT.T, WORDS)
BITS = Reads(X, BIT[np.newaxis], ("0", "1"))
NUMBERS = Reads(X, X[:, :1].T + 1)


def put(datasets: dict[str, Any], attributes: dict[str, dict[str, Any]] | None = None) -> Fill:
    """A file with these datasets, and these attributes of some."""

    def fill(f: Any) -> None:
        for name, values in datasets.items():
            f[name] = values
        for name, pairs in (attributes or {}).items():
            f[name].attrs.update(pairs)

    return fill


def typed(name: str, values: Any, dtype: Any) -> Fill:
    """x, and a dataset of an HDF5 type."""

    def fill(f: Any) -> None:
        f["x"] = X
        f.create_dataset(name, data=values, dtype=dtype)

    return fill


def matlab(variables: dict[str, Array], classes: dict[str, str] | None = None) -> Fill:
    """Arrays as `save -v7.3` stores them: axes reversed, the class in an attribute."""
    kinds = {"float64": "double", "float32": "single", "bool": "logical"}

    def fill(f: Any) -> None:
        for name, values in variables.items():
            stored = values.astype(np.uint8) if values.dtype == bool else values
            made = f.create_dataset(name, data=stored.T)
            kind = (classes or {}).get(name, kinds.get(str(values.dtype), str(values.dtype)))
            made.attrs["MATLAB_class"] = np.bytes_(kind)
        f.create_group("#refs#")["a"] = np.zeros((1, m), np.uint16)

    return fill


def matlab_sparse(f: Any) -> None:
    matlab({"y": K[:, np.newaxis] + 0.0})(f)
    group = f.create_group("X")
    group.attrs.update({"MATLAB_class": np.bytes_("double"), "MATLAB_sparse": np.uint64(m)})
    group["data"], group["ir"], group["jc"] = np.ones(4), np.arange(4, dtype="u8"), np.arange(5)


def matlab_cells(f: Any) -> None:
    matlab({"X": X})(f)
    cells = f.create_dataset("y", (1, m), h5py.ref_dtype)
    for i in range(m):
        cells[0, i] = f["#refs#/a"].ref
    cells.attrs["MATLAB_class"] = np.bytes_("cell")


def sparse(name: str, *groups: str) -> Fill:
    """A sparse matrix as SciPy's parts in a group, labels, and groups beside it."""

    def fill(f: Any) -> None:
        group = f.create_group(name)
        group["data"], group["indices"] = np.ones(m), np.zeros(m, np.int32)
        group["indptr"] = np.arange(m + 1)
        f["labels"] = K
        for beside in groups:
            f.create_group(beside)

    return fill


def anndata(f: Any) -> None:
    """Cells with a categorical type, as .h5ad keeps them."""
    f["X"] = X
    f["obs/_index"] = np.array([f"cell{i}" for i in range(m)], object)
    f["obs"].attrs.update({"encoding-type": "dataframe", "_index": "_index"})
    f["obs/cell_type/codes"] = K.astype(np.int8)
    f["obs/cell_type/categories"] = np.array(WORDS, object)
    f["obs/cell_type"].attrs["encoding-type"] = "categorical"
    f["var/_index"] = np.array(list("abcd"), object)
    f["var"].attrs.update({"encoding-type": "dataframe", "_index": "_index"})


def pandas_fixed(f: Any) -> None:
    """What DataFrame.to_hdf writes, without its last details."""
    f["df/axis0"], f["df/axis1"] = np.array([b"a", b"b"]), np.arange(m)
    f["df/block0_items"], f["df/block0_values"] = np.array([b"a", b"b"]), X[:, :2]
    f["df"].attrs.update({"CLASS": np.bytes_("GROUP"), "pandas_type": np.bytes_("frame")})


def columns(name: str, kind: str = "") -> Fill:
    """A table with a name for each column: a compound type."""

    def fill(f: Any) -> None:
        table = np.zeros(m, [("age", "f8"), ("size", "f4"), ("kind", "i8")])
        f[name] = table
        if kind:
            f[name].attrs["CLASS"] = np.bytes_(kind)

    return fill


def pandas_table(f: Any) -> None:
    columns("df/table", "TABLE")(f)
    f["df"].attrs["pandas_type"] = np.bytes_("frame_table")


def grid(f: Any) -> None:
    """netCDF-4: packed numbers, and a coordinate for each axis, called x and y."""
    packed = f.create_dataset("signal", data=(X * 8).astype(">i2"))
    packed.attrs.update({"scale_factor": np.float32(0.25), "add_offset": np.float32(-3)})
    packed.attrs.update({"_FillValue": np.int16(-32768), "coordinates": "height"})
    f["kind"], f["y"], f["x"] = K, np.arange(float(m)), np.arange(4.0)
    f["height"] = np.arange(float(m))
    f["y"].make_scale("y")
    f["x"].make_scale("x")
    packed.dims[0].attach_scale(f["y"])
    packed.dims[1].attach_scale(f["x"])


def missing(f: Any) -> None:
    x = (X * 8).astype(np.int16)
    x[5, 2] = -999
    f["x"], f["y"] = x, K
    f["x"].attrs["missing_value"] = np.int16(-999)


def linked(f: Any) -> None:
    f["x"], f["kept/y"] = X, K
    f["y"] = h5py.SoftLink("/kept/y")


def compressed(f: Any) -> None:
    f.create_dataset("x", data=X, chunks=(5, 3), compression="gzip", shuffle=True, fletcher32=True)
    f["y"] = K


def refused(*says: str, code: int = 3) -> Refused:
    return Refused(says, code)


UNCLEAR = "cannot tell which dataset is"

LAYOUTS: dict[str, Layout] = {
    # names
    "`x` and `y`": Layout(put({"x": X, "y": K}), CLASSES),
    "`X` and `Y`: case does not matter": Layout(put({"X": X, "Y": K}), CLASSES),
    "`x_train` and `y_train` beside `x_test` and `y_test`, as Keras calls them": Layout(
        put({"x_train": X, "y_train": K, "x_test": X + 1, "y_test": K[::-1]}), CLASSES
    ),
    "`Xtrain` and `ytrain` beside `Xtest` and `ytest`": Layout(
        put({"Xtrain": X, "ytrain": K, "Xtest": X + 1, "ytest": K}), CLASSES
    ),
    "`x-train` and `Y Train`": Layout(put({"x-train": X, "Y Train": K, "x": X + 1}), CLASSES),
    "`train_set_x`, `train_set_y` and `list_classes`, as in the course": Layout(
        put({"train_set_x": PICTURES, "train_set_y": BIT, "list_classes": [b"non-cat", b"cat"]}),
        Reads(FLAT, BIT[np.newaxis], ("non-cat", "cat")),
    ),
    "groups `train` and `val`, each with `images` and `labels`": Layout(
        put(
            {
                "train/images": PICTURES,
                "train/labels": K,
                "val/images": PICTURES[:5],
                "val/labels": K[:5],
            }
        ),
        classes(FLAT),
    ),
    "groups `inputs` and `outputs`, each with `train` and `test`": Layout(
        put({"inputs/train": X, "outputs/train": K, "inputs/test": X[:3], "outputs/test": K[:3]}),
        CLASSES,
    ),
    "`data` and `target`, as in scikit-learn": Layout(put({"data": X, "target": K}), CLASSES),
    "`data` (m, c, h, w) and `label`, floats, as in Caffe": Layout(
        put({"data": X.reshape(m, 1, 2, 2), "label": K.astype(np.float32)}), CLASSES
    ),
    "x and y deep in groups": Layout(
        put({"lab/run 1/x": X, "lab/run 1/y": K, "lab/run 1/note": np.arange(7)}), CLASSES
    ),
    "several y: the one in the group of x": Layout(
        put({"cells/x": X, "cells/y": K, "genes/y": K[::-1], "genes/z": np.arange(5)}), CLASSES
    ),
    "names that say nothing: one table, one dataset of its length": Layout(
        put({"spectra": X, "kind": K, "wavelengths": np.arange(4.0)}), CLASSES
    ),
    "names that say nothing: images and labels": Layout(
        put({"scans": PICTURES, "kind": K}), classes(FLAT)
    ),
    "names that say nothing: a table of floats and one-hot integers": Layout(
        put({"a": X, "b": HOT.astype(np.int32)}), CLASSES
    ),
    "names that say nothing: a table and a column of floats": Layout(
        put({"spectra": X, "dose": X[:, :1] + 1}), NUMBERS
    ),
    "names that say nothing, and weights, row numbers or groups": Layout(
        put({"spectra": X, "kind": K, "weights": np.ones(m), "id": np.arange(m)}), CLASSES
    ),
    "`features`, and names of the classes called `classes`": Layout(
        put({"features": X, "classes": [b"a", b"b", b"c"], "kind": K}), CLASSES
    ),
    "names in the config": Layout(
        put({"x": X + 1, "y": K[::-1], "lab/a": X, "b": K}),
        CLASSES,
        "{file: data.h5, x: lab/a, y: b}",
    ),
    "two tables of floats": Layout(
        put({"a": X, "b": X, "y": K}),
        refused(UNCLEAR + " x", "a  (12, 4)", "could be x", "could be y", "        x: a"),
    ),
    "`x` in two groups": Layout(
        put({"cells/x": X, "cells/y": K, "genes/x": X, "genes/y": K}),
        refused(UNCLEAR + " x", "cells/x", "genes/x", "x: cells/x", "y: cells/y"),
    ),
    "two datasets that could be y": Layout(
        put({"x": X, "kind": K, "sort": K, "id": np.arange(m)}),
        refused(UNCLEAR + " y", "is x", "kind  (12,)", "could be y", "y: kind"),
    ),
    "names that say nothing: spectra, labels, names of samples, wavelengths": Layout(
        put(
            {
                "spectra": X,
                "species": [WORDS[k].encode() for k in K],
                "sample_id": [f"S{i}".encode() for i in range(m)],
                "wavelength": np.arange(4.0),
            }
        ),
        refused(UNCLEAR + " y", "of 4 examples, not 12", "        y: species"),
    ),
    "no table": Layout(
        put({"kind": K, "age": np.arange(m)}), refused(UNCLEAR + " x", "one dimension")
    ),
    "no labels": Layout(
        put({"x": X, "other": np.arange(7)}), refused(UNCLEAR + " y", "of 7 examples, not 12")
    ),
    "nothing": Layout(put({}), refused("holds no dataset")),
    "a name that is not there": Layout(
        put({"train_set_x": X, "train_set_y": K}),
        refused("no dataset 'train_x'; did you mean 'train_set_x'?"),
        "{file: data.h5, x: train_x}",
    ),
    "y is a link": Layout(linked, refused("'y' is a soft link to '/kept/y'", "name the dataset")),
    # shapes
    "examples last": Layout(put({"x": X.T, "y": K}), CLASSES, data="examples: last"),
    "examples last, images, one-hot": Layout(
        put({"x": np.moveaxis(PICTURES, 0, -1), "y": HOT.T}),
        classes(FLAT),
        data="examples: last",
    ),
    "examples last, and the config does not say so": Layout(
        put({"x": X.T, "y": K}),
        refused("'y' has 12 examples (shape (12,)) but x has 4", "set data.examples: last"),
    ),
    "the same with names that say nothing": Layout(
        put({"spectra": X.T, "kind": K}),
        refused(UNCLEAR + " y", "could be y with examples: last", "      examples: last"),
    ),
    "the same with images": Layout(
        put({"x": np.moveaxis(PICTURES, 0, -1), "y": K}),
        refused("'y' has 12 examples (shape (12,)) but x has 2", "set data.examples: last"),
    ),
    "examples first, and the config says last": Layout(
        put({"spectra": X, "kind": K}),
        refused(UNCLEAR + " y", "could be y with examples: first", "      examples: first"),
        data="examples: last",
    ),
    "another number of labels": Layout(
        put({"x": X, "y": K[:11]}), refused("'y' has 11 examples (shape (11,)) but x has 12")
    ),
    "x of one dimension": Layout(
        put({"x": X[:, 0], "y": K}), refused("'x' has shape (12,); x needs at least 2 dimensions")
    ),
    "no examples": Layout(put({"x": X[:0], "y": K[:0]}), refused("'x' has no examples (0, 4)")),
    # numbers
    "float16": Layout(put({"x": X.astype("f2"), "y": K}), CLASSES),
    "float32, big-endian": Layout(put({"x": X.astype(">f4"), "y": K.astype(">i2")}), CLASSES),
    "integers": Layout(put({"x": (X * 8).astype("i8"), "y": K}), classes(X * 8)),
    "bools": Layout(put({"x": X > 0, "y": K}), classes((X > 0) * 1.0)),
    "gzip, shuffled, checksummed, in chunks": Layout(compressed, CLASSES),
    "netCDF-4: packed by scale_factor and add_offset, coordinates `x` and `y`": Layout(
        grid, classes(X * 2 - 3)
    ),
    "netCDF-4: unsigned by an attribute": Layout(
        put({"x": PICTURES.view(np.int8), "y": K}, {"x": {"_Unsigned": "true"}}),
        classes(FLAT),
    ),
    "netCDF-4: packed numbers to predict": Layout(
        put({"x": X, "y": (X[:, 0] * 8).astype("i2")}, {"y": {"scale_factor": 0.125}}),
        Reads(X, X[:, :1].T),
    ),
    "a value that an attribute calls missing": Layout(
        missing, refused("'x': NaN at row 5, column 2 (1 such values in total)")
    ),
    "packed by what is no number": Layout(
        put({"x": X, "y": K}, {"x": {"scale_factor": np.bytes_("ten")}}),
        refused("'x' is packed with a scale_factor that is no finite number"),
    ),
    "NaN in a feature that has a name": Layout(
        put(
            {"x": np.where(X[3, 1] == X, np.nan, X), "y": K},
            {"x": {"feature_names": ["age", "size", "a", "b"]}},
        ),
        refused("'x': NaN at row", "column 1 ('size')"),
    ),
    "complex numbers": Layout(
        put({"x": X + 1j, "y": K}), refused("'x': complex numbers are not supported")
    ),
    "x is text": Layout(
        put({"x": np.full((m, 2), b"a"), "y": K}), refused("'x' holds text; deepnet needs numbers")
    ),
    # labels
    "labels (m, 1)": Layout(put({"x": X, "y": K[:, np.newaxis]}), CLASSES),
    "labels (1, m)": Layout(put({"x": X, "y": K[np.newaxis]}), CLASSES),
    "labels (m, 1, 1)": Layout(put({"x": X, "y": K.reshape(m, 1, 1)}), CLASSES),
    "labels as floats": Layout(put({"x": X, "y": K.astype("f4")}), CLASSES),
    "labels from 1": Layout(put({"x": X, "y": K + 1}), Reads(X, HOT.T, ("1", "2", "3"))),
    "labels -1 and 1": Layout(put({"x": X, "y": 2 * BIT - 1}), Reads(X, BITS.Y, ("-1", "1"))),
    "labels false and true": Layout(put({"x": X, "y": BIT.astype(bool)}), BITS),
    "one-hot integers": Layout(put({"x": X, "y": HOT.astype("u1")}), CLASSES),
    "one-hot bools": Layout(put({"x": X, "y": HOT.astype(bool)}), CLASSES),
    "text": Layout(typed("y", np.array(WORDS, object)[K], TEXT), NAMED),
    "text of fixed length, filled up with spaces": Layout(
        typed("y", np.array([f"{WORDS[k]:8}".encode() for k in K]), "S8"), NAMED
    ),
    "text of fixed length, filled up with NULs": Layout(
        typed("y", np.array([WORDS[k].encode() for k in K], "S9"), "S9"), NAMED
    ),
    "an enumeration, which names the classes": Layout(
        typed("y", K, h5py.enum_dtype({"eel": 2, "cat": 0, "dog": 1}, "i1")), NAMED
    ),
    "an enumeration of any numbers": Layout(
        typed("y", 3 * K + 2, h5py.enum_dtype({"cat": 2, "dog": 5, "eel": 8}, "i4")), NAMED
    ),
    "class names in an attribute of y": Layout(
        put({"x": X, "y": K}, {"y": {"class_names": WORDS}}), NAMED
    ),
    "class names in a dataset beside y": Layout(
        put({"lab/x": X, "lab/y": K, "lab/class_names": np.array(WORDS, "S")}), NAMED
    ),
    "class names in a dataset that the config names": Layout(
        put({"x": X, "y": K, "kinds": np.array(WORDS, "S"), "class_names": [b"a", b"b", b"c"]}),
        NAMED,
        "{file: data.h5, classes: kinds}",
    ),
    "columns of 0 and 1 that do not exclude each other": Layout(
        put({"x": X, "y": X[:, :3] > 0}), Reads(X, (X[:, :3] > 0).T * 1.0)
    ),
    "numbers to predict": Layout(put({"x": X, "y": X[:, 0] + 1}), NUMBERS),
    "several numbers to predict": Layout(
        put({"x": X, "y": X[:, :2]}, {"y": {"target_names": ["depth", "width"]}}),
        Reads(X, X[:, :2].T),
    ),
    "labels that are none": Layout(
        put({"x": X, "y": np.where(K == 1, 1.5, K)}),
        refused("'y': 1.5 at row 1 is not a class label"),
    ),
    # other programs
    "MATLAB v7.3: X (m, n) and y (m, 1), of doubles": Layout(
        matlab({"X": X, "y": K[:, np.newaxis] + 0.0}), CLASSES
    ),
    "MATLAB v7.3: images (m, h, w, c) and labels (1, m)": Layout(
        matlab({"images": PICTURES, "labels": K[np.newaxis] + 0.0}), classes(FLAT)
    ),
    "MATLAB v7.3: X (n, m), labels logical": Layout(
        matlab({"X": X.T, "y": BIT[np.newaxis] > 0}), BITS, data="examples: last"
    ),
    "MATLAB v7.3: a struct with X and y": Layout(
        matlab({"S/X": X, "S/y": K[:, np.newaxis] + 0.0}), CLASSES
    ),
    "MATLAB v7.3: names that say nothing, and what cells refer to": Layout(
        matlab({"spectra": X, "kind": K[:, np.newaxis] + 0.0}), CLASSES
    ),
    "MATLAB v7.3: complex numbers": Layout(
        matlab({"X": np.zeros((m, 2), [("real", "f8"), ("imag", "f8")])}, {"X": "double"}),
        refused("'X' is complex numbers of MATLAB", "X = [real(X) imag(X)]"),
    ),
    "MATLAB v7.3: y empty": Layout(
        put(
            {"X": X.T, "y": np.zeros(2, "u8")},
            {
                "X": {"MATLAB_class": np.bytes_("double")},
                "y": {"MATLAB_class": np.bytes_("double"), "MATLAB_empty": np.uint8(1)},
            },
        ),
        refused("'y' is an empty array of MATLAB"),
    ),
    "MATLAB v7.3: labels as a cell array": Layout(
        matlab_cells, refused("'y' is a cell array of MATLAB", "grp2idx(y)")
    ),
    "MATLAB v7.3: labels as char": Layout(
        matlab({"X": X, "y": np.full((m, 3), 97, np.uint16)}, {"y": "char"}),
        refused("'y' is text of MATLAB (char)", "grp2idx(y)"),
    ),
    "MATLAB v7.3: a sparse X": Layout(
        matlab_sparse, refused("'X' is a sparse matrix of MATLAB", "full(X)")
    ),
    "pandas to_hdf, format fixed": Layout(
        pandas_fixed,
        refused(UNCLEAR + " x", "a pandas DataFrame", "pandas.read_hdf('data.h5', 'df').to_csv("),
    ),
    "pandas to_hdf, format table": Layout(
        pandas_table,
        refused("'df' is a pandas DataFrame", "read_hdf('data.h5', 'df')", "deepnet convert"),
        "{file: data.h5, x: df}",
    ),
    "a PyTables table": Layout(
        columns("readings", "TABLE"),
        refused(
            UNCLEAR + " x",
            "a PyTables table of named columns",
            "numpy.column_stack",
        ),
    ),
    "a table of named columns (compound)": Layout(
        columns("x"),
        refused("'x' is a table of named columns (age float64, size float32, kind int64)"),
    ),
    "AnnData .h5ad, X dense, a column of categories": Layout(anndata, NAMED),
    "AnnData .h5ad, X sparse": Layout(
        sparse("X", "obs", "var"),
        refused("'X' is a sparse matrix", "a.X.toarray()"),
    ),
    "the parts of a sparse matrix in a group": Layout(
        sparse("matrix"),
        refused(UNCLEAR + " x", "a sparse matrix", "scipy.sparse.csr_matrix("),
    ),
}
