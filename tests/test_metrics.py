"""Figures of merit, held against scikit-learn and against their definitions."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from deepnet_cli.nn.metrics import (
    FIGURES,
    HEADLINE,
    METRICS,
    SMALLER_IS_BETTER,
    Figures,
    area_under_curve,
    binary_figures,
    class_figures,
    confusion_matrix,
    decisions,
    figures,
    number_figures,
)
from deepnet_cli.nn.types import Array

law = settings(max_examples=60, derandomize=True, deadline=None)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def one_hot(labels: Array, K: int) -> Array:
    return np.eye(K)[:, labels]


def sk_binary(true: Array, score: Array) -> Figures:
    decided = score > 0.5
    both = true.min() < true.max()
    return {
        "accuracy": sk.accuracy_score(true, decided),
        "precision": sk.precision_score(true, decided, zero_division=0),
        "recall": sk.recall_score(true, decided, zero_division=0),
        "f1": sk.f1_score(true, decided, zero_division=0),
        "auc": sk.roc_auc_score(true, score) if both else float("nan"),
    }


def sk_class(true: Array, decided: Array) -> Figures:
    averaged: dict[str, Callable[..., float]] = {
        "precision": sk.precision_score,
        "recall": sk.recall_score,
        "f1": sk.f1_score,
    }
    return {"accuracy": sk.accuracy_score(true, decided)} | {
        name: score(true, decided, average="macro", zero_division=0)
        for name, score in averaged.items()
    }


def sk_number(A: Array, Y: Array) -> Figures:
    return {
        "mse": sk.mean_squared_error(Y.T, A.T),
        "mae": sk.mean_absolute_error(Y.T, A.T),
        "r2": sk.r2_score(Y.T, A.T),
    }


def assert_same(found: Figures, expected: Figures) -> None:
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)
    assert all(type(value) is float for value in found.values())


@pytest.mark.parametrize("target", FIGURES)
def test_the_names_of_the_figures(target: str) -> None:
    A, Y = np.array([[0.2, 0.9, 0.4], [0.8, 0.1, 0.6]]), np.eye(2)[:, [0, 1, 1]]
    assert tuple(FIGURES[target](A, Y)) == METRICS[target]
    assert HEADLINE[target] in METRICS[target]


def test_the_registries_know_the_same_targets() -> None:
    assert FIGURES.keys() == METRICS.keys() == HEADLINE.keys()
    assert {"cost"} | {name for names in METRICS.values() for name in names} > SMALLER_IS_BETTER


@law
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])), min_size=1))
def test_binary_is_scikit_learns(examples: list[tuple[bool, float]]) -> None:
    """Few scores make ties, 0.5 itself, one class alone, and no decision for class 1."""
    true, score = (np.array(column) for column in zip(*examples, strict=True))
    found = binary_figures(score[np.newaxis], true[np.newaxis].astype(float))
    assert_same(found, sk_binary(true.astype(int), score))


@dtypes
def test_binary_of_many_examples(dtype: str, rng: np.random.Generator) -> None:
    true = rng.integers(0, 2, 5000)
    A = (0.3 * true + rng.uniform(0, 0.7, 5000)).astype(dtype)[np.newaxis]
    found = binary_figures(A, true.astype(dtype)[np.newaxis])
    assert_same(found, sk_binary(true, A[0]))
    assert 0.6 < found["auc"] < 1


def test_half_is_not_class_1() -> None:
    A = np.array([[0.5, np.nextafter(0.5, 1), np.nextafter(0.5, 0)]])
    assert decisions(A, "binary").tolist() == [0, 1, 0]


def test_scores_decide_by_their_sign(rng: np.random.Generator) -> None:
    A, Y = rng.normal(size=(1, 60)).round(1), rng.integers(0, 2, (1, 60)).astype(float)
    A[0, :3] = 0.0, np.nextafter(0, 1), -np.nextafter(0, 1)
    assert decisions(A, "binary", 0.0).tolist() == (A[0] > 0).tolist()
    found, true = figures(A, Y, "binary", 0.0), Y[0].astype(int)
    decided = sk_binary(true, (A[0] > 0).astype(float))
    assert_same(found, {**decided, "auc": sk.roc_auc_score(true, A[0])})
    assert found != figures(A, Y, "binary")


def test_several_binary_outputs_decide_each_for_itself(rng: np.random.Generator) -> None:
    A = rng.uniform(size=(3, 20))
    np.testing.assert_array_equal(decisions(A, "binary"), A > 0.5)


def test_multilabel_takes_all_entries_together(rng: np.random.Generator) -> None:
    Y, A = rng.integers(0, 2, (4, 50)), rng.uniform(size=(4, 50)).round(1)
    found, decided = binary_figures(A, Y.astype(float)), A > 0.5
    assert found["accuracy"] == pytest.approx((decided == Y).mean())
    for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score)):
        assert found[name] == pytest.approx(score(Y.T, decided.T, average="micro"))
    assert found["f1"] == pytest.approx(sk.f1_score(Y.T, decided.T, average="micro"))
    assert found["auc"] == pytest.approx(sk.roc_auc_score(Y.T, A.T, average="micro"))


@law
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=2, max_size=12))
def test_area_is_the_chance_to_rank_a_pair_right(examples: list[tuple[int, int]]) -> None:
    true, score = (np.array(column) for column in zip(*examples, strict=True))
    true = (true == 0).astype(int)
    pairs = [
        (high > low) + (high == low) / 2
        for high, low in product(score[true == 1].tolist(), score[true == 0].tolist())
    ]
    chance = sum(pairs) / len(pairs) if pairs else float("nan")
    assert area_under_curve(true, score) == pytest.approx(chance, nan_ok=True)


@pytest.mark.parametrize(
    ("true", "score", "area"),
    [
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.75),
        ([1, 0], [0.5, 0.5], 0.5),
        ([1, 1, 0], [0.0, 0.0, 1.0], 0.0),
    ],
)
def test_area_by_hand(true: list[int], score: list[float], area: float) -> None:
    assert area_under_curve(np.array(true), np.array(score)) == area


@law
@given(st.integers(2, 5), st.data())
def test_class_is_scikit_learns(K: int, data: st.DataObject) -> None:
    """Classes may be missing in Y, in the decisions, or in both."""
    m = data.draw(st.integers(1, 12))
    index = st.integers(0, K - 1)
    true, decided = (np.array(data.draw(st.lists(index, min_size=m, max_size=m))) for _ in range(2))
    A = 0.1 / K + 0.9 * one_hot(decided, K)
    assert_same(class_figures(A, one_hot(true, K)), sk_class(true, decided))


@dtypes
def test_class_of_many_examples(dtype: str, rng: np.random.Generator) -> None:
    true, A = rng.integers(0, 6, 3000), rng.dirichlet(np.ones(7), 3000).T.astype(dtype)
    found = class_figures(A, one_hot(true, 7).astype(dtype))
    assert_same(found, sk_class(true, A.argmax(axis=0)))


def test_a_class_nobody_met_does_not_count() -> None:
    """Class 2 stands neither in Y nor in the decisions; class 1 does, and has F1 0."""
    figures = class_figures(one_hot(np.array([0, 0, 1]), 3), one_hot(np.array([0, 0, 0]), 3))
    assert figures["precision"] == pytest.approx((1 + 0) / 2)
    assert figures["recall"] == pytest.approx((2 / 3 + 0) / 2)
    assert figures["f1"] == pytest.approx((0.8 + 0) / 2)


@law
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_confusion_is_scikit_learns(examples: list[tuple[int, int]]) -> None:
    true, decided = (np.array(column) for column in zip(*examples, strict=True))
    expected = sk.confusion_matrix(true, decided, labels=range(4))
    np.testing.assert_array_equal(confusion_matrix(true, decided, 4), expected)


@dtypes
@pytest.mark.parametrize("K", [1, 3])
def test_number_is_scikit_learns(K: int, dtype: str, rng: np.random.Generator) -> None:
    scale = 10.0 ** np.arange(K)[:, np.newaxis]
    Y = (scale * rng.normal(5, 1, (K, 200))).astype(dtype)
    A = (Y + scale * rng.normal(0, 0.5, (K, 200))).astype(dtype)
    assert_same(number_figures(A, Y), sk_number(A.astype(float), Y.astype(float)))


def test_number_worse_than_the_mean_is_below_0() -> None:
    Y, A = np.array([[1.0, 2.0, 3.0]]), np.array([[3.0, 2.0, 1.0]])
    assert number_figures(A, Y) == pytest.approx({"mse": 8 / 3, "mae": 4 / 3, "r2": -3.0})


@pytest.mark.parametrize("off", [0.0, 1.0])
def test_constant_targets_are_scikit_learns(off: float) -> None:
    """One constant output beside one that varies."""
    Y = np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]])
    A = Y + np.array([[off], [0.5]])
    assert_same(number_figures(A, Y), sk_number(A, Y))


@pytest.mark.parametrize("m", [1, 3, 10, 101])
@pytest.mark.parametrize("constant", [0.0, 0.1, 0.3, -7e5])
def test_r2_of_a_constant_is_0_or_1(constant: float, m: int) -> None:
    """Also where the mean of equal numbers is, rounded, not that number."""
    Y = np.full((1, m), constant)
    assert number_figures(Y + 1, Y)["r2"] == 0
    assert number_figures(Y, Y)["r2"] == 1


def test_squares_of_float32_numbers_do_not_overflow() -> None:
    Y = np.array([[1e30, -1e30]], np.float32)
    figures = number_figures(np.zeros_like(Y), Y)
    assert figures == pytest.approx({"mse": 1e60, "mae": 1e30, "r2": 0.0}, rel=1e-6)
