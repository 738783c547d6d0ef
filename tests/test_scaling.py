"""Scaling of the features, held against plain float64 NumPy and scikit-learn."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from deepnet_cli.data import scaling
from deepnet_cli.data.encoding import fit as fit_encoding
from deepnet_cli.data.scaling import SCALINGS, fit
from deepnet_cli.data.tables import Table
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

RULES: list[str | float] = [*SCALINGS, "auto", 255, 0.5, -2.0]
each = pytest.mark.parametrize("rule", RULES)
DTYPES = ["u1", ">u2", "u4", "bool", "i1", "i2", ">i4", "i8", "f2", "<f4", ">f4", "f8", ">f8"]
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)

FORMULAS: dict[str, Callable[[Array, Array], Array]] = {
    "none": lambda _train, x: x,
    "standardize": lambda train, x: StandardScaler().fit(train).transform(x),
    "minmax": lambda train, x: MinMaxScaler().fit(train).transform(x),
}


def by_the_book(rule: str | float, train: Array, x: Array) -> Array:
    """x scaled as `rule` says, in float64 and by other means."""
    if rule == "auto":
        rule = 255 if train.dtype == np.uint8 else "none"
    train, x = train.astype(float), x.astype(float)
    return FORMULAS[rule](train, x) if isinstance(rule, str) else x / rule


def some_rows(m: int, dtype: str, rng: np.random.Generator) -> Array:
    return rng.integers(0, 200, (m, 6)).astype(dtype)


def test_the_oracle_knows_every_rule() -> None:
    assert FORMULAS.keys() == SCALINGS.keys()


@each
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_rule_on_every_type(rule: str | float, dtype: str, rng: np.random.Generator) -> None:
    train, x = some_rows(50, dtype, rng), some_rows(20, dtype, rng)
    scaled = fit(rule, train).apply(x, F64)
    np.testing.assert_allclose(scaled, by_the_book(rule, train, x), rtol=1e-12, atol=1e-12)
    assert scaled.dtype == F64
    assert scaled.dtype.isnative
    assert scaled.flags.c_contiguous


@each
def test_float32_is_the_float64_result_rounded_once(
    rule: str | float, rng: np.random.Generator
) -> None:
    rows = rng.normal(1000, 1, (50, 6))
    fitted = fit(rule, rows)
    np.testing.assert_array_equal(fitted.apply(rows, F32), fitted.apply(rows, F64).astype(F32))


@pytest.mark.parametrize(("rule", "name"), [("auto", "255"), (255, "255"), (0.5, "0.5")])
def test_the_name_says_what_was_done(rule: str | float, name: str) -> None:
    assert fit(rule, np.zeros((2, 1), np.uint8)).name == name


def test_auto_is_255_for_uint8_alone(rng: np.random.Generator) -> None:
    pixels = some_rows(9, "u1", rng)
    np.testing.assert_array_equal(fit("auto", pixels).apply(pixels, F64), pixels / 255)
    for dtype in set(DTYPES) - {"u1"}:
        assert fit("auto", pixels.astype(dtype)).name == "none"


def test_minmax_fills_0_to_1_exactly(rng: np.random.Generator) -> None:
    rows = rng.normal(0.1, 3, (40, 6))
    scaled = fit("minmax", rows).apply(rows, F32)
    np.testing.assert_array_equal(scaled.min(axis=0), 0)
    np.testing.assert_array_equal(scaled.max(axis=0), 1)


def test_standardize_by_hand() -> None:
    """Mean 3, deviation over m (not m - 1) 2."""
    fitted = fit("standardize", np.array([[1.0], [5.0]]))
    assert fitted.apply(np.array([[1.0], [3.0], [9.0]]), F64).ravel().tolist() == [-1, 0, 3]


@pytest.mark.parametrize("rule", SCALINGS)
@pytest.mark.parametrize("constant", [0.0, 0.1, -3.3e7, 1e-300])
def test_a_constant_feature_has_divisor_1(rule: str, constant: float) -> None:
    train = np.full((101, 1), constant)
    fitted = fit(rule, train)
    assert fitted.divisor.tolist() == [1]
    seen_later = train[:1] + 2
    expected = by_the_book(rule, train, seen_later)
    np.testing.assert_allclose(fitted.apply(seen_later, F64), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [">f8", "f8", "i8"])
def test_a_small_spread_on_a_large_mean_survives(dtype: str, rng: np.random.Generator) -> None:
    """mean(x^2) - mean(x)^2 would have no correct digit here, nor would float32."""
    signal = rng.normal(0, 100, (400, 3)).round()
    rows = (1e10 + signal).astype(dtype)
    expected = (signal - signal.mean(axis=0)) / signal.std(axis=0)
    scaled = fit("standardize", rows).apply(rows, F32)
    np.testing.assert_allclose(scaled, expected, atol=1e-6)


def test_mean_1e8_spread_1(rng: np.random.Generator) -> None:
    rows = rng.normal(1e8, 1, (500, 3))
    scaled = fit("standardize", rows).apply(rows, F64)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-7)


def test_integers_do_not_wrap_around() -> None:
    rows = np.array([[-120], [120]], np.int8)
    assert fit("minmax", rows).apply(rows, F64).ravel().tolist() == [0, 1]
    assert fit("standardize", rows).apply(rows, F64).ravel().tolist() == [-1, 1]


@each
def test_many_rows_are_scaled_as_if_at_once(
    rule: str | float, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rng.normal(5, 2, (101, 6)).astype(F32)
    fitted = fit(rule, rows)
    whole = fitted.apply(rows, F32)
    for block in (1, 6, 7, 60, 600):
        monkeypatch.setattr(scaling, "ROWS", block)
        np.testing.assert_array_equal(fitted.apply(rows, F32), whole)


@pytest.mark.parametrize("shape", [(scaling.ROWS // 4 + 3, 5), (2, scaling.ROWS + 3)])
def test_past_the_real_block_size(shape: tuple[int, int], rng: np.random.Generator) -> None:
    rows = rng.integers(0, 256, shape, np.uint8)
    scaled = fit("auto", rows).apply(rows, F32)
    np.testing.assert_array_equal(scaled, (rows / 255).astype(F32))


@each
def test_the_rows_of_the_file_are_left_alone(rule: str | float, rng: np.random.Generator) -> None:
    rows = rng.normal(5, 2, (30, 6))
    before = rows.copy()
    scaled = fit(rule, rows).apply(rows, F64)
    np.testing.assert_array_equal(rows, before)
    assert fit(rule, rows).changes_nothing == np.array_equal(scaled, before)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(-1e3, 1e3, width=16),
    ),
    st.sampled_from(RULES),
)
def test_scaling_is_finite_and_can_be_undone(rows: Array, rule: str | float) -> None:
    fitted = fit(rule, rows)
    scaled = fitted.apply(rows, F64)
    assert np.isfinite(scaled).all()
    back = scaled * fitted.divisor + fitted.shift
    np.testing.assert_allclose(back, rows, rtol=1e-12, atol=1e-9)


def rows_only(rows: Array) -> Table:
    return Table(rows, np.arange(len(rows)), "f.h5: 'x'", "f.h5: 'y'")


def test_the_training_part_alone_decides(rng: np.random.Generator) -> None:
    train, test = rng.normal(3, 2, (40, 4)), rng.normal(-50, 9, (7, 4))
    encoding = fit_encoding(rows_only(train), "number", 1, "standardize", F64)
    expected = (test - train.mean(axis=0)) / train.std(axis=0)
    np.testing.assert_allclose(encoding.part(rows_only(test)).rows, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.nan, r"NaN at row 2, column 1 \(1 such"),
        (np.inf, "infinity at row 2, column 1"),
        (-np.inf, "infinity at row 2, column 1"),
        (1e300, r"value 1e\+300 at row 2, column 1 does not fit float32"),
    ],
)
@pytest.mark.parametrize("rule", ["none", "standardize", "minmax", 255])
def test_values_that_are_not_finite_are_refused(
    rule: str | float, value: float, reason: str
) -> None:
    """As the file has them or in the network's precision; a rule may bring 1e300 into range."""
    rows = np.arange(12.0).reshape(4, 3)
    rows[2, 1] = value
    with_it = rows_only(rows)
    without = rows_only(np.arange(12.0).reshape(4, 3))
    with pytest.raises(DataError, match=f"^f.h5: 'x': {reason}"):
        fit_encoding(without, "number", 1, rule, F32).part(with_it)
    if not np.isfinite(value):
        with pytest.raises(DataError, match=f"^f.h5: 'x': {reason}"):
            fit_encoding(with_it, "number", 1, rule, F32).part(with_it)


@pytest.mark.parametrize("rule", ["standardize", "minmax"])
def test_numbers_of_any_size_keep_their_differences(rule: str) -> None:
    """1e200 squared overflows: the result is right or refused, never 0 for all."""
    table = rows_only(np.array([[-1e200], [1e200]]))
    try:
        scaled = fit_encoding(table, "number", 1, rule, F64).part(table).rows
    except DataError:
        return
    np.testing.assert_allclose(np.diff(scaled, axis=0), 1 if rule == "minmax" else 2)


def test_finite_rows_whose_sum_overflows_are_taken() -> None:
    table = rows_only(np.full((3, 2), 3e38))
    part = fit_encoding(table, "number", 1, "none", F32).part(table)
    np.testing.assert_array_equal(part.rows, np.full((3, 2), 3e38, np.float32))


def test_another_number_of_features_is_refused() -> None:
    encoding = fit_encoding(rows_only(np.ones((4, 3))), "number", 1, "none", F64)
    with pytest.raises(DataError, match="2 features an example but the network takes 3"):
        encoding.part(rows_only(np.ones((4, 2))))
