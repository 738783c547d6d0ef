"""LIBSVM's and SVMlight's text in: a label, then index:value for what is not 0; dense out.

    -1 3:1 11:0.5 14:1 # a comment

Indices count from 1, or from 0 where one is 0.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.convert.columns import Seen
from deepnet_cli.data.convert.numbers import number, read_cells
from deepnet_cli.data.convert.opening import opened
from deepnet_cli.data.convert.stream import Block, Choices, Field, Meter, Stream
from deepnet_cli.data.convert.widths import common_type
from deepnet_cli.errors import DataError, MachineError, one_line
from deepnet_cli.fused.blocks import blocks as slices
from deepnet_cli.memory import available_memory, told
from deepnet_cli.nn.types import Array

BYTES = 2**19
"""About how much text is in a block."""

LONGEST = 2**26
"""Bytes of a line."""

DENSE = 2**22
"""About how many bytes of dense rows are made at a time."""

MOST = 2**31
"""Indices are below it."""

_NUMBER = rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_LINE = re.compile(_NUMBER + rb"(\s+qid:\d+)?(\s+\d+:" + _NUMBER + rb")*")
"""What each line is, without comments."""

_COMMENT = re.compile(rb"[ \t]*#[^\n]*")
_QUERY = re.compile(rb"[ \t]qid:\d+")


class Sparse(NamedTuple):
    """Some rows: labels (m,), and the row, index and value of each entry."""

    labels: Array
    rows: Array
    indices: Array
    values: Array


def read_svmlight(paths: list[Path], choices: Choices, meter: Meter) -> Stream:
    """x and y of a file.  Raises DataError with the line."""
    (path,) = paths
    size = path.stat().st_size
    meter.expect(2 * size)
    seen = Seen(["x", "y"])
    m = entries = n = 0
    base = 1
    for block in _blocks(path, meter):
        seen.see(np.array([0]), np.append(block.values, 0.0)[:, np.newaxis])
        seen.see(np.array([1]), block.labels[:, np.newaxis])
        m, entries = m + len(block.labels), entries + len(block.values)
        if len(block.indices):
            n, base = max(n, int(block.indices.max()) + 1), min(base, int(block.indices.min()))
    n -= base
    if n < 1:
        raise DataError(f"{path}: no row with a value in it")
    notes = [f"{path}: {m:,} rows of {n:,} features, which count from {base}"]
    if 8 * n > available_memory() // 4:
        raise MachineError(f"{path}: has {n:,} features; a dense row takes {told(8 * n)} of memory")
    dtype = common_type(str(path), [seen.column(0)], choices.dtype, notes)
    dense = told(m * n * dtype.itemsize)
    notes.append(
        f"{100 * entries / (m * n):.3g} % of the values are there; dense they take {dense}"
    )
    label = common_type(str(path), [seen.column(1)], None, [])

    def blocks(_: Collection[str]) -> Iterator[Block]:
        for block in _blocks(path, meter):
            first = np.searchsorted(block.rows, np.arange(len(block.labels) + 1))
            for i in slices(len(block.labels), max(1, DENSE // (n * 8))):
                labels = block.labels[i]
                some = slice(first[i.start], first[i.start + len(labels)])
                rows = np.zeros((len(labels), n), dtype)
                rows[block.rows[some] - i.start, block.indices[some] - base] = block.values[some]
                yield {"x": rows, "y": labels.astype(label)}

    return Stream((Field("x", (m, n), dtype), Field("y", (m,), label)), blocks, tuple(notes))


def _blocks(path: Path, meter: Meter) -> Iterator[Sparse]:
    line = 1
    with opened(path, meter) as file:
        while text := file.read(BYTES):
            text += file.readline(LONGEST)
            block = _parsed(path, text, line)
            if len(block.labels):  # else there are but comments
                yield block
            line += text.count(b"\n")


def _parsed(path: Path, text: bytes, first: int) -> Sparse:
    """The entries of whole lines.  Raises DataError with the line."""
    lines = _QUERY.sub(b"", _COMMENT.sub(b"", text)) if b"#" in text or b"qid" in text else text
    tidy = b"\n".join(b" ".join(line.split()) for line in lines.split(b"\n"))
    tidy = re.sub(rb"\n+", b"\n", tidy.strip()) + b"\n"
    if tidy == b"\n":
        return Sparse(*np.empty((2, 0)), *np.empty((2, 0), np.int64))
    cells = read_cells(tidy, b" :")
    values = cells.values
    for k in np.flatnonzero(~cells.plain):
        told = number(tidy[cells.starts[k] : cells.ends[k]].decode("utf-8", "replace"))
        if told is None or not np.isfinite(told):
            _refuse(path, text, first)
        values[k] = told
    after = np.frombuffer(tidy, np.uint8)[cells.ends]
    before = np.append(ord("\n"), after[:-1])
    index, value, label = after == ord(":"), before == ord(":"), before == ord("\n")
    if (index & value).any() or (index & label).any() or (index + value + label == 0).any():
        _refuse(path, text, first)
    if not cells.plain[index].all() or (values[index] != np.floor(values[index])).any():
        _refuse(path, text, first)
    if ((values[index] < 0) | (values[index] >= MOST)).any():
        _refuse(path, text, first)
    rows = np.cumsum(label)[value] - 1
    return Sparse(values[label], rows, values[index].astype(np.int64), values[value])


def _fits(line: bytes) -> bool:
    """Whether a line is as it should be."""
    if not _LINE.fullmatch(line):
        return False
    label, *entries = map(float, _QUERY.sub(b"", line).replace(b":", b" ").split())
    return bool(np.isfinite([label, *entries]).all()) and max(entries[::2], default=0) < MOST


def _refuse(path: Path, text: bytes, first: int) -> None:
    """Name the first line that is not as it should be."""
    for k, line in enumerate(text.split(b"\n")):
        whole = _COMMENT.sub(b"", line).strip()
        if whole and not _fits(whole):
            shown = one_line(whole[:40].decode("utf-8", "replace"))
            raise DataError(
                f"{path}: line {first + k}: '{shown}' is not 'label index:value ...'; correct it"
            )
    raise ValueError("a line that is no such line")
