"""From a table of columns to x and y, block by block.

Text becomes the number of its category, in sorted order, with the names kept: of y in the dataset
`class_names`, of a feature in an attribute of x, "categories.NAME".
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from deepnet_cli.data.convert.choosing import (
    briefly,
    check_features,
    check_labels,
    chosen,
    quoted,
    textual,
    useful,
)
from deepnet_cli.data.convert.columns import Column, Reading, find_columns
from deepnet_cli.data.convert.like import Like
from deepnet_cli.data.convert.numbers import MISSING, number
from deepnet_cli.data.convert.stream import Block, Choices, Field, Meter, Stream
from deepnet_cli.data.convert.table import Table, TableBlock
from deepnet_cli.data.convert.widths import common_type
from deepnet_cli.errors import DataError, listed
from deepnet_cli.nn.types import Array


def from_table(table: Table, choices: Choices, meter: Meter) -> Stream:
    """x and y of a table.  Raises DataError and ConfigError."""
    reading = _reading(table, choices)
    like = None if choices.like is None else Like.of(choices.like)
    places, labels, why = chosen(table, choices, like)
    text = textual(table, choices, like)
    as_text = [j for j in places + labels if j in text]
    columns, m = find_columns(table, reading, meter, places + labels, as_text)
    if not m:
        raise DataError(f"{table.path}: no row in it")
    notes = [f"{table.path}: {m:,} {'row' if m == 1 else 'rows'} of {table}"]
    names = zip(table.names, table.given, strict=True)
    if again := [f"'{name}'" for name, given in names if name != given]:
        notes.append(f"columns with the name of an earlier one are called {listed(again)}")
    features, targets = columns[: len(places)], columns[len(places) :]
    if like is None:
        features = useful(features, notes)
        check_features(table, features)
    else:
        features = [like.column(table, column) for column in features]
        targets = [like.column(table, column) for column in targets]
    if not features:
        raise DataError(f"{table.path}: no column is left for x")
    skipped = check_labels(table, targets, choices, m)
    if targets:
        notes.append(f"y is {' and '.join(quoted(c) for c in targets)}{why}")
    elif why:
        notes.append(f"there is no y: {why}")
    if skipped:
        notes.append(f"left out: {skipped:,} rows without a label")
    return _stream(table, reading, features, targets, choices, m, notes, meter)


class Part:
    """Columns that become one dataset."""

    def __init__(self, columns: list[Column], dtype: np.dtype[np.generic]) -> None:
        self.dtype = dtype
        self._places = np.array([column.place for column in columns])
        self._numeric = np.array([not column.text for column in columns])
        self._codes = {
            k: {word: float(code) for code, word in enumerate(column.categories)} | {"": np.nan}
            for k, column in enumerate(columns)
            if column.text
        }

    def rows(self, block: TableBlock, reading: Reading) -> Array:
        """(m, n) of a block, NaN for gaps."""
        rows = np.empty((len(block.values), len(self._places)))
        rows[:, self._numeric], _ = reading.numbers(block, self._places[self._numeric])
        for k, codes in self._codes.items():
            rows[:, k] = [codes[word] for word in reading.words(block, int(self._places[k]))]
        return rows


def _stream(
    table: Table,
    reading: Reading,
    features: list[Column],
    targets: list[Column],
    choices: Choices,
    m: int,
    notes: list[str],
    meter: Meter,
) -> Stream:
    x = Part(features, _dtype(table, features, choices, notes))
    texts = [column for column in features if column.text]
    attributes: dict[str, object] = {"feature_names": tuple(c.name for c in features)}
    attributes |= {f"categories.{c.name}": c.categories for c in texts}
    if texts:
        notes.append(f"text as the numbers of its sorted categories: {listed(map(briefly, texts))}")
    if choices.like is None and any(column.text for column in features + targets):
        notes.append("for other files of this kind, to get the same numbers: --like OUT.h5")
    if gaps := [column for column in features if column.gaps]:
        told = listed(f"{quoted(column)} {column.gaps:,}" for column in gaps)
        notes.append(f"missing values, NaN in x: {told}")
    m -= max((column.gaps for column in targets), default=0)
    fields = [Field("x", (m, len(features)), x.dtype, attributes)]
    if targets:
        labeled = [replace(column, gaps=0) for column in targets]  # the rows that are taken
        y = Part(targets, _dtype(table, labeled, choices, []))
        shape = (m,) if len(targets) == 1 else (m, len(targets))
        names = {"target_names": tuple(column.name for column in targets)}
        fields.append(Field("y", shape, y.dtype, names))
        if targets[0].text:
            classes = np.array(targets[0].categories, object)
            fields.append(Field("class_names", classes.shape, classes.dtype))

    def blocks(_: Collection[str]) -> Iterator[Block]:
        meter.expect(table.size)
        for block in table.blocks():
            rows = x.rows(block, reading)
            if not targets:
                yield {"x": rows.astype(x.dtype)}
                continue
            labels = y.rows(block, reading)
            here = ~np.isnan(labels).any(axis=1)
            yield {
                "x": rows[here].astype(x.dtype),
                "y": labels[here].astype(y.dtype).reshape(-1, *shape[1:]),
            }
        if targets and targets[0].text:
            yield {"class_names": classes}

    return Stream(tuple(fields), blocks, tuple(notes))


def _reading(table: Table, choices: Choices) -> Reading:
    words = frozenset(word.strip().casefold() for word in choices.missing)
    gaps = tuple(value for word in words if (value := number(word, table.point)) is not None)
    return Reading(table.point, MISSING | words, gaps)


def _dtype(
    table: Table, columns: list[Column], choices: Choices, notes: list[str]
) -> np.dtype[np.generic]:
    return common_type(str(table.path), columns, choices.dtype, notes)
