"""Why examples cannot be encoded: the value, its place, and what to do about it."""

from collections.abc import Mapping
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

ALIKE = "make it like that: deepnet convert NEW.csv new.h5 --like TRAIN.h5"
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


def unlike(inputs: "Inputs", table: "Table") -> str:
    """What shows that the columns of a table are others than those that the model was trained on;
    or nothing.
    """
    return (
        _other_axes(table.example, inputs.example)
        or _other_names(table, inputs.names)
        or _other_categories(table, inputs.words)
    )


def _other_axes(example: tuple[int, ...], trained: tuple[int, ...]) -> str:
    """Flat examples may be of any axes."""
    shapes = [tuple(n for n in shape if n > 1) for shape in (example, trained)]
    if shapes[0] == shapes[1] or min(map(len, shapes)) < 2:
        return ""
    return f"an example is {example}, but {trained} in the training data; arrange its axes as there"


def _other_names(table: "Table", names: tuple[str, ...]) -> str:
    if not names or not table.feature_names or table.feature_names == names:
        return ""
    j = next(j for j, name in enumerate(names) if table.feature_names[j] != name)
    how = "in another order" if sorted(table.feature_names) == sorted(names) else "otherwise"
    return (
        f"{table.column(j)} is '{one_line(names[j])}' in the training data: "
        f"the columns are named {how}; {ALIKE}"
    )


def _other_categories(table: "Table", words: Mapping[int, tuple[str, ...]]) -> str:
    """Numbers that stand for others; a file may end before the last category."""
    for j, known in words.items():
        names = table.categories.get(j, ())
        if names != known[: len(names)]:
            here, there = (
                listed(f"'{one_line(name)}'" for name in each) for each in (names, known)
            )
            return (
                f"the values of {table.column(j)} stand for {here}, in the training data for "
                f"{there}; {ALIKE}"
            )
    return ""
