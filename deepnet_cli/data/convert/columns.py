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

    def see(self, values: Array, row: int) -> None:
        """Numbers (m,), NaN for gaps, of the rows from that one on."""
        if len(gaps := np.flatnonzero(np.isnan(values))):
            self._miss(len(gaps), row + int(gaps[0]))
            values = np.delete(values, gaps)
            self.counts = False
        if not len(values):
            return
        self.numbers += len(values)
        self.low, self.high = min(self.low, values.min()), max(self.high, values.max())
        if self.whole:
            self.whole = bool((np.floor(values) == values).all() and np.isfinite(values).all())
        if self.counts:
            self.counts = bool((values == np.arange(row, row + len(values))).all())

    def see_words(self, words: list[str], row: int) -> None:
        """Texts, "" for gaps, of the rows from that one on."""
        found = Counter(words)
        if gaps := found.pop("", 0):
            self._miss(gaps, row + words.index(""))
        if len(self.words) <= MOST:
            self.words.update(found)

    def _miss(self, count: int, row: int) -> None:
        self.gaps += count
        self.first_gap = row if self.first_gap is None else self.first_gap


@dataclass(frozen=True)
class Reading:
    """How cells are understood: the decimal point, and what stands for nothing."""

    point: str
    missing: frozenset[str]
    gaps: tuple[float, ...] = ()  # numbers that stand for nothing

    def numbers(self, block: TableBlock, column: int) -> tuple[Array, tuple[int, str] | None]:
        """The numbers (m,) of a column, NaN for gaps, and the first text that is none."""
        values, text = self._numbers(block, column)
        if self.gaps:
            values = np.where(np.isin(values, self.gaps), np.nan, values)
        return values, text

    def _numbers(self, block: TableBlock, column: int) -> tuple[Array, tuple[int, str] | None]:
        values = block.values[:, column]
        odd = np.flatnonzero(~block.plain[:, column])
        if not len(odd):
            return values, None
        cells, values = block.texts(column, odd), values.copy()
        found = all_numbers(cells, self.point)
        if found is not None and "nan" not in " ".join(cells).casefold():
            values[odd] = found
            return values, None
        told = {cell: number(cell, self.point, self.missing) for cell in dict.fromkeys(cells)}
        text = next(((i, c) for i, c in zip(odd, cells, strict=True) if told[c] is None), None)
        values[odd] = [np.nan if told[cell] is None else told[cell] for cell in cells]
        return values, text and (int(text[0]), text[1])

    def words(self, block: TableBlock, column: int) -> list[str]:
        """The texts of a column, "" for gaps."""
        cells = [c.strip() for c in block.texts(column, np.arange(len(block.values)))]
        return ["" if cell.casefold() in self.missing else cell for cell in cells]


def find_columns(
    table: Table, reading: Reading, meter: Meter, wanted: list[int], as_text: frozenset[int]
) -> tuple[list[Column], int]:
    """The columns with the `wanted` numbers, in a pass over the table, and how many rows it has."""
    columns = [Column(table.names[j], j, text=j in as_text) for j in wanted]
    meter.expect(table.size)
    m = 0
    for block in table.blocks():
        for column in columns:
            if not column.text:
                values, text = reading.numbers(block, column.place)
                column.text = text is not None and not column.numbers
                if not column.text:
                    column.see(values, m)
                if text is not None and column.first_text is None:
                    column.first_text = m + text[0], text[1]
            if column.text:
                column.see_words(reading.words(block, column.place), m)
        m += len(block.values)
    mixed = [c for c in columns if c.first_text is not None and not c.text]
    if mixed:
        again, _ = find_columns(
            table, reading, meter, [c.place for c in mixed], frozenset(c.place for c in mixed)
        )
        for before, column in zip(mixed, again, strict=True):
            column.numbers, column.first_text = before.numbers, before.first_text
        by_place = {column.place: column for column in again}
        columns = [by_place.get(column.place, column) for column in columns]
    return columns, m
