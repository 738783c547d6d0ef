"""What is known of a data set, from one pass over blocks of it.

It takes a block of the examples and a few bytes for each of them: what is larger than memory is
profiled too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepnet_cli.data.describing.columns import Columns, Look
from deepnet_cli.data.describing.duplicates import Hasher, Hashes, repeats
from deepnet_cli.data.describing.tallies import digest
from deepnet_cli.data.describing.target import Target, target
from deepnet_cli.data.reading.rows import in_blocks
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Profile:
    """Of m examples with n features: their columns, y, and which rows are there again.

    `hashes` (m,) are those of data/describing/duplicates.py, of the rows as their own `dtype`.
    `repeated` (r,) are the rows that are equal to an earlier one, and `repeats` (r,) the first like
    each; `conflicting` of them have another y than it; `answers` are the columns of x that are y.
    """

    m: int
    n: int
    dtype: np.dtype[Any]
    columns: Columns
    target: Target | None
    hashes: Hashes
    repeated: Array
    repeats: Array
    conflicting: int
    answers: list[int]


def profile(table: Table, seen: Callable[[int], object] = lambda _: None) -> Profile:
    """The profile of a table; `seen` is told how many rows have been, after each block."""
    m, n = table.rows.shape
    look, hasher, hashes = Look(n, table.rows.dtype), Hasher(n, table.rows.dtype), []
    for i, block in in_blocks(table.rows):
        with np.errstate(invalid="ignore"):  # of a NaN that signals
            look.add(block)
        hashes.append(hasher(block))
        seen(min(i.stop, m))
    columns, hashed = look.columns(), np.concatenate(hashes)
    repeated, first = repeats(hashed)
    about = m, n, table.rows.dtype, columns
    if table.y is None:
        return Profile(*about, None, hashed, repeated, first, 0, [])
    conflicting, answers = _conflicts(table.y, repeated, first), _answers(columns, table.y)
    names = table.label_names
    outputs = table.output_names(table.y.shape[1]) if table.y.ndim > 1 else ()
    found = target(table.y, names, outputs)
    return Profile(*about, found, hashed, repeated, first, conflicting, answers)


def _conflicts(y: Array, repeated: Array, first: Array) -> int:
    """How many of the rows that are there again have another y than the first like them."""
    other = y[repeated] != y[first]
    return int(other.any(axis=tuple(range(1, other.ndim))).sum())


def _answers(columns: Columns, y: Array) -> list[int]:
    """The columns that are y."""
    if y.dtype.kind not in "biuf" or y.ndim > 1:
        return []
    same = (columns.digest == digest(y)) & ~columns.constant
    return [int(j) for j in np.flatnonzero(same)]
