"""From a table of columns to x and y.

y is the column that was named, else one that is called so, else the last.  Text becomes the number
of its category, in sorted order, with the names kept: of y in the dataset `class_names`, of a
feature in an attribute of x, "categories.NAME".
"""

from collections.abc import Collection, Iterator

import numpy as np

from deepnet_cli.data.convert.columns import MOST, Column, Reading, find_columns
from deepnet_cli.data.convert.like import Like
from deepnet_cli.data.convert.numbers import MISSING
from deepnet_cli.data.convert.stream import Block, Choices, Field, Meter, Stream
from deepnet_cli.data.convert.table import Table, TableBlock
from deepnet_cli.data.convert.widths import common_type
from deepnet_cli.errors import ConfigError, DataError, did_you_mean, listed, one_line
from deepnet_cli.nn.types import Array

LABELS = ("label", "labels", "target", "targets", "class", "y", "output")
"""What a column of labels is called, whatever its case; the first of these that there is."""

INDEX_NAMES = ("", "Unnamed: 0", "__index_level_0__")
"""What pandas calls the numbers of rows."""

FEW = 20
"""As many texts are categories however few the rows are."""

MANY = 1000
"""More texts are none."""


def from_table(table: Table, choices: Choices, meter: Meter) -> Stream:
    """x and y of a table.  Raises DataError and ConfigError."""
    reading = _reading(table, choices)
    like = None if choices.like is None else Like.of(choices.like)
    places, labels, why = _chosen(table, choices, like)
    as_text = [j for j in places + labels if like and table.names[j] in like.categories]
    columns, m = find_columns(table, reading, meter, places + labels, as_text)
    if not m:
        raise DataError(f"{table.path}: no row in it")
    notes = [f"{table.path}: {m:,} {'row' if m == 1 else 'rows'} of {table}"]
    features, targets = columns[: len(places)], columns[len(places) :]
    if like is None:
        features = _useful(features, notes)
        _check_features(table, features)
    else:
        features = [like.column(str(table.path), column) for column in features]
        targets = [like.column(str(table.path), column) for column in targets]
    if not features:
        raise DataError(f"{table.path}: no column is left for x")
    skipped = _check_labels(table, targets, choices)
    if targets:
        notes.append(f"y is {' and '.join(_quoted(c) for c in targets)}{why}")
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
        notes.append(f"text as the numbers of its sorted categories: {listed(map(_quoted, texts))}")
    if choices.like is None and any(column.text for column in features + targets):
        notes.append("for other files of this kind, to get the same numbers: --like OUT.h5")
    if gaps := [column for column in features if column.gaps]:
        told = listed(f"{_quoted(column)} {column.gaps:,}" for column in gaps)
        notes.append(f"missing values, NaN in x: {told}")
    m -= max((column.gaps for column in targets), default=0)
    fields = [Field("x", (m, len(features)), x.dtype, attributes)]
    if targets:
        y = Part(targets, _dtype(table, targets, choices, []))
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
    gaps = []
    for word in words:
        try:
            gaps.append(float(word))
        except ValueError:
            continue
    return Reading(table.point, MISSING | words, tuple(gaps))


def _column(table: Table, name: str) -> int:
    """The number of a column, from its name or its number from 1."""
    if name in table.names:
        return table.names.index(name)
    n = len(table.names)
    if name.isdecimal() and 1 <= int(name) <= n:
        return int(name) - 1
    found = listed(f"'{column}'" for column in table.names)
    raise ConfigError(
        f"{table.path}: no column '{one_line(name)}'{did_you_mean(name, table.names)} "
        f"(the {n} columns: {found})"
    )


