"""Decimal text in bulk: what NumPy says of one float, in the lines that the csv module writes."""

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deepnet_cli.data.decimals import LARGEST, POINTED, SMALLEST, WIDTH, decimal, decimals
from deepnet_cli.data.reading.labels import Classes
from deepnet_cli.nn.types import Array
from deepnet_cli.training.results.predictions import Predictions, as_csv

EDGES = np.array([SMALLEST, POINTED, 0.001, 0.01, 0.1, 1, 10, 1e5, LARGEST, 1e7, 1e16, 1e17])
TWOS = np.ldexp(1.0, np.arange(-149, 128))  # where the floats below are closer than those above


def told(values: Array) -> list[str]:
    text = decimals(values)
    assert text.shape == (len(values), WIDTH)
    return [bytes(row).replace(b"\0", b"").decode() for row in text]


def with_neighbors(values: Array) -> Array:
    inf = values.dtype.type(np.inf)
    return np.concatenate([values, np.nextafter(values, -inf), np.nextafter(values, inf)])


def assert_as_one_by_one(values: Array) -> None:
    assert told(values) == [decimal(v) for v in values]


each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@each_dtype
@pytest.mark.parametrize("at", [EDGES, TWOS, -TWOS], ids=["edges", "powers of 2", "negative"])
def test_borders(at: Array, dtype: type) -> None:
    assert_as_one_by_one(with_neighbors(at.astype(dtype)))


@each_dtype
def test_what_is_hardly_a_number(dtype: type) -> None:
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    assert_as_one_by_one(np.array([0.0, -0.0, np.inf, -np.inf, np.nan, tiny, huge], dtype))
    assert told(np.array([], dtype)) == []


@each_dtype
@pytest.mark.parametrize("spread", [0.3, 3, 15])
def test_numbers_of_every_size(spread: float, dtype: type, rng: np.random.Generator) -> None:
    values: Array = np.exp(spread * rng.normal(size=5000)).astype(dtype)
    assert_as_one_by_one(values * rng.choice(np.array([-1, 1], dtype), size=5000))


@each_dtype
def test_whole_and_short_numbers(dtype: type, rng: np.random.Generator) -> None:
    assert_as_one_by_one(rng.integers(-1_100_000, 1_100_000, 3000).astype(dtype))
    assert_as_one_by_one((rng.integers(0, 1000, 3000) / 1000).astype(dtype))


@given(arrays(np.uint32, 50, elements=st.integers(0, 2**32 - 1)))
def test_any_bits(bits: Array) -> None:
    values = bits.view(np.float32)
    assert_as_one_by_one(values)
    back = np.array([float(text) for text in told(values)])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(back.astype(np.float32), values)


def by_csv_module(head: list[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()


@pytest.mark.parametrize("m", [1, 20_000])
def test_lines_are_those_of_the_csv_module(m: int, rng: np.random.Generator) -> None:
    names = ("plain", "a, b", 'a "b"', "", "two\nlines", "Bär")
    decided, A = rng.integers(0, 6, m), rng.random((6, m), dtype=np.float32).T ** 9
    rows = [
        [names[k], *(decimal(v) for v in row)] for k, row in zip(decided.tolist(), A, strict=True)
    ]
    head = ["prediction", *(f"probability_{name}" for name in names)]
    lines = as_csv([Predictions(decided, A, Classes(tuple(range(6)), names))])
    assert b"".join(lines).decode() == by_csv_module(head, rows)


@each_dtype
@pytest.mark.parametrize("K", [1, 3])
def test_lines_of_numbers(K: int, dtype: type, rng: np.random.Generator) -> None:
    A: Array = rng.normal(size=(50, K)).astype(dtype)
    head = ["prediction"] if K == 1 else ["prediction_1", "prediction_2", "prediction_3"]
    lines = as_csv([Predictions(A[:, 0] if K == 1 else A, None, None)])
    assert b"".join(lines).decode() == by_csv_module(head, [[decimal(v) for v in row] for row in A])


def test_lines_of_labels_that_do_not_exclude_each_other() -> None:
    A = np.array([[0.25, 1.0], [0.75, 0.0]], np.float32)
    lines = as_csv([Predictions((A > 0.5).astype(np.int64), A, None)])
    head = ["prediction_1", "prediction_2", "probability_1", "probability_2"]
    assert b"".join(lines).decode() == by_csv_module(head, [[0, 1, 0.25, 1], [1, 0, 0.75, "0.0"]])
