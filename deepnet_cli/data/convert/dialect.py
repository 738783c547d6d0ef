"""How a text file writes a table, found in its first lines: separator, decimal point, header.

A separator has to give each line as many cells, more than one; of those that do, the one that
leaves most cells numbers is taken, else the first of SEPARATORS.  The first line is a header where
it has no number and lines below have some, where a word stands above numbers, or where its numbers
count the columns; in a table of text alone, where none of its words stands below it.
"""

import contextlib
import csv
import re
from dataclasses import dataclass
from functools import cached_property

from deepnet_cli.data.convert.numbers import number
from deepnet_cli.data.convert.table import distinct
from deepnet_cli.errors import DataError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
"""What may be between cells; a space stands for any run of spaces and tabs."""

LINES, CELLS = 100, 500
"""As many lines are looked at, and in lines spread over them that have about so many cells, whether
these are numbers."""

START = re.compile(r"(\s*\n)?( *#)?")
"""What stands above the first cell: empty lines, and the mark of a comment."""

Cells = list[list[str]]


@dataclass(frozen=True)
class Dialect:
    """What is between cells, the decimal point, and the columns' names."""

    separator: str
    point: str
    header: bool
    given: tuple[str, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The same, no two alike."""
        return distinct(self.given)

    def __str__(self) -> str:
        n = len(self.given)
        columns = "1 column" if n == 1 else f"{n} columns between {SEPARATORS[self.separator]}"
        comma = ", decimal commas" if self.point == "," else ""
        return f"{columns}{comma}, {'with a' if self.header else 'no'} header"


def cells_of(lines: list[str], separator: str) -> Cells:
    """The rows of cells in some lines; empty ones are left out.

    Between spaces a header has one cell less where the column of row numbers has no name.
    """
    if separator == " ":
        rows = [line.split() for line in lines if line.strip()]
        if rows[1:] and all(
            row[0].isdecimal() and len(row) == len(rows[0]) + 1 for row in rows[1:]
        ):
            rows[0].insert(0, "")
        return rows
    rows = []
    with contextlib.suppress(csv.Error):  # the reader will say where
        for row in csv.reader(lines, delimiter=separator):
            rows.append(row)
    return [row for row in rows if any(cell.strip() for cell in row)]


def find_dialect(path: str, sample: str, header: bool | None) -> Dialect:
    """The dialect of a file that begins so; `header` says whether it has one, if anybody knows.

    Raises DataError where there is no row.
    """
    lines = [line + "\n" for line in START.sub("", sample, count=1).split("\n", LINES)[:LINES]]
    tables = {separator: cells_of(lines, separator) for separator in SEPARATORS}
    separator = min(tables, key=lambda s: _doubt(s, tables[s]))
    rows = tables[separator]
    if not rows:
        raise DataError(f"{path}: no row in it")
    point = _point(separator, rows)
    if header is None:
        header = _has_header(rows, point)
    if header and len(rows) == 1:
        raise DataError(f"{path}: no row below its header; if it has none, add --no-header")
    names = [cell.strip() if header else f"column{k}" for k, cell in enumerate(rows[0], start=1)]
    return Dialect(separator, point, header, tuple(names))


def _doubt(separator: str, rows: Cells) -> tuple[bool, float, int]:
    """The less the better."""
    alike = bool(rows) and {len(row) for row in rows} == {len(rows[0])} != {1}
    cells, point = _some(rows[1:] or rows), _point(separator, rows)
    numbers = sum(number(cell, point) is not None for cell in cells)
    return not alike, -round(numbers / max(1, len(cells)), 2), list(SEPARATORS).index(separator)


def _point(separator: str, rows: Cells) -> str:
    """A comma where cells are numbers with one, and none is with a point."""
    if separator == ",":
        return "."
    cells = [cell for cell in _some(rows[1:] or rows) if "," in cell or "." in cell]
    with_comma = sum("," in cell and number(cell, ",") is not None for cell in cells)
    with_point = sum("." in cell and number(cell) is not None for cell in cells)
    return "," if with_comma > with_point else "."


def _has_header(rows: Cells, point: str) -> bool:
    first, below = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    numbers = {
        j: value for j, cell in enumerate(first) if (value := _number(cell, point)) is not None
    }
    columns = list(zip(*below, strict=True))
    if numbers:
        named = [j for j, cell in enumerate(first) if j not in numbers and cell.strip()]
        of_numbers = any(
            all(_number(cell, point) is not None for cell in columns[j]) for j in named if columns
        )
        return of_numbers or (_count(first, point) and not any(_count(r, point) for r in below))
    if any(_number(cell, point) is not None for cell in _some(below)):
        return True
    return not any(cell in column for cell, column in zip(first, columns, strict=False))


def _number(cell: str, point: str) -> float | None:
    return number(cell, point, frozenset())


def _count(row: list[str], point: str) -> bool:
    """Whether the numbers in a row, three or more, are those of its columns."""
    found = [v - j for j, cell in enumerate(row) if (v := _number(cell, point)) is not None]
    return len(found) > 2 and found[0] in (-1, 0, 1) and len(set(found)) == 1


def _some(rows: Cells) -> list[str]:
    """The cells of every k-th row: of all columns."""
    step = sum(map(len, rows)) // CELLS + 1
    return [cell for row in rows[::step] for cell in row]
