"""What every format is on its way to another: datasets that are known before their values come.

A reader says the fields, then gives their examples block by block; a writer takes them as they
come.  Neither has more than a block in memory.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.types import Array

BYTES = 2**20
"""About how much of a field is in a block."""

CLASS_NAMES = ("class_names", "list_classes")
"""Fields that name the classes 0, 1, ... of y."""

Block = Mapping[str, Array]
"""The next examples of some of the fields."""


@dataclass(frozen=True)
class Field:
    """A dataset: its examples are along the first axis; text is of dtype object."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    attributes: Mapping[str, object] = field(default_factory=dict)

    @property
    def row(self) -> int:
        """Bytes of an example, at least one."""
        return max(1, prod(self.shape[1:]) * self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    def slices(self, size: int = BYTES) -> Iterator[slice]:
        """Blocks of about `size` bytes that cover the examples."""
        return blocks(self.shape[0], max(1, size // self.row))


@dataclass(frozen=True)
class Stream:
    """All that one or more files hold, and what is to be said of how they were understood.

    `blocks` may be called again and again; it gives the examples of the fields with these names,
    in order, and may give others.
    """

    fields: tuple[Field, ...]
    blocks: Callable[[Collection[str]], Iterator[Block]]
    notes: tuple[str, ...] = ()
    attributes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # by group, "/"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def values(self) -> Iterator[Block]:
        """The blocks of all fields, and nothing else."""
        wanted = frozenset(self.names)
        for block in self.blocks(wanted):
            yield {name: values for name, values in block.items() if name in wanted}


class Meter:
    """How many bytes are to be read, and how many were; `moved` may raise to end it all."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.began = time.perf_counter()

    def expect(self, count: int) -> None:
        self.total += count

    def moved(self, count: int) -> None:
        self.done += count


@dataclass(frozen=True)
class Choices:
    """What the user has said of how to read; each format takes some of these."""

    label: tuple[str, ...] = ()
    no_label: bool = False
    drop: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    header: bool | None = None
    missing: tuple[str, ...] = ()
    skip_unlabeled: bool = False
    like: Path | None = None
    dtype: str | None = None
    size: tuple[int, int] | None = None  # (width, height)
    gray: bool = False
    rechunk: bool = False
