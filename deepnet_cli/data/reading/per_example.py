"""What a file may say of each example beside x and y: its weight, its group, when it came."""

import warnings
from math import prod

import numpy as np

from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

WHAT = {"weights": "a number", "groups": "a group", "times": "a time"}


def check_one_each(source: Source, name: str, m: int, key: str) -> None:
    """Raise DataError where a dataset that is named under a key has not one value an example."""
    shape = source.layout(name).shape
    if prod(shape) != m or max(shape, default=0) != m:
        raise DataError(
            f"{source.path}: '{name}' has shape {shape}; expected {WHAT[key]} for each of {m} rows"
        )


def _one_each(source: Source, name: str, m: int, key: str) -> tuple[str, Array]:
    """Where a dataset is, and its values (m,).  Raises DataError."""
    check_one_each(source, name, m, key)
    return f"{source.path}: '{name}'", source.meant(name).reshape(m)


def groups(source: Source, name: str, m: int) -> Array:
    """Each example's group (m,)."""
    where, values = _one_each(source, name, m, "groups")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(f"{where}: the group at row {bad} is {values[bad]}")
    if values.dtype.kind == "O":
        values = values.astype(str)
    return values


def times(source: Source, name: str, m: int) -> Array:
    """When each example came (m,), as numbers or dates."""
    where, values = _one_each(source, name, m, "times")
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
    return checked_weights(*_one_each(source, name, m, "weights"))


def checked_weights(where: str, values: Array) -> Array:
    """The weights (m,) in float64.  Raises DataError."""
    m = len(values)
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
