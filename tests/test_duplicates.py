"""Equal rows, found by their hashes: held against Python's own comparison of tuples."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from deepnet_cli.data.describing.duplicates import found_in, repeats, row_hashes
from deepnet_cli.data.reading import rows as rows_module
from deepnet_cli.nn.types import Array

law = settings(max_examples=80, derandomize=True, deadline=None)
HASHES = st.integers(0, 9) | st.integers(2**64 - 9, 2**64 - 1) | st.integers(0, 2**64 - 1)
DTYPES = ["u1", "i1", "?", "<i4", ">i8", "<u8", "<f2", "<f4", ">f4", "<f8", ">f8"]


@st.composite
def tables(draw: st.DrawFn) -> Array:
    """Few different rows, of any type, as from a file; also -0.0, NaN, infinity."""
    n, dtype = draw(st.integers(1, 20)), np.dtype(draw(st.sampled_from(DTYPES)))
    kinds = draw(arrays.arrays(dtype, (draw(st.integers(1, 6)), n)))
    chosen = draw(st.lists(st.integers(0, len(kinds) - 1), min_size=1, max_size=30))
    return kinds[chosen]


def told(row: Array) -> tuple[object, ...]:
    """A row as Python compares it: 0.0 is -0.0, and NaN is NaN here."""
    return tuple("nan" if value != value else value for value in row.tolist())


@law
@given(tables())
def test_hashes_are_equal_where_rows_are(rows: Array) -> None:
    with np.errstate(invalid="ignore"):
        hashes = row_hashes(rows).tolist()
    values = [told(row) for row in rows]
    assert len(set(hashes)) == len(set(values))
    assert len(set(zip(hashes, values, strict=True))) == len(set(values))
    again, first = repeats(np.array(hashes, np.uint64))
    seen: dict[object, int] = {}
    expected = [(i, seen[v]) for i, v in enumerate(values) if seen.setdefault(v, i) != i]
    assert list(zip(again.tolist(), first.tolist(), strict=True)) == expected


@law
@given(tables(), st.sampled_from(DTYPES))
def test_in_one_type_the_hashes_of_two_can_be_compared(rows: Array, other: str) -> None:
    """As what NumPy would add them in."""
    with np.errstate(all="ignore"):
        moved = rows.astype(other)
        common = np.result_type(rows.dtype, moved.dtype)
        a, b = row_hashes(rows, common), row_hashes(moved, common)
        equal = [
            told(x) == told(y)
            for x, y in zip(rows.astype(common), moved.astype(common), strict=True)
        ]
    assert (a == b).tolist() == equal


@pytest.mark.parametrize("dtype", ["u1", "f2", "f4", "f8", "i8"])
@pytest.mark.parametrize("n", [2, 3, 64])
def test_rows_that_are_nearly_alike_differ(dtype: str, n: int) -> None:
    """One-hot rows, pairs of ones, swapped values: differences of few bits in few places."""
    one = np.eye(n, dtype=dtype)
    pairs = (one[:, np.newaxis] + one)[np.triu_indices(n)]
    rows = np.concatenate([np.zeros((1, n), dtype), one, pairs, 3 * one, one[0] * 5 + pairs])
    assert len(np.unique(row_hashes(rows))) == len(np.unique(rows, axis=0))


def test_every_bit_of_a_value_counts(rng: np.random.Generator) -> None:
    bit = np.arange(5 * 64)
    words = np.repeat(rng.normal(size=(1, 5)).view(np.uint64), 1 + len(bit), axis=0)
    words[bit, bit // 64] ^= np.uint64(1) << (bit % 64).astype(np.uint64)
    assert len(np.unique(row_hashes(words.view(np.float64)))) == len(words)


@pytest.mark.parametrize("dtype", ["u1", "i8", "f2", "f4", "f8"])
def test_every_bit_of_a_hash_is_set_about_as_often_as_not(dtype: str) -> None:
    """Also of small whole numbers, which fill few bits of a float: else hashes would be alike."""
    rows = np.array([*product(range(8), repeat=4)]).astype(dtype)
    bits = np.unpackbits(row_hashes(rows).view(np.uint8).reshape(len(rows), 8), axis=1)
    assert (abs(bits.mean(axis=0) - 0.5) < 0.25).all()


def test_any_nan_is_the_same() -> None:
    kinds = np.array([0x7FF8 << 48, 0xFFF8 << 48, 0x7FF0 << 48 | 1, 0x7FF8 << 48 | 7], np.uint64)
    assert len(np.unique(row_hashes(kinds.view(np.float64)[:, np.newaxis]))) == 1


@law
@given(st.lists(HASHES, max_size=30), st.lists(HASHES, max_size=30))
def test_what_is_found_in_others(mine: list[int], others: list[int]) -> None:
    rows, alike = found_in(np.array(mine, np.uint64), np.array(others, np.uint64))
    assert rows.tolist() == [i for i, value in enumerate(mine) if value in others]
    assert alike.tolist() == [others.index(mine[i]) for i in rows]


@pytest.mark.parametrize("n", [1, 3, 5, 8])
def test_blocks_do_not_show(
    n: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rng.integers(0, 200, (50, n)).astype(np.uint8)
    whole = row_hashes(rows)
    for size in (1, 7, 100):
        monkeypatch.setattr(rows_module, "BYTES", size * n)
        np.testing.assert_array_equal(row_hashes(rows), whole)
    np.testing.assert_array_equal(row_hashes(np.asfortranarray(rows)), whole)
    np.testing.assert_array_equal(row_hashes(rows[::-1]), whole[::-1])
