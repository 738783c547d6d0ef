"""What stands in each column of a table, found in one pass: numbers, text, nothing.

A column of numbers may have gaps, which are NaN.  Any other is text, and each text of it a
category.  Where a column holds numbers and texts, it is looked at once more, as text.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from deepnet_cli.data.convert.numbers import all_numbers, number
from deepnet_cli.data.convert.stream import Meter
from deepnet_cli.data.convert.table import Table, TableBlock
from deepnet_cli.nn.types import Array

MOST = 10_000
"""Different texts that are counted in a column."""


@dataclass(frozen=True)
class Column:
    """What was seen of one: numbers, or the texts that it holds; and its gaps."""

    name: str
    place: int  # from 0
    numbers: int
    gaps: int
    first_gap: int  # row
    low: float
    high: float
    whole: bool
    counts: bool  # whether it is k, k + 1, k + 2, ...: what numbers the rows
    words: Counter[str] | None = None  # of text
    first_text: tuple[int, str] | None = None  # row, what

    @property
    def text(self) -> bool:
        """Whether its cells are the names of categories."""
        return self.words is not None

    @property
    def present(self) -> int:
        """Cells that are not empty."""
        return self.numbers if self.words is None else self.words.total()

    @property
    def categories(self) -> tuple[str, ...]:
        """The texts that it holds, sorted."""
        return tuple(sorted(self.words or ()))


class Seen:
    """What was seen so far of columns with these names."""

    def __init__(self, names: Sequence[str]) -> None:
        n = len(names)
        self.names, self.m = names, 0
        self.numbers, self.gaps, self.first_gap = np.zeros((3, n), np.int64)
        self.low, self.high = np.full(n, inf), np.full(n, -inf)
        self.whole, self.counts = np.ones((2, n), bool)
        self.start = np.zeros(n)  # in the first row
        self.words: dict[int, Counter[str]] = {}  # of the columns that are text
        self.first_text: dict[int, tuple[int, str]] = {}

    def see(self, places: Array, values: Array) -> None:
        """Numbers (m, n), NaN for gaps, of the next rows of some columns."""
        gaps = np.isnan(values)
        self._miss(places, gaps.sum(axis=0), gaps.argmax(axis=0) if gaps.any() else 0)
        self.numbers[places] += (~gaps).sum(axis=0)
        low, high = np.fmin.reduce(values), np.fmax.reduce(values)
        self.low[places] = np.fmin(self.low[places], low)
        self.high[places] = np.fmax(self.high[places], high)
        whole = ((np.floor(values) == values) & np.isfinite(values)) | gaps
        self.whole[places] &= whole.all(axis=0)
        rows = np.arange(self.m, self.m + len(values))[:, np.newaxis]
        if self.m == 0 and len(values):
            self.start[places] = values[0]
        with np.errstate(invalid="ignore"):  # inf - inf
            self.counts[places] &= (values - self.start[places] == rows).all(axis=0)

    def see_words(self, place: int, words: list[str]) -> None:
        """Texts, "" for gaps, of the next rows of a column."""
        found = Counter(words)
        if gaps := found.pop("", 0):
            self._miss(np.array([place]), np.array([gaps]), words.index(""))
        counted = self.words.setdefault(place, Counter())
        if len(counted) <= MOST:
            counted.update(found)

    def _miss(self, places: Array, count: Array, row: Array | int) -> None:
        """So many gaps, the first in that row from the next on."""
        new = (self.gaps[places] == 0) & (count > 0)
        self.first_gap[places] = np.where(new, self.m + row, self.first_gap[places])
        self.gaps[places] += count

    def column(self, place: int) -> Column:
        """All of it, of one."""
        return Column(
            self.names[place],
            place,
            int(self.numbers[place]),
            int(self.gaps[place]),
            int(self.first_gap[place]),
            float(self.low[place]),
            float(self.high[place]),
            bool(self.whole[place]),
            bool(self.counts[place]),
            self.words.get(place),
            self.first_text.get(place),
        )


@dataclass(frozen=True)
class Reading:
    """How cells are understood: the decimal point, and what stands for nothing."""

    point: str
    missing: frozenset[str]
    gaps: tuple[float, ...] = ()  # numbers that stand for nothing

    def numbers(self, block: TableBlock, places: Array) -> tuple[Array, dict[int, tuple[int, str]]]:
        """The numbers (m, n) of some columns, NaN for gaps; and of each that holds a text, by its
        place, the first with its row.
        """
        values = block.values[:, places]
        texts: dict[int, tuple[int, str]] = {}
        for k in np.flatnonzero(~block.plain[:, places].all(axis=0)).tolist():
            place = int(places[k])
            odd = np.flatnonzero(~block.plain[:, place])
            cells = block.texts(place, odd)
            found = all_numbers(cells, self.point)
            if found is None or "nan" in "".join(cells).casefold():
                told = {cell: number(cell, self.point, self.missing) for cell in {*cells}}
                first = next((i for i, cell in enumerate(cells) if told[cell] is None), None)
                if first is not None:
                    texts[place] = int(odd[first]), cells[first]
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
    table: Table, reading: Reading, meter: Meter, wanted: list[int], as_text: Sequence[int] = ()
) -> tuple[list[Column], int]:
    """The columns with the `wanted` numbers, some of them known to be text, and how many rows the
    table has.
    """
    numeric = [place for place in wanted if place not in as_text]
    seen = _pass(table, reading, meter, numeric, as_text)
    mixed = [place for place in seen.first_text if place not in seen.words]
    if mixed:
        again = _pass(table, reading, meter, [], mixed)
        for place in mixed:
            seen.words[place], seen.gaps[place] = again.words[place], again.gaps[place]
            seen.first_gap[place] = again.first_gap[place]
    return [seen.column(place) for place in wanted], seen.m


def _pass(
    table: Table, reading: Reading, meter: Meter, wanted: list[int], as_text: Sequence[int]
) -> Seen:
    """What one pass over a table shows of the `wanted` columns, and of those taken for text."""
    seen, numeric, textual = Seen(table.names), np.array(wanted, np.int64), list(as_text)
    seen.words.update({place: Counter() for place in as_text})
    meter.expect(table.size)
    for block in table.blocks():
        values, texts = reading.numbers(block, numeric)
        for place, (row, text) in texts.items():
            seen.first_text.setdefault(place, (seen.m + row, text))
        alone = [place for place in texts if not seen.numbers[place]]
        text_only = np.isnan(values).all(axis=0) & np.isin(numeric, alone)
        textual += numeric[text_only].tolist()
        numeric, values = numeric[~text_only], values[:, ~text_only]
        for place in textual:
            seen.see_words(place, reading.words(block, place))
        seen.see(numeric, values)
        seen.m += len(block.values)
    return seen
