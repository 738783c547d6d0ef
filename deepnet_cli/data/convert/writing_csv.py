"""CSV out: a header, and a line an example; features first, then labels.

Floats have the fewest digits that give them back, NaN is an empty cell, and a category is written
by its name.
"""

import csv
from collections.abc import Sequence
from io import StringIO
from math import prod
from typing import BinaryIO

import numpy as np

from deepnet_cli.data.convert.stream import CLASS_NAMES, Field, Stream
from deepnet_cli.data.decimals import decimals
from deepnet_cli.errors import DataError, listed
from deepnet_cli.fused.blocks import BLOCK, blocks
from deepnet_cli.nn.types import Array

Names = dict[int, tuple[str, ...]]
"""Of the columns that hold the numbers of categories."""


def write_csv(file: BinaryIO, stream: Stream, _: str) -> None:
    """x, and y where there is one, of a stream that has no more.  Raises DataError."""
    x, y, classes = _parts(stream)
    heads = _heads(x, "feature_names", "x")
    columns = [Columns(heads, _categories(x, heads))]
    if y is not None:
        targets = _heads(y, "target_names", "y")
        named: Names = {0: tuple(map(str, _whole(stream, classes)))} if classes else {}
        columns.append(Columns(targets, named))
    labels = None if y is None else Walk(stream, y)
    file.write(_line([head for part in columns for head in part.heads]))
    for block in stream.blocks([x.name]):
        rows = _flat(block[x.name]) if x.name in block else ()
        for i in blocks(len(rows), max(1, BLOCK // len(heads))):
            cells = [columns[0].cells(rows[i])]
            if labels is not None:
                cells.append(columns[1].cells(labels.take(len(rows[i]))))
            lines = np.concatenate(cells, axis=1)
            lines[:, -1] = ord("\n")
            file.write(lines.tobytes().translate(None, b"\0"))
    if labels is not None:
        labels.end()


class Walk:
    """The examples (m, n) of a field, so many at a time."""

    def __init__(self, stream: Stream, field: Field) -> None:
        every = (block.get(field.name) for block in stream.blocks([field.name]))
        self._blocks = (_flat(values) for values in every if values is not None)
        self._held: Array = _flat(np.empty((0, *field.shape[1:]), field.dtype))

    def take(self, count: int) -> Array:
        """The next ones."""
        while len(self._held) < count:
            self._held = np.concatenate([self._held, next(self._blocks)])
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def end(self) -> None:
        """Whoever counts what goes by counts at the end."""
        for _ in self._blocks:
            pass


def _flat(values: Array) -> Array:
    return values.reshape(len(values), prod(values.shape[1:]))


class Columns:
    """How the columns of x or of y are written: by number, or by the name of a category."""

    def __init__(self, heads: Sequence[str], named: Names) -> None:
        self.heads = heads
        self._named = {j: (len(names), _texts(["", *names])) for j, names in named.items()}

    def cells(self, rows: Array) -> Array:
        """Bytes (m, ...): each cell of rows (m, n) with a comma behind it, and zeros in between."""
        if rows.dtype.kind in "OSU":
            return _texts([str(text) for text in rows[:, 0]])
        if not self._named:
            return _numbers(rows)
        cells = [_numbers(rows[:, j : j + 1]) for j in range(rows.shape[1])]
        for j, (count, texts) in self._named.items():
            codes, gaps = rows[:, j], np.isnan(rows[:, j].astype(np.float64))
            known = ~gaps & (codes >= 0) & (codes < count) & (codes == np.floor(codes))
            if (known | gaps).all():
                cells[j] = texts[np.where(known, codes, -1).astype(np.int64) + 1]
        return np.concatenate(cells, axis=1)


def _parts(stream: Stream) -> tuple[Field, Field | None, Field | None]:
    """x, y and the names of y's classes.  Raises DataError where there is more, or no x."""
    left = [field for field in stream.fields if field.name not in CLASS_NAMES]
    classes = next((field for field in stream.fields if field.name in CLASS_NAMES), None)
    tables = [f for f in left if len(f.shape) >= 2 and f.dtype.kind != "O"]
    wide = [f for f in tables if prod(f.shape[1:]) > 1] if len(tables) > 1 else tables
    named = [f for f in wide if f.name == "x"] or [f for f in wide if _last(f).startswith("x")]
    x = next(iter(wide if len(wide) == 1 else named), None)
    others = [field for field in left if field is not x]
    if x is None or len(others) > 1 or any(f.shape[:1] != x.shape[:1] for f in others):
        found = listed(f"{field.name} {field.shape}" for field in stream.fields)
        raise DataError(
            f"a CSV file takes one table, and labels of as many rows; this holds {found}; "
            "name them: --only X --only Y"
        )
    y = others[0] if others else None
    if y is not None and y.dtype.kind == "O" and prod(y.shape[1:]) > 1:
        raise DataError(f"'{y.name}' holds text in {y.shape}; a CSV file takes one label a row")
    return x, y, classes if y is not None and len(y.shape) == 1 and y.dtype.kind != "O" else None


def _last(field: Field) -> str:
    """Its name in its group."""
    return field.name.rpartition("/")[2].lower()


def _whole(stream: Stream, field: Field) -> Array:
    """All values of a field."""
    every = [block[field.name] for block in stream.blocks([field.name]) if field.name in block]
    return np.concatenate(every) if every else np.empty(field.shape, field.dtype)


def _heads(field: Field, attribute: str, letter: str) -> list[str]:
    n = prod(field.shape[1:])
    given = field.attributes.get(attribute)
    if given is not None and len(names := _named(given)) == n:
        return names
    return [letter] if n == 1 and letter == "y" else [f"{letter}{k}" for k in range(1, n + 1)]


def _categories(x: Field, heads: list[str]) -> Names:
    named = {}
    for j, head in enumerate(heads):
        if (names := x.attributes.get(f"categories.{head}")) is not None:
            named[j] = tuple(_named(names))
    return named


def _named(values: object) -> list[str]:
    """Texts as they are meant, which HDF5 may hold as bytes."""
    each = np.ravel(np.asarray(values, object))
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in each]


def _numbers(rows: Array) -> Array:
    """Bytes (m, n (width + 1)) of numbers (m, n); NaN is nothing."""
    if rows.dtype.kind == "f":
        dtype = np.float32 if rows.dtype.itemsize < 4 else rows.dtype
        flat = rows.ravel().astype(dtype)
        gaps = np.isnan(flat)
        text = decimals(np.where(gaps, flat.dtype.type(0), flat))
        text[gaps] = 0
    else:
        whole = rows.ravel().astype(np.int8) if rows.dtype.kind == "b" else rows.ravel()
        text = whole.astype("S21").view(np.uint8).reshape(whole.size, -1)
    cells = np.full((len(text), text.shape[1] + 1), ord(","), np.uint8)
    cells[:, :-1] = text
    return cells.reshape(len(rows), -1)


def _texts(texts: list[str]) -> Array:
    """Bytes (m, width + 1): each text as CSV has it, with a comma behind it."""
    lines = np.array([_line([text, ""])[:-2] for text in texts], "S")
    cells = np.zeros((len(texts), lines.dtype.itemsize + 1), np.uint8)
    cells[:, :-1] = lines.view(np.uint8).reshape(len(texts), -1)
    cells[:, -1] = ord(",")
    return cells


def _line(cells: list[str]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
