"""Rows of cells under named columns, whatever file they stand in."""

from collections.abc import Callable, Iterable, Iterator
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


def distinct(given: Iterable[str]) -> tuple[str, ...]:
    """One name each: what would be the second of a name gets its place, from 1, behind it."""
    names: dict[str, None] = {}
    for k, name in enumerate(given, start=1):
        while name in names:
            name = f"{name}_{k}"
        names[name] = None
    return tuple(names)


class Table(Protocol):
    """What can be read again and again, some rows at a time."""

    @property
    def path(self) -> Path: ...

    @property
    def given(self) -> tuple[str, ...]:
        """The names that stand in it, where it has some."""

    @property
    def names(self) -> tuple[str, ...]:
        """The same, no two alike."""

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
