"""What a profile says of a data set: held against NumPy's and SciPy's words for it."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from deepnet_cli.data.describing.profile import Profile, profile
from deepnet_cli.data.describing.tallies import FILLS, MOST_VALUES
from deepnet_cli.data.describing.target import target
from deepnet_cli.data.reading import rows as rows_file
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.nn.losses import LOSSES, shares
from deepnet_cli.nn.types import Array

NUMBERS = ["u1", "i2", ">i4", "i8", "bool", "f2", ">f4", "f4", "f8"]
M, N = 300, 7


def of(x: Array, y: Array | None = None, names: tuple[str, ...] = ()) -> Profile:
    return profile(Table(x, y, "f.h5: 'x'", "f.h5: 'y'", names))


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    """(M, N) with nothing odd in it."""
    return rng.normal(size=(M, N)).astype(np.float32)


def planted(x: Array, rng: np.random.Generator) -> dict[str, object]:
    """What is put into x, in place."""
    x[[7, 40], 1] = np.nan
    x[40, 2] = np.nan
    x[3, 2] = np.inf
    x[:, 3] = 5
    x[::30, 4] = -999
    x[:, 5] = rng.permutation(np.arange(M) % 4)
    x[:, 6] = x[:, 0]
    return {}


@pytest.mark.parametrize("dtype", NUMBERS)
def test_statistics_are_numpy_s(dtype: str, rng: np.random.Generator) -> None:
    x = (rng.normal(size=(M, N)) * 40 + 50).clip(0, 120)
    x = x.astype(dtype)
    told, x = of(x).columns, x.astype(np.float64)
    np.testing.assert_allclose(told.statistics.mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(told.statistics.deviation, x.std(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(told.statistics.low, x.min(axis=0))
    np.testing.assert_array_equal(told.statistics.high, x.max(axis=0))
    distinct = np.array([len(set(column)) for column in x.T.tolist()])
    np.testing.assert_array_equal(told.distinct, np.where(distinct <= MOST_VALUES, distinct, 0))
    np.testing.assert_array_equal(told.whole, [all(map(float.is_integer, c)) for c in x.T.tolist()])


def test_what_is_planted_is_found_and_nothing_else(x: Array, rng: np.random.Generator) -> None:
    planted(x, rng)
    told = of(x).columns
    np.testing.assert_array_equal(told.missing, [0, 2, 2, 0, 0, 0, 0])
    np.testing.assert_array_equal(told.first_missing, [-1, 7, 3, -1, -1, -1, -1])
    assert told.rows_missing == 3
    np.testing.assert_array_equal(np.flatnonzero(told.constant), [3])
    np.testing.assert_array_equal(told.fill, [*[np.nan] * 4, -999, np.nan, np.nan])
    np.testing.assert_array_equal(told.fills, [0, 0, 0, 0, 10, 0, 0])
    np.testing.assert_array_equal(told.categorical, [5])
    np.testing.assert_array_equal(told.values[:5, 5], [0, 1, 2, 3, np.nan])
    assert told.equal == [[0, 6]]
    assert not told.offset.any()
    assert not told.rising.any()


def test_of_plain_numbers_nothing_is_said(x: Array) -> None:
    told = of(x)
    assert not told.columns.missing.any()
    assert not told.columns.constant.any()
    assert np.isnan(told.columns.fill).all()
    assert not len(told.columns.categorical)
    assert told.columns.equal == []
    assert not len(told.repeated)
    assert not told.columns.offset.any() | told.columns.rising.any()


@pytest.mark.parametrize("dtype", ["f4", "i4"])
def test_blocks_change_nothing(
    dtype: str, x: Array, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x[:, 1] = np.arange(M)
    x[:, 2], x[250] = 100 * x[:, 0], x[3]
    if dtype == "f4":
        planted(x[:, :], rng)
    x, y = x.astype(dtype), rng.integers(0, 3, M)
    whole = of(x, y)
    for rows in (1, 7, 299):
        monkeypatch.setattr(rows_file, "BYTES", rows * N * x.itemsize)
        cut = of(x, y)
        for name, value in vars(cut.columns).items():
            if name != "statistics":
                np.testing.assert_array_equal(value, getattr(whole.columns, name), name)
        for name, value in vars(cut.columns.statistics).items():
            expected = getattr(whole.columns.statistics, name)
            np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(cut.repeated, whole.repeated)
        assert cut.target is not None
        assert whole.target is not None
        assert cut.target.guess == whole.target.guess


def test_it_is_told_of_every_block(x: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_file, "BYTES", 128 * N * x.itemsize)
    seen: list[int] = []
    profile(Table(x, None, "x", ""), seen.append)
    assert seen == [128, 256, M]


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_fill_values_are_found(fill: float, dtype: str, x: Array) -> None:
    x[[1, 5], 2] = fill
    told = of(x.astype(dtype)).columns
    np.testing.assert_array_equal(told.fills, [0, 0, 2, 0, 0, 0, 0])
    assert told.fill[2] == x[1, 2]


def test_a_column_that_reaches_a_fill_value_by_itself_has_none() -> None:
    x = np.stack([np.arange(1000.0), np.linspace(-999, 999, 1000)], axis=1).repeat(3, axis=0)
    assert not of(x).columns.fills.any()


@pytest.mark.parametrize("odd", [[-999.0], [999.0, 999.0, 1000.0]], ids=["once", "no end"])
def test_a_number_that_is_odd_by_itself_is_no_fill_value(odd: list[float], x: Array) -> None:
    """It stands there once only; or another lies beyond it."""
    x[5 : 5 + len(odd), 2] = odd
    assert not of(x).columns.fills.any()


@pytest.mark.parametrize("count", [MOST_VALUES, MOST_VALUES + 1])
def test_few_values_are_kept(count: int) -> None:
    x = (np.arange(M) % count / 4).reshape(-1, 1)
    told = of(x).columns
    assert told.distinct.tolist() == [count if count <= MOST_VALUES else 0]
    expected = np.arange(count if count <= MOST_VALUES else 0) / 4
    np.testing.assert_array_equal(told.values[~np.isnan(told.values)], expected)


def test_whole_numbers_may_be_missing() -> None:
    x = np.where(np.arange(M) % 9, np.arange(M) % 3, np.nan).reshape(-1, 1)
    told = of(x).columns
    assert told.whole.all()
    assert told.categorical.tolist() == [0]


def test_columns_that_count_rows_rise(x: Array) -> None:
    x[:, 1], x[:, 2] = np.arange(M), np.arange(M) // 2
    assert np.flatnonzero(of(x).columns.rising).tolist() == [1]


def test_equal_columns_are_equal_in_every_value(x: Array) -> None:
    """All but one value in which they differ by a unit in the last place, or in the sign of 0."""
    x[:, 1] = x[:, 0]
    x[5, 1] = np.nextafter(x[5, 1], np.float32(9))
    x[:, 2], x[:, 3] = x[:, 4], x[:, 4]
    x[9, 2], x[9, 3] = 0.0, -0.0
    assert of(x).columns.equal == [[2, 3]]
    flags = np.random.default_rng(1).integers(0, 2, (8, 400))
    by_content: dict[tuple[int, ...], list[int]] = {}
    for j, column in enumerate(flags.T.tolist()):
        by_content.setdefault(tuple(column), []).append(j)
    alike = [js for column, js in by_content.items() if len(js) > 1 and 0 < sum(column) < 8]
    assert of(flags).columns.equal == alike


def test_rows_that_are_there_again(x: Array, rng: np.random.Generator) -> None:
    x[100], x[200], x[201] = x[4], x[4], x[5]
    y = rng.integers(0, 3, M)
    y[[100, 200, 201]] = y[4], y[4], y[5] + 1
    told = of(x, y)
    assert told.repeated.tolist() == [100, 200, 201]
    assert told.repeats.tolist() == [4, 4, 5]
    assert told.conflicting == 1


@pytest.mark.parametrize("dtype", ["u1", "f4", "i8"])
def test_an_answer_in_x_is_found(dtype: str, x: Array, rng: np.random.Generator) -> None:
    y = rng.integers(0, 3, M)
    x[:, 5] = y
    assert of(x, y.astype(dtype)).answers == [5]
    assert of(x, (y + 1).astype(dtype)).answers == []


def entropy(counts: Array) -> float:
    return float(stats.entropy(counts))


Y = np.random.default_rng(3)
KINDS: dict[str, tuple[Array, str]] = {
    "flags": (Y.integers(0, 2, M), "binary"),
    "bools": (Y.integers(0, 2, M).astype(bool), "binary"),
    "signs": (2.0 * Y.integers(0, 2, M) - 1, "binary"),
    "text of two": (np.array(["no", "yes"], object)[Y.integers(0, 2, M)], "binary"),
    "text": (np.array(["a", "b", "c"], object)[Y.integers(0, 3, M)], "classes"),
    "digits": (Y.integers(0, 10, M, np.uint8), "classes"),
    "digits as floats": (Y.integers(0, 10, M).astype(np.float32), "classes"),
    "from 1": (Y.integers(1, 101, M), "classes"),
    "codes": (np.array([10, 200, 4000])[Y.integers(0, 3, M)], "classes"),
    "one-hot": (np.eye(4)[Y.integers(0, 4, M)], "classes"),
    "one-hot of two": (np.eye(2)[Y.integers(0, 2, M)], "binary"),
    "multilabel": (Y.integers(0, 2, (M, 4)), "multilabel"),
    "counts": (Y.poisson(300, M), "counts"),
    "counts as floats": (Y.poisson(100, M).astype(np.float32), "counts"),
    "numbers": (Y.normal(size=M), "numbers"),
    "whole numbers below 0": (Y.integers(-100, 100, M), "numbers"),
    "two values that are not whole": (np.array([0.25, 0.5])[Y.integers(0, 2, M)], "numbers"),
    "several numbers": (Y.normal(size=(M, 3)), "numbers"),
    "one value": (np.full(M, 3), "constant"),
    "one text": (np.full(M, "a", object), "constant"),
    "nothing": (np.full(M, np.nan), "constant"),
}


@pytest.mark.parametrize(("y", "kind"), KINDS.values(), ids=KINDS)
def test_what_y_is(y: Array, kind: str, x: Array) -> None:
    told = of(x, y).target
    assert told is not None
    assert told.kind == kind
    assert told.outputs == (1 if y.ndim == 1 else y.shape[1])
    assert not told.sorted or kind == "constant"


@pytest.mark.parametrize(
    "name", [name for name, (_, kind) in KINDS.items() if kind in ("binary", "classes")]
)
def test_classes_are_counted_and_guessing_costs_their_entropy(name: str, x: Array) -> None:
    y = KINDS[name][0]
    told = of(x, y).target
    assert told is not None
    assert told.classes is not None
    labels = Counter(y.tolist() if y.ndim == 1 else y.argmax(axis=1).tolist())
    counts = np.array([labels[value] for value in sorted(labels)])
    np.testing.assert_array_equal(told.classes.counts, counts)
    assert told.classes.ratio == counts.max() / counts.min()
    cost = told.guess["binary_cross_entropy" if len(counts) == 2 else "cross_entropy"]
    assert cost == pytest.approx(entropy(counts))
    assert told.guess["accuracy"] == counts.max() / M


def test_guessing_every_label_by_itself(x: Array) -> None:
    y = (np.random.default_rng(2).random((M, 3)) < [0.1, 0.5, 0.0]).astype(int)
    told = of(x, y).target
    assert told is not None
    each = [entropy(np.array([ones, M - ones])) for ones in y.sum(axis=0)]
    assert told.guess["binary_cross_entropy"] == pytest.approx(np.mean(each))


@pytest.mark.parametrize("kind", ["numbers", "counts"])
def test_numbers_are_scipy_s_and_no_other_constant_costs_less(kind: str, x: Array) -> None:
    for y in (y for y, its in KINDS.values() if its == kind):
        told = of(x, y).target
        assert told is not None
        assert told.numbers is not None
        columns = y.reshape(M, -1)
        np.testing.assert_allclose(told.numbers.mean, columns.mean(axis=0))
        np.testing.assert_allclose(told.numbers.deviation, columns.std(axis=0))
        np.testing.assert_allclose(told.numbers.skewness, stats.skew(columns))
        np.testing.assert_array_equal(told.numbers.quantiles[2], np.median(columns, axis=0))
        for name, cost in told.guess.items():
            Y, share = columns.T.astype(float), shares(None, M)
            for constant in np.linspace(columns.min(), columns.max(), 50):
                Z = np.full(Y.shape, np.log(constant) if name == "poisson" else constant)
                assert np.real(LOSSES[name].cost(Z, Y, share)) >= cost - 1e-9


ORDERED: dict[str, Callable[[Array], Array]] = {
    "as they come": lambda y: y,
    "sorted": np.sort,
    "sorted by class, downwards": lambda y: np.sort(y)[::-1],
}


@pytest.mark.parametrize("order", ORDERED)
@pytest.mark.parametrize("kind", ["flags", "digits", "numbers", "counts"])
def test_a_sorted_y_is_seen(kind: str, order: str, x: Array) -> None:
    y = ORDERED[order](KINDS[kind][0])
    told = of(x, y).target
    assert told is not None
    assert told.sorted is (order != "as they come")
    if told.classes is not None:
        assert told.alike == (y[1:] == y[:-1]).mean()


@pytest.mark.parametrize(("m", "rare"), [(16, 8), (60, 4), (300, 15), (30, 15)])
def test_a_shuffled_y_is_hardly_ever_taken_for_sorted(
    m: int, rare: int, rng: np.random.Generator
) -> None:
    y = np.arange(m) < rare
    assert sum(target(rng.permutation(y), {}).sorted for _ in range(500)) <= 1
    assert target(y, {}).sorted is (rare > 8)  # of few examples it cannot be told


def test_numbers_that_are_no_run_are_counts() -> None:
    """Of 0, 1, 2, ... too few occur, or each hardly twice."""
    assert target(np.arange(M) % 30, {}).kind == "classes"
    assert target(np.arange(M) % 30 * 3, {}).kind == "counts"
    assert target(np.arange(M) % 151, {}).kind == "counts"
    assert target(np.arange(M) % 150, {}).kind == "classes"


def test_rows_without_y_are_left_out(x: Array) -> None:
    y = np.arange(M) % 3.0
    y[[4, 9]] = np.nan, np.inf
    told = of(x, y).target
    assert told is not None
    assert (told.kind, told.missing, told.first_missing) == ("classes", 2, 4)
    assert told.examples == M - 2


def test_names_in_the_file_are_those_of_the_classes(x: Array) -> None:
    told = of(x, np.arange(M) % 2 * 2, ("cat", "cow", "dog")).target
    assert told is not None
    assert told.classes is not None
    assert told.classes.names == ("cat", "dog")
