"""Scaling of the features, held against plain float64 NumPy and scikit-learn."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from deepnet_cli.data.encoding import inputs, training_x
from deepnet_cli.data.encoding.encoding import Encoding
from deepnet_cli.data.encoding.encoding import fit as fit_encoding
from deepnet_cli.data.encoding.inputs import Inputs, Recipe
from deepnet_cli.data.encoding.scaling import LOG1P, SCALINGS, Divided, Rule, Scaling
from deepnet_cli.data.encoding.training_x import Columns
from deepnet_cli.data.reading import rows as blocks_of
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

LOGS = [f"log1p, {name}" for name in SCALINGS if name not in ("auto", "log1p", "none")]
RULES: list[str | float] = [*SCALINGS, *LOGS, 255, 0.5, -2.0]
each = pytest.mark.parametrize("rule", RULES)
DTYPES = ["u1", ">u2", "u4", "bool", "i1", "i2", ">i4", "i8", "f2", "<f4", ">f4", "f8", ">f8"]
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)

FORMULAS: dict[str, Callable[[Array, Array], Array]] = {
    "auto": lambda train, x: x / 255.0 if train.dtype == np.uint8 else x,
    "none": lambda _train, x: x,
    "standardize": lambda train, x: StandardScaler().fit(train).transform(x),
    "minmax": lambda train, x: MinMaxScaler().fit(train).transform(x),
    "robust": lambda train, x: RobustScaler().fit(train).transform(x),
    "max_abs": lambda train, x: MaxAbsScaler().fit(train).transform(x),
    "log1p": lambda _train, x: np.log1p(x),
}


def by_the_book(rule: str | float, train: Array, x: Array) -> Array:
    """x scaled as `rule` says, in float64 and by other means."""
    if rule == "auto":
        return FORMULAS[rule](train, x.astype(float))
    train, x = train.astype(float), x.astype(float)
    if not isinstance(rule, str):
        return x / rule
    if rule in LOGS:
        train, x, rule = np.log1p(train), np.log1p(x), rule.removeprefix("log1p, ")
    return FORMULAS[rule](train, x)


def rule_of(rule: str | float) -> Rule:
    if not isinstance(rule, str):
        return Divided(rule)
    name, *then = rule.split(", ")
    return SCALINGS[name](*then)


def fit(rule: str | float, train: Array) -> Scaling:
    return rule_of(rule).fit(Columns(train))


def scaled_by(scaling: Scaling, rows: Array, dtype: np.dtype[np.generic]) -> Array:
    return Inputs(scaling).apply(rows, dtype)


def encoding_of(table: Table, rule: str | float, dtype: np.dtype[np.generic]) -> Encoding:
    fitted, _ = Recipe(rule_of(rule)).fit(table)
    return fit_encoding(table, fitted, "number", 1, dtype)


def some_rows(m: int, dtype: str, rng: np.random.Generator) -> Array:
    high = 2 if dtype == "bool" else 120  # int8 has negative numbers beyond
    return rng.integers(0, high, (m, 6)).astype(dtype)


def test_the_oracle_knows_every_rule() -> None:
    assert FORMULAS.keys() == SCALINGS.keys()


@each
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_rule_on_every_type(rule: str | float, dtype: str, rng: np.random.Generator) -> None:
    train, x = some_rows(50, dtype, rng), some_rows(20, dtype, rng)
    scaled = scaled_by(fit(rule, train), x, F64)
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
    exact = scaled_by(fitted, rows, F64)
    np.testing.assert_array_equal(scaled_by(fitted, rows, F32), exact.astype(F32))


@pytest.mark.parametrize(
    ("rule", "name"),
    [("auto", "255"), (255, "255"), (0.5, "0.5"), *((rule, rule) for rule in LOGS)],
)
def test_the_name_says_what_was_done(rule: str | float, name: str) -> None:
    assert fit(rule, np.zeros((2, 1), np.uint8)).name == name


def test_auto_is_255_for_uint8_alone(rng: np.random.Generator) -> None:
    pixels = some_rows(9, "u1", rng)
    np.testing.assert_array_equal(scaled_by(fit("auto", pixels), pixels, F64), pixels / 255)
    for dtype in set(DTYPES) - {"u1"}:
        assert fit("auto", pixels.astype(dtype)).name == "none"


def test_minmax_fills_0_to_1_exactly(rng: np.random.Generator) -> None:
    rows = rng.normal(0.1, 3, (40, 6))
    scaled = scaled_by(fit("minmax", rows), rows, F32)
    np.testing.assert_array_equal(scaled.min(axis=0), 0)
    np.testing.assert_array_equal(scaled.max(axis=0), 1)


def test_standardize_by_hand() -> None:
    """Mean 3, deviation over m (not m - 1) 2."""
    fitted = fit("standardize", np.array([[1.0], [5.0]]))
    assert fitted(np.array([[1.0], [3.0], [9.0]])).ravel().tolist() == [-1, 0, 3]


def test_robust_by_hand() -> None:
    """Median 3, quartiles 2 and 4; the last value could be any."""
    fitted = fit("robust", np.array([[1.0], [2.0], [3.0], [4.0], [1e9]]))
    assert fitted(np.array([[1.0], [3.0], [7.0]])).ravel().tolist() == [-1, 0, 2]


@pytest.mark.parametrize("rule", [rule for rule in (*SCALINGS, *LOGS) if "max_abs" not in rule])
@pytest.mark.parametrize("constant", [0.0, 0.1, 3.3e7, 1e-300])
def test_a_constant_feature_has_divisor_1(rule: str, constant: float) -> None:
    train = np.full((101, 1), constant)
    fitted = fit(rule, train)
    assert fitted.divisor.tolist() == [1]
    seen_later = train[:1] + 2
    expected = by_the_book(rule, train, seen_later)
    np.testing.assert_allclose(fitted(seen_later), expected, rtol=1e-12)


@pytest.mark.parametrize("rule", ["standardize", "minmax", "robust"])
def test_what_rounding_tells_apart_is_constant(rule: str) -> None:
    train = np.array([[0.3], [0.1 + 0.2], [0.3], [0.1 + 0.2]])
    assert fit(rule, train).divisor.tolist() == [1]


def test_a_feature_that_is_mostly_one_value_has_divisor_1() -> None:
    """As scikit-learn has it: its quartiles are equal."""
    train = np.array([[0.0]] * 9 + [[50.0]])
    np.testing.assert_array_equal(fit("robust", train)(train), RobustScaler().fit_transform(train))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "auto"])
def test_what_is_not_there_is_left_out(rule: str | float, rng: np.random.Generator) -> None:
    """NaN and infinities move nothing; a feature without values is as one of zeros."""
    train = rng.gamma(2, 3, (60, 3))
    holed = np.concatenate([train, np.full((7, 3), np.nan), [[np.inf, -np.inf, np.nan]]])
    holed = rng.permutation(holed)
    for name, values in vars(fit(rule, train)).items():
        found = vars(fit(rule, holed))[name]
        if isinstance(values, str):
            assert found == values
        else:
            np.testing.assert_allclose(found, values, rtol=1e-12)
    nothing = fit(rule, np.full((4, 1), np.nan))
    assert nothing.shift.tolist() == [0]
    assert nothing.divisor.tolist() == [rule if isinstance(rule, float | int) else 1]


@pytest.mark.parametrize("dtype", [">f8", "f8", "i8"])
def test_a_small_spread_on_a_large_mean_survives(dtype: str, rng: np.random.Generator) -> None:
    """mean(x^2) - mean(x)^2 would have no correct digit here, nor would float32."""
    signal = rng.normal(0, 100, (400, 3)).round()
    rows = (1e10 + signal).astype(dtype)
    expected = (signal - signal.mean(axis=0)) / signal.std(axis=0)
    scaled = scaled_by(fit("standardize", rows), rows, F32)
    np.testing.assert_allclose(scaled, expected, atol=1e-6)


def test_mean_1e8_spread_1(rng: np.random.Generator) -> None:
    rows = rng.normal(1e8, 1, (500, 3))
    scaled = fit("standardize", rows)(rows)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-7)


def test_integers_do_not_wrap_around() -> None:
    rows = np.array([[-120], [120]], np.int8)
    assert scaled_by(fit("minmax", rows), rows, F64).ravel().tolist() == [0, 1]
    assert scaled_by(fit("standardize", rows), rows, F64).ravel().tolist() == [-1, 1]


@each
def test_many_rows_are_scaled_as_if_at_once(
    rule: str | float, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rng.gamma(5, 2, (101, 6)).astype(F32)
    fitted = fit(rule, rows)
    whole = scaled_by(fitted, rows, F32)
    for block in (1, 6, 7, 60, 600):
        monkeypatch.setattr(inputs, "VALUES", block)
        np.testing.assert_array_equal(scaled_by(fitted, rows, F32), whole)
        monkeypatch.setattr(blocks_of, "BYTES", 4 * block)
        again = fit(rule, rows)
        np.testing.assert_allclose(again.shift, fitted.shift, rtol=1e-12)
        np.testing.assert_allclose(again.divisor, fitted.divisor, rtol=1e-12)


@pytest.mark.parametrize("shape", [(inputs.VALUES // 4 + 3, 5), (2, inputs.VALUES + 3)])
def test_past_the_real_block_size(shape: tuple[int, int], rng: np.random.Generator) -> None:
    rows = rng.integers(0, 256, shape, np.uint8)
    scaled = scaled_by(fit("auto", rows), rows, F32)
    np.testing.assert_array_equal(scaled, (rows / 255).astype(F32))


@each
def test_the_rows_of_the_file_are_left_alone(rule: str | float, rng: np.random.Generator) -> None:
    rows = rng.gamma(5, 2, (30, 6))
    before = rows.copy()
    scaled = scaled_by(fit(rule, rows), rows, F64)
    np.testing.assert_array_equal(rows, before)
    assert fit(rule, rows).changes_nothing == np.array_equal(scaled, before)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(-0.75, 1e3, width=16),
    ),
    st.sampled_from(RULES),
)
def test_scaling_is_finite_and_can_be_undone(rows: Array, rule: str | float) -> None:
    fitted = fit(rule, rows)
    scaled = fitted(rows)
    assert np.isfinite(scaled).all()
    back = scaled * fitted.divisor + fitted.shift
    back = np.expm1(back) if fitted.function == LOG1P else back
    np.testing.assert_allclose(back, rows, rtol=1e-12, atol=1e-9)


def rows_only(rows: Array) -> Table:
    return Table(rows, np.arange(len(rows)), "f.h5: 'x'", "f.h5: 'y'")


def test_the_training_part_alone_decides(rng: np.random.Generator) -> None:
    train, test = rng.normal(3, 2, (40, 4)), rng.normal(-50, 9, (7, 4))
    encoding = encoding_of(rows_only(train), "standardize", F64)
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
@pytest.mark.parametrize(
    "rule", ["none", "standardize", "minmax", "robust", "max_abs", "log1p, robust", 255]
)
def test_values_that_are_not_finite_are_refused(
    rule: str | float, value: float, reason: str
) -> None:
    """As the file has them or in the network's precision; a rule may bring 1e300 into range."""
    rows = np.arange(12.0).reshape(4, 3)
    rows[2, 1] = value
    with_it = rows_only(rows)
    without = rows_only(np.arange(12.0).reshape(4, 3))
    if value != 1e300 or rule not in LOGS:
        with pytest.raises(DataError, match=f"^f.h5: 'x': {reason}"):
            encoding_of(without, rule, F32).part(with_it)
    if not np.isfinite(value):
        with pytest.raises(DataError, match=f"^f.h5: 'x': {reason}"):
            encoding_of(with_it, rule, F32).part(with_it)


