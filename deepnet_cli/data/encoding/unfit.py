"""Why examples cannot be encoded: the value, its place, and what to do about it."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from deepnet_cli.data.encoding.features import marked
from deepnet_cli.data.encoding.scaling import LOG1P
from deepnet_cli.data.encoding.training_x import Columns
from deepnet_cli.errors import listed, one_line

if TYPE_CHECKING:
    from deepnet_cli.data.encoding.inputs import Inputs
    from deepnet_cli.data.reading.tables import Table

ZEROS = "train with 'unknown: zeros' in data.one_hot to take such values"


def unfit(inputs: "Inputs", table: "Table", row: int, column: int, dtype: np.dtype[Any]) -> str:
    """Of a value of x whose features are not finite."""
    raw = table.rows[row : row + 1]
    value, x = float(raw[0, column]), float(marked(raw, inputs.missing)[0, column])
    origin, number = table.origin(row)
    place = f"at row {number}, {table.column(column)}"
    categories = inputs.categories.of(column)
    if not np.isfinite(x):
        count = _count_alike(inputs, table, x)
        kind = "infinity" if np.isinf(x) else "NaN"
        if np.isfinite(value):
            kind = f"{value:g}, which means missing,"
        problem = f"{kind} {place} ({count} such values in total)"
        instead = "fill or remove them"
        if np.isnan(x):
            instead = ZEROS if len(categories) else f"{instead}, or train with data.impute: mean"
    elif len(categories):
        known = listed(f"{category:g}" for category in categories)
        problem, instead = f"{value:g} {place} is none of the categories ({known})", ZEROS
    elif inputs.scaling.function == LOG1P and x <= -1:
        problem = f"value {value:g} {place} has no log1p"
        instead = "it takes numbers above -1; choose another data.scale"
    else:
        problem, instead = f"value {value:g} {place} does not fit {dtype}", ""
    return f"{origin.x_at}: {problem}{'; ' if instead else ''}{instead}"


def _count_alike(inputs: "Inputs", table: "Table", x: float) -> int:
    """How many values are refused because they are not finite, as x."""
    found = Columns(table.rows, partial(marked, missing=inputs.missing)).statistics
    if np.isinf(x):
        return int(found.infinite.sum())
    refused = found.nan if inputs.fill is None else found.nan[inputs.categories.columns]
    return int(refused.sum())


def other_names(table: "Table", names: tuple[str, ...]) -> str:
    """Of columns that are not called as those that the model was trained on."""
    j = next(j for j, name in enumerate(names) if table.feature_names[j] != name)
    how = "in another order" if sorted(table.feature_names) == sorted(names) else "otherwise"
    return (
        f"{table.x_at}: {table.column(j)} is '{one_line(names[j])}' in the training data: "
        f"the columns are named {how}; arrange them as there, or leave feature_names out"
    )
