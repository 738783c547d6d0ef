"""Statistics from one pass, held against exact sums and NumPy's of the values that are there."""

from math import fsum, sqrt

import numpy as np
import pytest

from deepnet_cli.data.encoding import statistics
from deepnet_cli.data.encoding.statistics import Statistics, pooled, statistics_of
from deepnet_cli.data.reading import rows as blocks_of
from deepnet_cli.nn.types import Array

SHAPES = [(1, 1), (2, 3), (101, 1), (257, 4), (60, 40), (3, 300)]
SIZES = [(2**17, 1024, 2**22), (1, 1, 1), (64, 8, 100), (500, 64, 3000)]
"""Values together, side by side, and bytes of a block: the real ones, and odd ones."""


def badly_scaled(shape: tuple[int, int], dtype: str, rng: np.random.Generator) -> Array:
    return rng.normal(1e8, 1, shape).astype(dtype)


def of_rows(x: Array) -> Statistics:
    return statistics_of(block for _, block in blocks_of.in_blocks(x))


def assert_equal(found: Statistics, other: Statistics) -> None:
    for name, values in vars(found).items():
        np.testing.assert_allclose(values, vars(other)[name], 1e-13, 1e-16, err_msg=name)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["f4", ">f8", "i8"])
def test_a_pass_knows_what_exact_sums_know(
    dtype: str,
    shape: tuple[int, int],
    sizes: tuple[int, int, int],
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To 1e-12 on a mean of 1e8 with a spread of 1, however the rows are cut."""
    for module, name, size in zip(
        (statistics, statistics, blocks_of), ("VALUES", "WIDTH", "BYTES"), sizes, strict=True
    ):
        monkeypatch.setattr(module, name, size)
    x = badly_scaled(shape, dtype, rng)
    found = of_rows(x)
    for j, column in enumerate(x.T.astype(np.float64).tolist()):
        mean = fsum(column) / len(column)
        deviation = sqrt(fsum((v - mean) ** 2 for v in column) / len(column))
        np.testing.assert_allclose(found.mean[j], mean, rtol=1e-12)
        np.testing.assert_allclose(found.deviation[j], deviation, rtol=1e-12, atol=1e-15)
        assert (found.low[j], found.high[j]) == (min(column), max(column))
    assert (found.count == len(x)).all()
    assert not np.concatenate([found.nan, found.infinite]).any()


def test_past_the_real_sizes_it_equals_two_passes_of_numpy(rng: np.random.Generator) -> None:
    x = badly_scaled((130_001, 7), "f8", rng)
    found = of_rows(x)
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.deviation, x.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("cut", [1, 30, 99])
def test_the_parts_together_are_the_whole(cut: int, rng: np.random.Generator) -> None:
    x = badly_scaled((100, 5), "f8", rng)
    x[rng.random(x.shape) < 0.3] = np.nan
    x[:, 3] = np.nan
    x[:cut, 4] = np.inf
    whole, a, b = (Statistics.of(part) for part in (x, x[:cut], x[cut:]))
    assert_equal(a + b, whole)
    assert_equal(pooled([b, a, a]), Statistics.of(np.concatenate([x[cut:], x[:cut], x[:cut]])))


@pytest.mark.parametrize("shape", [(300, 4), (5, 2000)])
def test_what_is_not_there_is_counted_apart(
    shape: tuple[int, int], rng: np.random.Generator
) -> None:
    x = rng.normal(3, 2, shape)
    x[rng.random(shape) < 0.2] = np.nan
    x[rng.random(shape) < 0.1] = np.inf
    x[rng.random(shape) < 0.1] = -np.inf
    found, there = of_rows(x), np.ma.masked_invalid(x)
    np.testing.assert_array_equal(found.nan, np.isnan(x).sum(axis=0))
    np.testing.assert_array_equal(found.infinite, np.isinf(x).sum(axis=0))
    some = there.count(axis=0) > 0
    for name, expected in {
        "count": there.count(axis=0),
        "mean": there.mean(axis=0),
        "deviation": there.std(axis=0),
        "low": there.min(axis=0),
        "high": there.max(axis=0),
        "largest": abs(there).max(axis=0),
    }.items():
        told = getattr(found, name)
        np.testing.assert_allclose(told[some], expected[some], rtol=1e-12, atol=1e-15)


def test_of_no_values() -> None:
    found = Statistics.of(np.array([[np.nan, np.inf], [np.nan, np.nan]]))
    assert found.count.tolist() == [0, 0]
    assert found.nan.tolist() == [2, 1]
    assert found.infinite.tolist() == [0, 1]
    assert found.mean.tolist() == found.largest.tolist() == [0, 0]
    assert np.isnan(found.deviation).all()
    assert found.constant.all()


@pytest.mark.parametrize("constant", [0.0, 0.1, -3.3e7, 1e-300, 1e100])
def test_the_mean_of_a_constant_is_the_constant(constant: float) -> None:
    found = of_rows(np.full((1001, 3), constant))
    assert found.constant.all()
    assert found.mean.tolist() == [constant] * 3
    assert (found.deviation <= 1e-16 * abs(constant)).all()


def test_two_neighbors_have_half_a_unit_of_deviation() -> None:
    """Their mean is no float64: what rounding left of it counts."""
    unit = np.spacing(1e8)
    found = Statistics.of(np.array([[1e8], [1e8 + unit]]))
    assert found.deviation.tolist() == [unit / 2]
    assert (found + found).deviation.tolist() == [unit / 2]
    assert found.mean + found.rest == 1e8
    assert abs(found.rest.item()) == unit / 2


@pytest.mark.parametrize(
    ("column", "constant"),
    [
        ([0.3, 0.1 + 0.2], True),
        ([0.0, 5e-324], False),
        ([1e8, 1e8 + 1e-6], False),
        ([2**60, 2**60 + 2**20], False),
    ],
)
def test_what_differs_by_rounding_is_constant(column: list[float], constant: bool) -> None:
    assert Statistics.of(np.array(column)[:, np.newaxis]).constant.tolist() == [constant]