@pytest.mark.parametrize("rule", ["standardize", "minmax"])
def test_numbers_of_any_size_keep_their_differences(rule: str) -> None:
    """1e200 squared overflows: the result is right or refused, never 0 for all."""
    table = rows_only(np.array([[-1e200], [1e200]]))
    try:
        scaled = encoding_of(table, rule, F64).part(table).rows
    except DataError:
        return
    np.testing.assert_allclose(np.diff(scaled, axis=0), 1 if rule == "minmax" else 2)


def test_finite_rows_whose_sum_overflows_are_taken() -> None:
    table = rows_only(np.full((3, 2), 3e38))
    part = encoding_of(table, "none", F32).part(table)
    np.testing.assert_array_equal(part.rows, np.full((3, 2), 3e38, np.float32))


def test_another_number_of_features_is_refused() -> None:
    encoding = encoding_of(rows_only(np.ones((4, 3))), "none", F64)
    with pytest.raises(DataError, match="2 features an example but the network takes 3"):
        encoding.part(rows_only(np.ones((4, 2))))


@pytest.mark.parametrize("value", [-1.0, -7.5])
def test_log1p_names_what_it_cannot_take(value: float) -> None:
    rows = np.arange(12.0).reshape(4, 3)
    rows[3, 2] = value
    with pytest.raises(
        DataError, match=f"value {value:g} at row 3, column 2 has no log1p; it takes"
    ):
        encoding_of(rows_only(rows), "log1p", F32).part(rows_only(rows))


def test_quantiles_of_many_rows_are_those_of_a_sample(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row out of each of equal runs, however the rows are read; near those of all rows."""
    monkeypatch.setattr(training_x, "ROWS", 400)
    rows = np.sort(rng.normal(size=(4001, 2)), axis=0)
    found = fit("robust", rows)
    monkeypatch.setattr(blocks_of, "BYTES", 1000)
    np.testing.assert_array_equal(fit("robust", rows).shift, found.shift)
    ranks = np.searchsorted(rows[:, 0], [found.shift[0]]) / len(rows)
    np.testing.assert_allclose(ranks, 0.5, atol=1 / 400)  # sorted rows: a run is off by itself
    assert found.shift.tolist() != fit("robust", rows[:400]).shift.tolist()
    every_tenth = np.where(np.arange(4000) % 10 == 0, 1000, rows[:4000, 0])[:, np.newaxis]
    assert abs(fit("robust", every_tenth).shift[0]) < 1  # a run has ten rows
    monkeypatch.setattr(training_x, "VALUES", 20)
    sample, count = Columns(rows)._ordered
    assert sample.shape == (10, 2)
    assert count.tolist() == [10, 10]
