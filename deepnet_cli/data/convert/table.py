"""Rows of cells under named columns, whatever file they stand in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from deepnet_cli.nn.types import Array


class TableBlock(NamedTuple):
    """Some rows: values (m, n) in float64; where `plain` (m, n) is false, a text says what stands
    there.
    """

    values: Array
    plain: Array
    texts: Callable[[int, Array], list[str]]  # of a column, in the rows with these numbers


class Table(Protocol):
    """What can be read again and again, some rows at a time."""

    @property
    def path(self) -> Path: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def point(self) -> str:
        """The decimal point in its texts."""

    @property
    def size(self) -> int:
        """Bytes that a pass reads."""

    def blocks(self) -> Iterator[TableBlock]: ...

    def place(self, row: int) -> str:
        """How a row, from 0, is called in a message."""

    def __str__(self) -> str:
        """How it is written, in a few words."""
