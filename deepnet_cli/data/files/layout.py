"""How the values of a dataset are meant, and how they become rows: one example a row.

MATLAB's arrays stand with their axes reversed, and are turned back.  Numbers that are packed
(CF conventions, which netCDF-4 files follow) are unpacked:

    value = stored * scale_factor + add_offset, NaN where stored is _FillValue or missing_value

Both work on any block of examples by itself.
https://cfconventions.org/cf-conventions/cf-conventions.html#packed-data
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from deepnet_cli.data.files.conventions import PACKING, attribute, is_matlab, texts
from deepnet_cli.data.files.guards import is_text
from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Packing:
    """Which numbers, of a type, the stored ones stand for; those in `missing` stand for none."""

    dtype: np.dtype[Any]
    factor: float
    offset: float
    missing: tuple[float, ...]

    def unpacked(self, stored: Array) -> Array:
        """The numbers that are meant."""
        values = stored.astype(self.dtype)
        values *= self.factor
        values += self.offset
        for value in self.missing:
            values[stored == value] = np.nan
        return values

    def __str__(self) -> str:
        words = [f"stored * {self.factor:.7g}"] if self.factor != 1 else ["stored"]
        words += [f"{'+-'[self.offset < 0]} {abs(self.offset):.7g}"] if self.offset else []
        missing = ", ".join(f"{value:.7g}" for value in self.missing)
        return " ".join(words) + f"; missing: {missing}" * bool(missing)


@dataclass(frozen=True)
class Layout:
    """Shape and type as they are meant; `turned`: the file has the axes reversed.

    `stored` is the type of what stands in the file, unsigned where that is meant.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    turned: bool = False
    packing: Packing | None = None

    def values(self, stored: Array) -> Array:
        """What is meant by what stands in the file, or by a block of it."""
        numbers = (stored.T if self.turned else stored).astype(self.stored, copy=False)
        return numbers if self.packing is None else self.packing.unpacked(numbers)

    def rows(self, stored: Array, *, last: bool) -> Array:
        """The same as (m, n): the axes that do not count examples are flattened in C order.

        `last`: examples are counted on the last axis of the shape that is meant.
        """
        x = self.values(stored)
        if last:
            x = np.moveaxis(x, -1, 0)
        return np.ascontiguousarray(x.reshape(len(x), prod(x.shape[1:])))

    def plain(self, there: np.dtype[Any]) -> bool:
        """Whether values of the type that is there are meant as they are."""
        return not self.turned and self.packing is None and there == self.stored

    def axis(self, *, last: bool) -> int:
        """The axis of the file that counts examples, the first or the last."""
        return 0 if last == self.turned else -1

    def __str__(self) -> str:
        dtype = "text" if self.dtype.kind == "O" else self.dtype.name
        return f"{self.shape} {dtype}" + (f" ({self.packing})" if self.packing else "")


def layout_of(dataset: Any) -> Layout:
    """The layout of an h5py dataset, by its metadata."""
    shape, turned = tuple(dataset.shape or ()), is_matlab(dataset)
    shape = shape[::-1] if turned else shape
    if is_text(dataset):
        return Layout(shape, np.dtype(object), np.dtype(object), turned)
    stored = np.dtype(dataset.dtype.str)
    if attribute(dataset, "MATLAB_class") == "logical":
        stored = np.dtype(bool)
    elif stored.kind == "i" and texts(dataset, "_Unsigned") == ("true",):
        stored = np.dtype(stored.str.replace("i", "u"))
    packing = _packing(dataset, stored)
    return Layout(shape, packing.dtype if packing else stored, stored, turned, packing)


def _packing(dataset: Any, stored: np.dtype[Any]) -> Packing | None:
    """What the attributes say of numbers; None where that changes none of them."""
    if stored.kind not in "iuf":
        return None
    factor, offset = (attribute(dataset, name) for name in PACKING)
    missing: list[float] = []
    for name in ("_FillValue", "missing_value"):
        for value in np.ravel(attribute(dataset, name)):
            missing += _as_stored(value, dataset.dtype, stored)
    changed = {name for name, plain in ((factor, 1), (offset, 0)) if name not in (None, plain)}
    if not changed and not missing:
        return None
    wide = any(np.asarray(value).dtype.itemsize > 4 for value in changed)
    dtype = np.result_type(stored, np.float64 if wide else np.float32)
    factor, offset = 1 if factor is None else factor, 0 if offset is None else offset
    return Packing(dtype, float(factor), float(offset), tuple(dict.fromkeys(missing)))


def _as_stored(value: Any, written: np.dtype[Any], stored: np.dtype[Any]) -> list[float]:
    """A number that stands for none, if it can stand among the values at all."""
    if np.asarray(value).dtype.kind not in "iuf" or value != value:
        return []
    with np.errstate(over="ignore", invalid="ignore"):
        there = np.asarray(value).astype(written)
    if written.kind != "f" and there != value:
        return []
    found: float = there.astype(stored).item()
    return [found]
