"""Parquet, Arrow and Feather in, by pyarrow."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepnet_cli.data.convert.extras import needed
from deepnet_cli.data.convert.stream import BYTES, Choices, Meter, Stream
from deepnet_cli.data.convert.table import TableBlock, distinct
from deepnet_cli.data.convert.tabular import from_table
from deepnet_cli.errors import DataError
from deepnet_cli.files import check_readable
from deepnet_cli.nn.types import Array

Batches = Iterator[tuple[float, Any]]
"""Record batches, and the part of the file that was read with each."""


class Opened(NamedTuple):
    """The names and types of a file, and its record batches of about so many rows."""

    schema: Any
    batches: Callable[[int], Batches]


def read_parquet(paths: list[Path], choices: Choices, meter: Meter) -> Stream:
    """x and y of a file.  Raises DataError."""
    return _read(paths[0], _parquet, choices, meter)


def read_arrow(paths: list[Path], choices: Choices, meter: Meter) -> Stream:
    """x and y of a file.  Raises DataError."""
    return _read(paths[0], _ipc, choices, meter)


def _read(path: Path, opened: Callable[[Path], Opened], choices: Choices, meter: Meter) -> Stream:
    check_readable(path)
    needed("pyarrow", "arrow", f"{path}: Parquet and Arrow files")
    with _translated(path):
        file = opened(path)
    return from_table(Columnar(path, file, meter), choices, meter)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """What pyarrow raises for a damaged file, as a DataError."""
    from pyarrow import ArrowException

    try:
        yield
    except (OSError, ArrowException):
        raise DataError(f"{path}: damaged file; copy or make it again") from None


def _parquet(path: Path) -> Opened:
    from pyarrow import parquet

    file = parquet.ParquetFile(path, memory_map=False, buffer_size=BYTES)
    rows = max(1, file.metadata.num_rows)

    def batches(size: int) -> Batches:
        done = 0
        for batch in file.iter_batches(size, use_threads=False):
            done += batch.num_rows
            yield done / rows, batch

    return Opened(file.schema_arrow, batches)


def _ipc(path: Path) -> Opened:
    from pyarrow import ipc, memory_map

    try:
        file = ipc.open_file(memory_map(str(path)))
    except ValueError:
        file = None
    schema = (file or ipc.open_stream(memory_map(str(path)))).schema

    def stored() -> Batches:
        if file is None:
            yield from ((1.0, batch) for batch in ipc.open_stream(memory_map(str(path))))
            return
        count = file.num_record_batches
        yield from (((i + 1) / count, file.get_batch(i)) for i in range(count))

    def batches(size: int) -> Batches:
        for part, batch in stored():
            for start in range(0, batch.num_rows, size):
                yield part, batch.slice(start, size)

    return Opened(schema, batches)


@dataclass(frozen=True)
class Columnar:
    """A file of typed columns, some rows at a time."""

    path: Path
    opened: Opened
    meter: Meter

    point = "."

    def __str__(self) -> str:
        n = len(self.names)
        return f"{n} column{'s' if n != 1 else ''}"

    @cached_property
    def size(self) -> int:
        """Bytes that a pass reads."""
        return check_readable(self.path).st_size

    @property
    def given(self) -> tuple[str, ...]:
        return tuple(self.opened.schema.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return distinct(self.given)

    def place(self, row: int) -> str:
        """Rows count from 0, as in all messages of arrays."""
        return f"row {row}"

    def blocks(self) -> Iterator[TableBlock]:
        """All rows.  Raises DataError where they cannot be read."""
        n, before = len(self.names), 0
        with _translated(self.path):
            for part, batch in self.opened.batches(max(1, BYTES // (8 * max(1, n)))):
                self.meter.moved(int(part * self.size) - before)
                before = int(part * self.size)
                yield self._block(batch)

    def _block(self, batch: Any) -> TableBlock:
        values = np.full((batch.num_rows, batch.num_columns), np.nan)
        plain = np.zeros(values.shape, bool)
        for j, column in enumerate(batch.columns):
            if (numbers := _numbers(column)) is not None:
                values[:, j], plain[:, j] = numbers, True
        return TableBlock(values, plain, _Texts(str(self.path), batch))


@dataclass(frozen=True)
class _Texts:
    path: str
    batch: Any

    def __call__(self, column: int, rows: Array) -> list[str]:
        from pyarrow import types

        values, name = self.batch.column(column), self.batch.schema.names[column]
        kind = values.type.value_type if types.is_dictionary(values.type) else values.type
        if not (types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view"):
            raise DataError(
                f"{self.path}: column '{name}' is of type {values.type}; deepnet takes numbers and "
                f"text; leave it out: --drop {shlex.quote(name)}"
            )
        return ["" if text is None else text for text in values.take(rows).to_pylist()]


def _numbers(column: Any) -> Array | None:
    """A column in float64 (m,), NaN where there is nothing; None where it holds other things."""
    from pyarrow import compute, float64, types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    known = types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null
    if not any(is_kind(kind) for is_kind in known):
        return None
    if types.is_boolean(kind):
        column = compute.cast(column, "uint8")
    numbers: Array = compute.cast(column, float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers
