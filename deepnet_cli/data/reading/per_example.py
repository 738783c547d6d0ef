"""What a file may say of each example beside x and y: its weight, its group, when it came."""

import warnings

import numpy as np

from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array


def _one_each(source: Source, name: str, m: int, what: str) -> tuple[str, Array]:
    """Where a dataset is, and its values (m,).  Raises DataError."""
    where, values = f"{source.path}: '{name}'", source.meant(name)
    if values.size != m or max(values.shape, default=0) != m:
        raise DataError(f"{where} has shape {values.shape}; expected {what} for each of {m} rows")
    return where, values.reshape(m)


def groups(source: Source, name: str, m: int) -> Array:
    """Each example's group (m,)."""
    where, values = _one_each(source, name, m, "a group")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(f"{where}: the group at row {bad} is {values[bad]}")
    if values.dtype.kind == "O":
        values = values.astype(str)
    return values


def times(source: Source, name: str, m: int) -> Array:
    """When each example came (m,), as numbers or dates."""
    where, values = _one_each(source, name, m, "a time")
    if values.dtype.kind not in "biuf":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # NumPy's, of time zones
                values = values.astype(str).astype(np.datetime64)
        except (ValueError, UserWarning, DeprecationWarning):
            raise DataError(
                f"{where}: expected numbers, or dates such as 2024-01-31 or 2024-01-31T12:30:00 "
                "(no time zone)"
            ) from None
    bad = np.flatnonzero(np.isnat(values) if values.dtype.kind == "M" else ~np.isfinite(values))
    if len(bad):
        raise DataError(f"{where}: the time at row {bad[0]} is {values[bad[0]]}")
    return values


def weights(source: Source, name: str, m: int) -> Array:
    """How much each example counts, (m,)."""
    where, values = _one_each(source, name, m, "a number")
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where} holds text; expected a number for each of {m} rows")
    weights = values.astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise DataError(
            f"{where}: the weight at row {bad[0]} is {weights[bad[0]]:g}; "
            "expected a finite number >= 0"
        )
    if not weights.any():
        raise DataError(f"{where}: every weight is 0; there is nothing to learn from")
    return weights
