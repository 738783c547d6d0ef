"""Rows that are equal in every value, found by a hash of each: 8 bytes a row, whatever its width.

The hash is multilinear over 64-bit words (https://arxiv.org/abs/1202.4961) that are mixed before,
with fixed keys.  Two rows that differ have the same with a probability of about 2^-64: among a
million rows some two do with 3 in 10^8, among a thousand million with 3 in 100.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.data.reading.rows import Rows, in_blocks
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import bits

Hashes = NDArray[np.uint64]
WORD = 8


class Hasher:
    """What hashes rows of n values, block by block.

    Equal values have equal hashes: -0.0 is 0.0 and every NaN the same.  The values are compared as
    `dtype`, so rows of two types can be if both are hashed as what NumPy would add them in.
    """

    def __init__(self, n: int, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype.newbyteorder("=")
        self._bytes = n * self._dtype.itemsize
        words = -(-self._bytes // WORD)
        self._keys = bits(0, "row hashes").random_raw(2 * words).reshape(2, words) | np.uint64(1)
        self._buffers = np.zeros((2, 0, words), np.uint64)

    def __call__(self, block: Array) -> Hashes:
        """(m_b,) of a block (m_b, n)."""
        if self._buffers.shape[1] < len(block):
            self._buffers = np.zeros((2, len(block), self._buffers.shape[2]), np.uint64)
        words, shifted = self._buffers[:, : len(block)]
        values = words.view(np.uint8)[:, : self._bytes].view(self._dtype)
        with np.errstate(invalid="ignore"):  # a signaling NaN
            np.add(block, self._dtype.type(0), out=values, dtype=self._dtype, casting="unsafe")
        if (odd := values != values).any():
            values[odd] = np.nan
        first, last = self._keys
        words ^= np.right_shift(words, 32, out=shifted)  # small numbers have their bits on top
        words *= first
        words ^= np.right_shift(words, 32, out=shifted)
        hashes: Hashes = words @ last
        words[:, -1] = 0  # what a row leaves of its last word
        return hashes


def row_hashes(
    rows: Rows,
    dtype: np.dtype[Any] | None = None,
    blocks: Iterable[tuple[slice, Array]] | None = None,
) -> Hashes:
    """uint64 (m,): equal where rows (m, n) are, and only there but by chance.  `blocks` of them
    are read where none are given.

    Hashes of two sets of rows can be compared where both were made of the same n and `dtype`, by
    default that of the rows: `np.result_type(a.dtype, b.dtype)`.
    """
    hasher = Hasher(rows.shape[1], dtype or rows.dtype)
    hashes = np.empty(len(rows), np.uint64)
    for i, block in blocks or in_blocks(rows):
        hashes[i] = hasher(block)
    return hashes


def repeats(hashes: Hashes) -> tuple[Array, Array]:
    """The numbers of the rows that repeat an earlier one, ascending, and of the first like each."""
    by_hash = np.argsort(hashes, kind="stable")
    ordered = hashes[by_hash]
    again = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    first = np.searchsorted(ordered, ordered[again])
    rows, of = by_hash[again], by_hash[first]
    ascending = np.argsort(rows)
    return rows[ascending], of[ascending]


def found_in(hashes: Hashes, others: Hashes) -> tuple[Array, Array]:
    """The numbers, ascending, of those that are among the others, and of the first such there.

    Most have not even their first bits there, and are passed over before anything is sorted.
    """
    there = np.flatnonzero(_near(others, hashes))
    here = np.flatnonzero(_near(hashes, others[there]))
    there = there[np.argsort(others[there], kind="stable")]
    ordered, wanted = others[there], hashes[here]
    first = np.searchsorted(ordered, wanted)
    found = first < np.searchsorted(ordered, wanted, side="right")
    return here[found], there[first[found]]


def _near(hashes: Hashes, others: Hashes) -> NDArray[np.bool_]:
    """Which begin with the bits of one of the others, as many bits as an eighth does by chance."""
    shift = 64 - max(1, (8 * len(others)).bit_length())
    begun = np.zeros(2 ** (64 - shift), bool)
    begun[others >> np.uint64(shift)] = True
    near: NDArray[np.bool_] = begun[hashes >> np.uint64(shift)]
    return near
