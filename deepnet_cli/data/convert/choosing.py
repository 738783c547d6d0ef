"""Which columns of a table are x and which are y, and what neither can be.

y is the column that was named, else one that is called so, else the last.
"""

import shlex
from collections.abc import Iterable

from deepnet_cli.data.convert.columns import MOST, Column
from deepnet_cli.data.convert.like import Like
from deepnet_cli.data.convert.numbers import number
from deepnet_cli.data.convert.stream import Choices
from deepnet_cli.data.convert.table import Table
from deepnet_cli.errors import ConfigError, DataError, did_you_mean, listed, one_line, shortened

LABELS = ("label", "labels", "target", "targets", "class", "y", "output")
"""What a column of labels is called, whatever its case; the first of these that there is."""

INDEX_NAMES = ("", "Unnamed: 0", "__index_level_0__")
"""What pandas calls the numbers of rows."""

FEW = 20
"""As many texts are categories however few the rows are."""

MANY = 1000
"""More texts are none."""

SHOWN, LONGEST = 3, 80
"""Texts that a message names, and characters of each."""


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


def chosen(table: Table, choices: Choices, like: Like | None) -> tuple[list[int], list[int], str]:
    """The columns of x, those of y, and what there is to say of y."""
    if like is not None:
        like.check_names(str(table.path), table.names)
        places = [table.names.index(name) for name in like.features]
        if choices.no_label or not {*like.targets} <= {*table.names}:
            return places, [], "" if choices.no_label else f"no column {listed(like.targets)}"
        return places, [table.names.index(name) for name in like.targets], ""
    out = [_column(table, name) for name in choices.drop]
    labels, why = _labels(table, choices, out)
    return [j for j in range(len(table.names)) if j not in {*out, *labels}], labels, why


def _labels(table: Table, choices: Choices, out: list[int]) -> tuple[list[int], str]:
    """The columns of y, and why, where nobody has said."""
    if choices.no_label:
        return [], ""
    if choices.label:
        return [_column(table, name) for name in choices.label], ""
    every = enumerate(table.names)
    left = [j for j, name in every if j not in out and name not in INDEX_NAMES]
    by_name = {table.names[j].casefold(): j for j in reversed(left)}
    for word in LABELS:
        if word in by_name:
            return [by_name[word]], ", by its name"
    if len(left) < 2:
        return [], ""
    return left[-1:], ", the last column (--label names another, --no-label none)"


def textual(table: Table, choices: Choices, like: Like | None) -> set[int]:
    """The columns whose cells are text, be they numbers or not."""
    if like is not None:
        return {j for j, name in enumerate(table.names) if name in like.categories}
    return {_column(table, name) for name in choices.text}


def useful(features: list[Column], notes: list[str]) -> list[Column]:
    """Those that have values and are more than the numbers of the rows."""
    numbers = [c for c in features if c.whole and not c.text and c.present]
    unnamed = [c for c in numbers if c.name in INDEX_NAMES]
    if unnamed:
        notes.append("left out: a column of whole numbers with no name, as an index has")
    notes += [
        f"{quoted(c)} numbers the rows, as an id does, and is better left out: {dropped([c])}"
        for c in numbers
        if c.counts and c.numbers > FEW and c not in unnamed
    ]
    if empty := [column for column in features if not column.present]:
        notes.append(f"left out, without any value: {listed(map(quoted, empty))}")
    return [column for column in features if column.present and column not in unnamed]


def check_features(table: Table, features: list[Column]) -> None:
    """Refuse texts that are no categories."""
    for column in features:
        _check_texts(table, column, f" or add {dropped([column])}")
    free = [c for c in features if len(c.categories) > max(FEW, min(MANY, c.present / 2))]
    if free:
        raise DataError(
            f"{table.path}: column {quoted(free[0])} holds {_many(free[0])}, too many for "
            f"categories; leave such columns out: {dropped(free)}"
        )


def check_labels(table: Table, targets: list[Column], choices: Choices, m: int) -> int:
    """How many of m rows have no label.  Raises DataError where that was not said to be right."""
    for column in targets:
        _check_texts(table, column)
        if column.text and len(column.categories) > MANY:
            raise DataError(
                f"{table.path}: column {quoted(column)} holds {_many(column)}; "
                "name the column of labels with --label"
            )
        if column.text and len(targets) > 1:
            raise DataError(
                f"{table.path}: column {quoted(column)} holds text; several labels are numbers"
            )
        if column.gaps >= m:
            raise DataError(
                f"{table.path}: column {quoted(column)} has no label in any row; go without y "
                "by --no-label"
            )
    gaps = [column for column in targets if column.gaps]
    if gaps and not choices.skip_unlabeled:
        column = gaps[0]
        raise DataError(
            f"{table.path}: {table.place(column.first_gap)}: no label in column "
            f"{quoted(column)} ({column.gaps:,} such rows); leave them out with --skip-unlabeled"
        )
    if len(gaps) > 1:
        raise DataError(f"{table.path}: labels are missing in {len(gaps)} columns; fill them")
    return gaps[0].gaps if gaps else 0


def _check_texts(table: Table, column: Column, way: str = "") -> None:
    """Refuse texts in a column that holds more numbers, with one more `way` out."""
    if not column.text or column.first_text is None:
        return
    if column.numbers <= column.present - column.numbers:
        return
    row, text = column.first_text[0], column.first_text[1].strip()
    others = [w for w in column.categories if w != text and number(w, table.point) is None]
    texts = [text, *others]
    more = f" and {len(texts) - SHOWN:,} more" if len(texts) > SHOWN else ""
    told = ", ".join(f"'{one_line(word)}'" for word in texts[:SHOWN]) + more
    missing = " ".join(f"--missing {shlex.quote(word)}" for word in texts[:SHOWN])
    one, names = len(texts) == 1, f"--text {shlex.quote(column.name)}"
    named = f"; where its numbers are names too, add {names}" * (len(column.categories) <= FEW)
    raise DataError(
        f"{table.path}: {table.place(row)}: {told} in column {quoted(column)}, whose other cells "
        f"are numbers; if {'it stands' if one else 'they stand'} for no value, add {missing}, else "
        f"correct {'it' if one else 'them'}{way}{named}"
    )


def _many(column: Column) -> str:
    """How many texts it holds, and one of them."""
    count = len(column.categories)
    text = column.first_text[1].strip() if column.first_text else column.categories[0]
    return f"{'more than ' * (count > MOST)}{count:,} different texts such as '{one_line(text)}'"


def briefly(column: Column) -> str:
    """Its name, with how many categories it has and the first of them."""
    first = ", ".join(shortened(one_line(c), LONGEST) for c in column.categories[:SHOWN])
    more = ", ..." if len(column.categories) > SHOWN else ""
    return f"{quoted(column)} ({len(column.categories):,}: {first}{more})"


def dropped(columns: Iterable[Column]) -> str:
    """What leaves them out, as it is typed."""
    return " ".join(f"--drop {shlex.quote(column.name)}" for column in columns)


def quoted(column: Column) -> str:
    """Its name, in a message."""
    return f"'{shortened(column.name, LONGEST)}'"
