"""Tables of arrays that a program has: held to what is asked of a file's."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from deepnet_cli.data.reading.labels import examples_first
from deepnet_cli.data.reading.per_example import checked_weights
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array


def table_of(x: Any, y: Any = None, weights: Any = None, class_names: Sequence[str] = ()) -> Table:
    """x (m, ...), y (m,) or (m, K) and weights (m,) as a table; of a data frame the columns have
    their names.  Raises DataError.
    """
    X = _rows(x)
    m, n = len(X), prod(X.shape[1:])
    names = [str(name) for name in getattr(x, "columns", ())]
    return Table(
        np.ascontiguousarray(X.reshape(m, n)),
        None if y is None else examples_first(_array(y, "y"), m, "y", features=n),
        "X",
        "y",
        tuple(class_names),
        None if weights is None else _weights(weights, m),
        feature_names=tuple(names),
        example=X.shape[1:],
    )


def _rows(x: Any) -> Array:
    X = _array(x, "X")
    if X.dtype.kind == "O":  # of a data frame whose columns have several types
        try:
            X = X.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError("X holds text or objects; deepnet needs numbers") from None
    if X.dtype.kind not in "biuf":
        raise DataError(f"X holds {X.dtype}; deepnet needs numbers")
    if X.ndim < 2:
        raise DataError(
            f"X has shape {X.shape}; it needs at least 2 dimensions, examples and features; "
            "one example: X.reshape(1, -1)"
        )
    if not X.size:
        raise DataError(f"X has shape {X.shape}: there is nothing in it")
    return X


def _weights(weights: Any, m: int) -> Array:
    values = _array(weights, "weights")
    if values.shape != (m,):
        raise DataError(f"weights have shape {values.shape}; expected one for each of {m} rows")
    return checked_weights("weights", values)


def _array(values: Any, name: str) -> Array:
    if hasattr(values, "toarray"):
        raise DataError(f"{name} is sparse; give {name}.toarray()")
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is no array: {error}") from None
