"""In which type numbers are kept: as small as does them no harm.

Whole numbers alone, without gaps, have the smallest integers that hold them all.  Anything else
has float32, but for columns that need float64: beyond float32, whole numbers above 2^24, and
numbers so near to each other for their size that float32 has under 2^12 steps between them.
"""

import numpy as np

from deepnet_cli.data.convert.columns import Column
from deepnet_cli.errors import DataError, listed

EXACT = 2**53
"""Above this float64 has not every whole number."""

STEPS = 2**12
INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "int64")
SINGLE = np.finfo(np.float32)
LARGEST = float(SINGLE.max)


def common_type(
    path: str, columns: list[Column], asked: str | None, notes: list[str]
) -> np.dtype[np.generic]:
    """The type for all of the columns.  Raises DataError where the one asked for is too small."""
    ranges = [_range(column) for column in columns]
    if asked is not None:
        for column, (low, high) in zip(columns, ranges, strict=True):
            most = max(-low, high)
            if asked == "float32" and LARGEST < most < np.inf:
                raise DataError(
                    f"{path}: column '{column.name}' holds {most:g}; that does not fit float32"
                )
        return np.dtype(asked)
    whole = all((c.text or c.whole) and not c.gaps for c in columns)
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if whole and max(-low, high) <= EXACT:
        return next(
            np.dtype(name)
            for name in INTEGERS
            if np.iinfo(name).min <= low and high <= np.iinfo(name).max
        )
    fine = [c for c, (low, high) in zip(columns, ranges, strict=True) if _fine(c, low, high)]
    if fine:
        notes.append(f"float64, for what float32 cannot tell apart: {listed(c.name for c in fine)}")
    return np.dtype("float64" if fine else "float32")


def _range(column: Column) -> tuple[float, float]:
    return (0, len(column.categories) - 1) if column.text else (column.low, column.high)


def _fine(column: Column, low: float, high: float) -> bool:
    """Whether float32 would lose what tells the numbers apart."""
    most = max(-low, high)
    if column.text or not np.isfinite(most):
        return False
    if most > LARGEST or (column.whole and most > 2**24):
        return True
    return 0 < high - low < STEPS * float(SINGLE.eps) * most
