"""CSV, TSV and their like: rows of cells, some lines at a time.

Lines without quotes are cut where the separators stand; where there is a quote, the standard csv
module takes the lines apart.  Either way `numbers.read_cells` reads the cells.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np

from deepnet_cli.data.convert.dialect import Dialect, find_dialect
from deepnet_cli.data.convert.numbers import Cells, read_cells
from deepnet_cli.data.convert.opening import opened
from deepnet_cli.data.convert.stream import Choices, Meter, Stream
from deepnet_cli.data.convert.table import TableBlock
from deepnet_cli.data.convert.tabular import from_table
from deepnet_cli.errors import DataError
from deepnet_cli.files import check_readable
from deepnet_cli.nn.types import Array

BYTES = 2**19
"""About how much text is in a block."""

SAMPLE, FIRST_LINES = 2**18, 3
"""How much of the beginning is looked at to find the dialect: so many bytes, but so many lines."""

LONGEST = 2**26
"""Bytes of a line; more is no table."""

BOM = b"\xef\xbb\xbf"
OTHER_UNICODE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
UNIT = "\x1f"
"""Between the cells of lines that were taken apart: hardly a text has it."""


def read_delimited(paths: list[Path], choices: Choices, meter: Meter) -> Stream:
    """x and y of a file.  Raises DataError and ConfigError."""
    return from_table(Delimited.of(paths[0], choices, meter), choices, meter)


@dataclass(frozen=True)
class Cut:
    """Text, and where in it the cells (m, n) stand."""

    text: bytes
    starts: Array
    ends: Array

    def __call__(self, column: int, rows: Array) -> list[str]:
        starts, ends = self.starts[rows, column].tolist(), self.ends[rows, column].tolist()
        cells = [self.text[i:j] for i, j in zip(starts, ends, strict=True)]
        return b"\n".join(cells).decode().split("\n") if cells else []


@dataclass(frozen=True)
class Parsed:
    """Rows of cells."""

    rows: list[list[str]]

    def __call__(self, column: int, rows: Array) -> list[str]:
        return [self.rows[i][column] for i in rows.tolist()]


@dataclass(frozen=True)
class Delimited:
    """A text file of rows."""

    path: Path
    dialect: Dialect
    meter: Meter

    @classmethod
    def of(cls, path: Path, choices: Choices, meter: Meter) -> "Delimited":
        """Look at the beginning of a file.  Raises DataError where it is no table."""
        with opened(path, Meter()) as file:
            start = file.read(SAMPLE)
            while start.count(b"\n") < FIRST_LINES and (line := file.readline(LONGEST)):
                start += line
            whole = not file.read(1)
        if not start.strip():
            raise DataError(f"{path}: empty file ({len(start)} bytes)")
        if coding := OTHER_UNICODE.get(start[:2]):
            raise DataError(f"{path}: is {coding}; save it as UTF-8")
        if b"\0" in start:
            at = start.count(b"\n", 0, start.index(b"\0")) + 1
            raise DataError(f"{path}: line {at} holds a null byte; this is no text")
        last = len(start) if whole else start.rfind(b"\n") + 1
        if not last:
            raise DataError(f"{path}: its first line is longer than {LONGEST} bytes")
        sample = _decoded(path, start[:last].removeprefix(BOM), 1).replace("\r\n", "\n")
        if "\n" not in sample.strip() and "\r" in sample.strip():
            raise DataError(f"{path}: its lines end with CR alone; save it with LF or CR LF")
        return cls(path, find_dialect(str(path), sample, choices.header), meter)

    @property
    def given(self) -> tuple[str, ...]:
        return self.dialect.given

    @property
    def names(self) -> tuple[str, ...]:
        return self.dialect.names

    @property
    def point(self) -> str:
        return self.dialect.point

    def __str__(self) -> str:
        return str(self.dialect)

    @cached_property
    def size(self) -> int:
        """Bytes that a pass reads."""
        return check_readable(self.path).st_size

    def blocks(self) -> Iterator[TableBlock]:
        """All rows below the header.  Raises DataError with the line where they are none."""
        for block, _ in self._blocks():
            yield block

    def place(self, row: int) -> str:
        """Where a row (from 0, below the header) ends."""
        for block, lines in self._blocks():
            if row < len(block.values):
                return f"line {lines[row]}"
            row -= len(block.values)
        raise IndexError(row)

    def _blocks(self) -> Iterator[tuple[TableBlock, "range | list[int]"]]:
        """Blocks, and the lines on which their rows end, from 1."""
        with opened(self.path, self.meter) as file:
            behind = self._header(file) if self.dialect.header else 0
            while text := self._lines(file, behind):
                if behind == 0:
                    text = text.removeprefix(BOM)
                count = text.count(b"\n") + (not text.endswith(b"\n"))
                block = None if b'"' in text else self._cut(text, behind)
                if block is not None:
                    yield block, range(behind + 1, behind + count + 1)
                    behind += count
                    continue
                block, lines, behind = self._parsed(text, count, file, behind)
                if lines:
                    yield block, lines

    def _header(self, file: BinaryIO) -> int:
        """How many lines the header takes, with the empty ones above it."""
        lines = (line.removeprefix(BOM) for line in iter(partial(file.readline, LONGEST), b""))
        decoded = (_decoded(self.path, line, k) for k, line in enumerate(lines, 1))
        reader = csv.reader(decoded, delimiter=self.dialect.separator)
        behind = 0
        try:
            for row in reader:
                behind = reader.line_num
                if any(cell.strip() for cell in row):
                    break
        except csv.Error:
            told = f"line {behind + 1}: a quote opens here that is not closed"
            raise DataError(f"{self.path}: {told}") from None
        return behind

    def _lines(self, file: BinaryIO, behind: int) -> bytes:
        """The next whole lines, about BYTES."""
        text = file.read(BYTES)
        if text and not text.endswith(b"\n"):
            text += (rest := file.readline(LONGEST))
            if len(rest) == LONGEST:
                line = behind + text.count(b"\n") + 1
                raise DataError(f"{self.path}: line {line} is longer than {LONGEST} bytes")
        return text

    def _cut(self, text: bytes, behind: int) -> TableBlock | None:
        """The rows of lines without a quote, or None where a line has other than n cells."""
        if not text.isascii():
            _decoded(self.path, text, behind + 1)
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        if self.dialect.separator == " ":
            text = b"\n".join(b" ".join(line.split()) for line in BytesIO(text))
        if not text.endswith(b"\n"):
            text += b"\n"
        cells = read_cells(text, self.dialect.separator.encode(), self.point.encode())
        n, lines = len(self.names), text.count(b"\n")
        if len(cells.ends) != n * lines:
            return None
        if (np.frombuffer(text, np.uint8)[cells.ends[n - 1 :: n]] != ord("\n")).any():
            return None
        return self._block(cells, Cut(text, cells.starts.reshape(-1, n), cells.ends.reshape(-1, n)))

    def _parsed(
        self, text: bytes, count: int, file: BinaryIO, behind: int
    ) -> tuple[TableBlock, list[int], int]:
        """The rows of `count` lines, the lines on which they end, and the last of all."""
        numbered = enumerate(chain(BytesIO(text), iter(file.readline, b"")), 1)
        decoded = (_decoded(self.path, line, behind + k) for k, line in numbered)
        spaces = self.dialect.separator == " "
        reader = csv.reader(decoded, delimiter=self.dialect.separator, strict=True)
        rows: list[list[str]] = []
        lines: list[int] = []
        n, at = len(self.names), 0
        try:
            while at < count:
                row = next(decoded).split() if spaces else next(reader)
                line = behind + at + 1
                at = at + 1 if spaces else reader.line_num
                if len(row) == n and (n > 1 or row[0].strip()):
                    rows.append(row)
                    lines.append(behind + at)
                elif any(cell.strip() for cell in row):
                    found = f"{len(row)} cell" + "s" * (len(row) != 1)
                    raise DataError(
                        f"{self.path}: line {line}: {found} where the first row has {n}"
                    )
        except csv.Error as error:
            told = "text behind a closing quote; write a quote in a cell twice"
            if "expected after" not in str(error):
                told = "a quote opens here that is not closed"
            raise DataError(f"{self.path}: line {behind + at + 1}: {told}") from None
        return self._block(_read(rows, self.point), Parsed(rows)), lines, behind + at

    def _block(self, cells: Cells, texts: "Cut | Parsed") -> TableBlock:
        n = len(self.names)
        return TableBlock(cells.values.reshape(-1, n), cells.plain.reshape(-1, n), texts)


def _read(rows: list[list[str]], point: str) -> Cells:
    """The cells of rows that were taken apart."""
    text = "\n".join(map(UNIT.join, rows))
    if text.count("\n") >= len(rows) or text.count(UNIT) > sum(map(len, rows)) - len(rows):
        clean = str.maketrans({"\n": " ", UNIT: " "})
        text = "\n".join(UNIT.join(cell.translate(clean) for cell in row) for row in rows)
    return read_cells((text + "\n" * bool(rows)).encode(), UNIT.encode(), point.encode())


def _decoded(path: Path, text: bytes, first: int) -> str:
    """The text of some lines, the first of which has that number.  Raises DataError."""
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        line, byte = first + text.count(b"\n", 0, error.start), text[error.start]
        raise DataError(
            f"{path}: line {line}: not UTF-8 (byte {byte:#04x}); save it as UTF-8"
        ) from None
