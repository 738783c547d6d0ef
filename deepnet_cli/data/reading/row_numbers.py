"""Which rows a part has, where a dataset says it: their numbers, or a mask."""

import numpy as np

from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array


def read_row_numbers(source: Source, name: str, m: int, x_at: str) -> Array:
    """The numbers (k,), ascending, of some of the m rows of x.

    The dataset holds numbers from 0, each once, or is a mask (m,) of bools or of 0 and 1.  Raises
    DataError.
    """
    where, values = f"{source.path}: '{name}'", source.meant(name)
    if source.has_attribute("deepnet") and (of := int(source.number("examples"))) != m:
        raise DataError(f"{source.path}: its rows are those of {of} examples; {x_at} has {m}")
    if values.size != max(values.shape, default=0):
        raise DataError(f"{where} has shape {values.shape}; expected row numbers (k,)")
    values = values.ravel()
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where} holds text; expected row numbers, or a mask of {m} bools")
    if values.dtype == bool and len(values) != m:
        raise DataError(f"{where} is a mask of {len(values)}, but {x_at} has {m} rows")
    if values.dtype == bool or (len(values) == m > 2 and np.isin(values, (0, 1)).all()):
        values = np.flatnonzero(values)
    if len(values) == 0:
        raise DataError(f"{where} names no row")
    _check_range(values, m, where, x_at)
    by_number = np.argsort(values, kind="stable")
    numbers = values[by_number].astype(np.int64)
    again = np.flatnonzero(numbers[1:] == numbers[:-1])
    if len(again):
        first, second = by_number[again[0]], by_number[again[0] + 1]
        raise DataError(
            f"{where}: row {numbers[again[0]]} stands there twice, at {first} and {second} "
            f"({len(again)} such in all)"
        )
    return numbers


def _check_range(values: Array, m: int, where: str, x_at: str) -> None:
    bad = np.flatnonzero(~((values >= 0) & (values < m) & (values == np.floor(values))))
    if not len(bad):
        return
    from_one = values.min() > 0 and values.max() == m
    hint = "; they count from 0" if from_one else ""
    raise DataError(
        f"{where}: {values[bad[0]]:.15g} at {bad[0]} is no row; {x_at} has rows 0 to {m - 1}{hint}"
    )
