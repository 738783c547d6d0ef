"""What stands in each column of a table, found in one pass: numbers, text, nothing.

A column of numbers may have gaps, which are NaN.  Any other is text, and each text of it a
category.  Where numbers come first and a text later, the column is looked at once more, as text.
"""

from collections import Counter
from dataclasses import dataclass, field
from math import inf

import numpy as np

from deepnet_cli.data.convert.numbers import all_numbers, number
from deepnet_cli.data.convert.stream import Meter
from deepnet_cli.data.convert.table import Table, TableBlock
from deepnet_cli.nn.types import Array

MOST = 10_000
"""Different texts that are counted in a column."""


@dataclass
class Column:
    """What was seen of one."""

    name: str
    place: int  # from 0
    text: bool = False
    numbers: int = 0
    gaps: int = 0
    low: float = inf
    high: float = -inf
    whole: bool = True
    counts: bool = True  # whether it is 0, 1, 2, ...: what numbers the rows
    words: Counter[str] = field(default_factory=Counter)
    first_text: tuple[int, str] | None = None  # row, what
    first_gap: int | None = None  # row

    @property
    def present(self) -> int:
        """Cells that are not empty."""
        return self.words.total() if self.text else self.numbers

    @property
    def categories(self) -> tuple[str, ...]:
        """The texts that it holds, sorted."""
        return tuple(sorted(self.words))

    def see_words(self, words: list[str], row: int) -> None:
        """Texts, "" for gaps, of the rows from that one on."""
        found = Counter(words)
        if gaps := found.pop("", 0):
            self.miss(gaps, row + words.index(""))
        if len(self.words) <= MOST:
            self.words.update(found)

    def miss(self, count: int, row: int) -> None:
        """So many gaps, the first in that row."""
        self.gaps += count
        self.first_gap = row if self.first_gap is None else self.first_gap


def see(columns: list[Column], values: Array, row: int) -> None:
    """Numbers (m, n), NaN for gaps, of the rows from that one on, a column for each."""
    gaps = np.isnan(values)
    missed = gaps.sum(axis=0)
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    whole = ((np.floor(values) == values) | gaps).all(axis=0) & (np.maximum(-low, high) < inf)
    counts = (values == np.arange(row, row + len(values))[:, np.newaxis]).all(axis=0)
    for j, column in enumerate(columns):
        if missed[j]:
            column.miss(int(missed[j]), row + int(gaps[:, j].argmax()))
        if missed[j] == len(values):
            continue
        column.numbers += len(values) - int(missed[j])
        column.low, column.high = min(column.low, low[j]), max(column.high, high[j])
        column.whole &= bool(whole[j])
        column.counts &= bool(counts[j])


@dataclass(frozen=True)
class Reading:
    """How cells are understood: the decimal point, and what stands for nothing."""

    point: str
    missing: frozenset[str]
    gaps: tuple[float, ...] = ()  # numbers that stand for nothing

    def numbers(
        self, block: TableBlock, places: list[int]
    ) -> tuple[Array, dict[int, tuple[int, str]]]:
        """The numbers (m, n) of some columns, NaN for gaps, and in which of the n (by its place) a
        text is none: the first, with its row.
        """
        values, texts = block.values[:, places], {}
        for k in np.flatnonzero(~block.plain[:, places].all(axis=0)).tolist():
            odd = np.flatnonzero(~block.plain[:, places[k]])
            cells = block.texts(places[k], odd)
            found = all_numbers(cells, self.point)
            if found is None or "nan" in "".join(cells).casefold():
                told = {cell: number(cell, self.point, self.missing) for cell in {*cells}}
                first = next((i for i, cell in enumerate(cells) if told[cell] is None), None)
                if first is not None:
                    texts[places[k]] = int(odd[first]), cells[first]
                found = np.array([told[cell] for cell in cells], np.float64)  # None is NaN
            values[odd, k] = found
        if self.gaps:
            values[np.isin(values, self.gaps)] = np.nan
        return values, texts

    def words(self, block: TableBlock, column: int) -> list[str]:
        """The texts of a column, "" for gaps."""
        cells = block.texts(column, np.arange(len(block.values)))
        told = {cell: cell.strip() for cell in {*cells}}
        told |= {cell: "" for cell, text in told.items() if text.casefold() in self.missing}
        return [told[cell] for cell in cells]


def find_columns(
    table: Table, reading: Reading, meter: Meter, wanted: list[int], as_text: frozenset[int]
) -> tuple[list[Column], int]:
    """The columns with the `wanted` numbers, in a pass over the table, and how many rows it has."""
    columns = [Column(table.names[j], j, text=j in as_text) for j in wanted]
    meter.expect(table.size)
    m = 0
    for block in table.blocks():
        numeric = [column for column in columns if not column.text]
        values, texts = reading.numbers(block, [column.place for column in numeric])
        for column in numeric:
            if column.place in texts:
                row, text = texts[column.place]
                column.first_text = column.first_text or (m + row, text)
                column.text = not column.numbers
        left = [k for k, column in enumerate(numeric) if not column.text]
        see([numeric[k] for k in left], values[:, left], m)
        for column in columns:
            if column.text:
                column.see_words(reading.words(block, column.place), m)
        m += len(block.values)
    if mixed := [column for column in columns if column.first_text and not column.text]:
        places = [column.place for column in mixed]
        again, _ = find_columns(table, reading, meter, places, frozenset(places))
        for before, column in zip(mixed, again, strict=True):
            column.numbers, column.first_text = before.numbers, before.first_text
            columns[columns.index(before)] = column
    return columns, m