def _chosen(table: Table, choices: Choices, like: Like | None) -> tuple[list[int], list[int], str]:
    """The columns of x, those of y, and what there is to say of y."""
    if like is not None:
        like.check_names(str(table.path), table.names)
        places = [table.names.index(name) for name in like.features]
        if choices.no_label or not {*like.targets} <= {*table.names}:
            return places, [], "" if choices.no_label else f"no column {listed(like.targets)}"
        return places, [table.names.index(name) for name in like.targets], ""
    dropped = [_column(table, name) for name in choices.drop]
    labels, why = _labels(table, choices, dropped)
    return [j for j in range(len(table.names)) if j not in {*dropped, *labels}], labels, why


def _labels(table: Table, choices: Choices, dropped: list[int]) -> tuple[list[int], str]:
    """The columns of y, and why, where nobody has said."""
    if choices.no_label:
        return [], ""
    if choices.label:
        return [_column(table, name) for name in choices.label], ""
    every = enumerate(table.names)
    left = [j for j, name in every if j not in dropped and name not in INDEX_NAMES]
    by_name = {table.names[j].casefold(): j for j in reversed(left)}
    for word in LABELS:
        if word in by_name:
            return [by_name[word]], ", by its name"
    if len(left) < 2:
        return [], ""
    return left[-1:], ", the last column; another is named with --label, none with --no-label"


def _useful(features: list[Column], notes: list[str]) -> list[Column]:
    """Those that have values and are more than the numbers of the rows."""
    numbers = [c for c in features if c.name in INDEX_NAMES and c.counts and not c.text]
    if numbers:
        notes.append("left out: a column without a name that numbers the rows")
    if empty := [column for column in features if not column.present]:
        notes.append(f"left out, without any value: {listed(map(_quoted, empty))}")
    return [column for column in features if column.present and column not in numbers]


def _check_features(table: Table, features: list[Column]) -> None:
    """Refuse texts that are no categories."""
    free = []
    for column in features:
        if not column.text or len(column.categories) <= FEW:
            continue
        texts = column.present - column.numbers
        if column.first_text is not None and column.numbers > texts:
            row, text = column.first_text
            raise DataError(
                f"{table.path}: {table.place(row)}: '{one_line(text)}' in column "
                f"{_quoted(column)}, whose other cells are numbers; if it stands for no value, "
                f"add --missing '{one_line(text)}', else correct it or add --drop {column.name}"
            )
        if len(column.categories) > min(MANY, column.present / 2):
            free.append(column)
    if free:
        many = "more than " * (len(free[0].categories) > MOST) + f"{len(free[0].categories):,}"
        raise DataError(
            f"{table.path}: column {_quoted(free[0])} holds {many} different texts, too many for "
            f"categories; leave such columns out: "
            + " ".join(f"--drop '{column.name}'" for column in free)
        )


def _check_labels(table: Table, targets: list[Column], choices: Choices) -> int:
    """How many rows have no label.  Raises DataError where that was not said to be right."""
    for column in targets:
        if column.text and len(column.categories) > MANY:
            raise DataError(
                f"{table.path}: column {_quoted(column)} holds more than {MANY:,} different texts; "
                "name the column of labels with --label"
            )
        if column.text and len(targets) > 1:
            raise DataError(
                f"{table.path}: column {_quoted(column)} holds text; several labels are numbers"
            )
    gaps = [column for column in targets if column.gaps]
    if gaps and not choices.skip_unlabeled:
        column = gaps[0]
        raise DataError(
            f"{table.path}: {table.place(column.first_gap)}: no label in column "
            f"{_quoted(column)} ({column.gaps:,} such rows); leave them out with --skip-unlabeled"
        )
    if len(gaps) > 1:
        raise DataError(f"{table.path}: labels are missing in {len(gaps)} columns; fill them")
    return gaps[0].gaps if gaps else 0


def _dtype(
    table: Table, columns: list[Column], choices: Choices, notes: list[str]
) -> np.dtype[np.generic]:
    return common_type(str(table.path), columns, choices.dtype, notes)


def _quoted(column: Column) -> str:
    return f"'{column.name}'"
