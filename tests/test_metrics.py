"""Figures of merit: each held against scikit-learn, and against the laws of all of them."""

import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from deepnet_cli.nn.improvement import best_of, improves
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.metrics import (
    DEFAULTS,
    HEADLINE,
    METRICS,
    SMALLER_IS_BETTER,
    Figures,
    States,
    chosen,
    confusion_matrix,
    decisions,
    drawn_figures,
    figures_of,
    figures_of_each,
    find,
    observed,
    pooled,
    unmixed,
    weighted_figures,
)
from deepnet_cli.nn.types import Array

law = settings(max_examples=40, derandomize=True, deadline=None)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
targets = pytest.mark.parametrize("target", METRICS)
each_metric = pytest.mark.parametrize(
    ("target", "name"), [(target, name) for target in METRICS for name in METRICS[target]]
)

Case = tuple[Array, Array]
"""A and Y (K, m)."""


def figures(target: str, A: Array, Y: Array, w: Array | None = None) -> Figures:
    """Every metric of a target."""
    metrics = METRICS[target]
    return figures_of(metrics, observed(metrics, A, Y, None if w is None else w[np.newaxis]))


def one_hot(labels: Array, K: int) -> Array:
    return np.eye(K)[:, labels]


def of_each(
    score: Callable[..., float], defined: Callable[[Array], bool]
) -> Callable[[Array, Array, Any], float]:
    """scikit-learn's score of each class against the rest, the mean of those defined."""

    def macro(A: Array, Y: Array, w: Any) -> float:
        each = [score(y, a, sample_weight=w) for a, y in zip(A, Y, strict=True) if defined(y)]
        return float(np.mean(each)) if each else float("nan")

    return macro


def decided(
    score: Callable[..., float], threshold: float = np.nan, **more: Any
) -> Callable[[Array, Array, Any], float]:
    """scikit-learn's score of decisions."""

    def of(A: Array, Y: Array, w: Any) -> float:
        if len(A) == 1:
            return score(Y[0].astype(int), (A[0] > threshold).astype(int), sample_weight=w, **more)
        return score(Y.argmax(axis=0), A.argmax(axis=0), sample_weight=w, **more)

    return of


def ranked(score: Callable[..., float]) -> Callable[[Array, Array, Any], float]:
    return lambda A, Y, w: score(Y[0], A[0], sample_weight=w)


def numbers(score: Callable[..., float]) -> Callable[[Array, Array, Any], float]:
    return lambda A, Y, w: score(Y.T.astype(float), A.T.astype(float), sample_weight=w)


def top(k: int) -> Callable[[Array, Array, Any], float]:
    def of(A: Array, Y: Array, w: Any) -> float:
        if len(A) == 2:  # scikit-learn wants one column then
            return 1.0
        labels = range(len(A))
        return float(sk.top_k_accuracy_score(Y.argmax(0), A.T, k=k, labels=labels, sample_weight=w))

    return of


def class_brier(A: Array, Y: Array, w: Any) -> float:
    """By its formula: older scikit-learns know two classes only."""
    squares = [sum((a - y) ** 2) for a, y in zip(A.T, Y.T, strict=True)]
    return float(np.average(squares, weights=w)) / (2 if len(A) == 2 else 1)


def log_loss(A: Array, Y: Array, w: Any) -> float:
    flags = len(A) == 1
    labels = range(2 if flags else len(A))
    true = Y[0] if flags else Y.argmax(axis=0)
    return float(sk.log_loss(true, A[0] if flags else A.T, labels=labels, sample_weight=w))


average: dict[str, Callable[..., float]] = {
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1": sk.f1_score,
}
Oracles = dict[str, Callable[[Array, Array, Any], float]]


def of_decisions(threshold: float, **more: Any) -> Oracles:
    return {
        "accuracy": decided(sk.accuracy_score, threshold),
        "balanced_accuracy": decided(sk.balanced_accuracy_score, threshold),
        "mcc": decided(sk.matthews_corrcoef, threshold),
        "cohen_kappa": decided(sk.cohen_kappa_score, threshold),
    } | {
        name: decided(score, threshold, zero_division=0, **more) for name, score in average.items()
    }


OF_RANKS: Oracles = {
    "auc": ranked(sk.roc_auc_score),
    "average_precision": ranked(sk.average_precision_score),
}
OF_CLASSES = of_decisions(np.nan, average="macro") | {
    "auc": of_each(sk.roc_auc_score, lambda y: 0 < y.sum() < y.size),
    "average_precision": of_each(sk.average_precision_score, lambda y: y.sum() > 0),
    "top_3": top(3),
    "top_5": top(5),
}
OF_NUMBERS: Oracles = {
    "mse": numbers(sk.mean_squared_error),
    "rmse": lambda A, Y, w: float(
        np.mean(
            [
                np.sqrt(sk.mean_squared_error(y, a, sample_weight=w))
                for a, y in zip(A.astype(float), Y.astype(float), strict=True)
            ]
        )
    ),
    "mae": numbers(sk.mean_absolute_error),
    "medae": numbers(sk.median_absolute_error),
    "r2": numbers(sk.r2_score),
    "explained_variance": numbers(sk.explained_variance_score),
    "mape": numbers(sk.mean_absolute_percentage_error),
}
ORACLES: dict[str, Oracles] = {
    "binary": of_decisions(0.5)
    | OF_RANKS
    | {"log_loss": log_loss, "brier": ranked(sk.brier_score_loss)},
    "class": OF_CLASSES | {"log_loss": log_loss, "brier": class_brier},
    "binary scores": of_decisions(0.0) | OF_RANKS,
    "class scores": OF_CLASSES,
    "number": OF_NUMBERS,
    "count": {name: score for name, score in OF_NUMBERS.items() if name != "mape"},
    "quantiles": {
        "coverage": lambda A, Y, w: float(
            np.average([a[0] <= y[0] <= a[-1] for a, y in zip(A.T, Y.T, strict=True)], weights=w)
        ),
        "width": lambda A, _, w: float(
            np.average([float(a[-1]) - float(a[0]) for a in A.T], weights=w)
        ),
    },
}


def expected(target: str, name: str, A: Array, Y: Array, w: Any = None) -> float:
    """What scikit-learn says, without its warnings of what is undefined."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return float(ORACLES[target][name](A, Y, w))


def assert_scikit_learns(target: str, A: Array, Y: Array, w: Any = None) -> None:
    found = figures(target, A, Y, w)
    for name, value in found.items():
        told = expected(target, name, A, Y, w)
        assert value == pytest.approx(told, rel=1e-9, abs=1e-9, nan_ok=True), name
        assert type(value) is float


def test_each_metric_has_its_oracle() -> None:
    assert {t: set(names) for t, names in METRICS.items()} == {
        t: set(names) for t, names in ORACLES.items()
    }


@targets
def test_names(target: str) -> None:
    assert HEADLINE[target] in DEFAULTS[target]
    assert set(DEFAULTS[target]) <= set(METRICS[target])
    assert METRICS.keys() == DEFAULTS.keys() == HEADLINE.keys()


@each_metric
def test_what_is_better(target: str, name: str) -> None:
    """A right answer is better than a wrong one, in the direction that the registry says."""
    Y = {
        "binary": np.array([[0.0, 1, 0, 1]]),
        "class": np.eye(6),
        "quantiles": np.ones((2, 1)),
    }.get(target.removesuffix(" scores"), np.array([[1.0, -2, 3, 5]]))
    low = 0.5 * (target == "binary scores")
    right, wrong = (figures(target, A - low, Y)[name] for A in (0.9 * Y, 0.9 - 0.8 * Y))
    if target == "quantiles":  # narrow but right; wide but wrong
        right, wrong = (
            figures(target, np.array([[low], [high]]), Y)[name] for low, high in ((1, 2), (2, 4))
        )
    assert right < wrong if name in SMALLER_IS_BETTER else right > wrong
    assert METRICS[target][name].smaller_is_better is (name in SMALLER_IS_BETTER)


outputs = {
    "binary": st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.75, 1.0]),
    "binary scores": st.sampled_from([-0.75, -0.25, 0.0, 0.25, 0.5, 3.0]),
}
"""Few, so that there are ties, the threshold itself, and no decision for a class."""


@st.composite
def cases(draw: st.DrawFn, target: str, m: int = 0) -> Case:
    """Outputs and targets of a few examples: any class may be missing, any target constant."""
    m = m or draw(st.integers(1, 12))
    if target in outputs:
        row = st.lists(outputs[target], min_size=m, max_size=m)
        flags = st.lists(st.sampled_from([0.0, 1.0]), min_size=m, max_size=m)
        return np.array([draw(row)]), np.array([draw(flags)])
    if not target.startswith("class"):
        K = draw(st.integers(1, 3))
        whole = st.lists(
            st.lists(st.integers(-3, 3), min_size=m, max_size=m), min_size=K, max_size=K
        )
        A, Y = np.array(draw(whole)) / 2, np.array(draw(whole)).astype(float)
        return A, Y[[0] * K] if target == "quantiles" else Y
    K = draw(st.integers(2, 7))
    labels = np.array(draw(st.lists(st.integers(0, K - 1), min_size=m, max_size=m)))
    weights = st.lists(st.integers(0, 3), min_size=K, max_size=K).filter(any)
    A = np.array([draw(weights) for _ in range(m)], float).T
    return A / A.sum(axis=0) if target == "class" else A - 2, one_hot(labels, K)


@targets
@law
@given(st.data())
def test_small_and_degenerate_cases_are_scikit_learns(target: str, data: st.DataObject) -> None:
    A, Y = data.draw(cases(target))
    assume(A.shape[1] > 1)  # of one example scikit-learn tells no r2
    with np.errstate(divide="raise", invalid="raise"):
        assert_scikit_learns(target, A, Y)


@targets
@law
@given(st.data())
def test_nothing_is_better_than_the_best(target: str, data: st.DataObject) -> None:
    A, Y = data.draw(cases(target))
    for name, value in figures(target, A, Y).items():
        assert not improves(name, value, best_of(name), by=1e-9)


def many(target: str, rng: np.random.Generator, dtype: str = "float64", m: int = 1500) -> Case:
    """Outputs that are right more often than not."""
    if target in outputs:
        Y, low = rng.integers(0, 2, (1, m)).astype(dtype), 0.5 * (target == "binary scores")
        return (0.3 * Y + rng.uniform(0, 0.7, (1, m)) - low).astype(dtype), Y
    if target == "quantiles":
        return np.sort(rng.normal(size=(3, m)), axis=0).astype(dtype), np.tile(
            rng.normal(size=m).astype(dtype), (3, 1)
        )
    if not target.startswith("class"):
        scale = 10.0 ** np.arange(3)[:, np.newaxis]
        Y = (scale * rng.normal(5, 1, (3, m))).astype(dtype)
        return (Y + scale * rng.normal(0.1, 0.5, (3, m))).astype(dtype), Y
    labels = rng.integers(0, 6, m)  # the last of seven classes is empty
    A = rng.dirichlet(np.ones(7), m).T + 0.3 * one_hot(labels, 7)
    A = A / A.sum(axis=0) if target == "class" else np.log(A)
    return A.astype(dtype), one_hot(labels, 7).astype(dtype)


@dtypes
@targets
def test_many_examples_are_scikit_learns(target: str, dtype: str, rng: np.random.Generator) -> None:
    A, Y = many(target, rng, dtype)
    found = figures(target, A, Y)
    for name, value in found.items():
        rel = 1e-6 if dtype == "float32" and name in ("brier", "log_loss") else 1e-9
        assert value == pytest.approx(expected(target, name, A, Y), rel=rel), name


@targets
def test_weights_are_scikit_learns(target: str, rng: np.random.Generator) -> None:
    A, Y = many(target, rng, m=300)
    w = rng.uniform(0, 2, 300) * (rng.uniform(size=300) > 0.3)
    found = figures(target, A, Y, w)
    found.pop("medae", None)  # scikit-learn changed it
    for name, value in found.items():
        assert value == pytest.approx(expected(target, name, A, Y, w), rel=1e-9), name


@each_metric
@settings(max_examples=12, derandomize=True, deadline=None)
@given(data=st.data())
def test_a_weight_of_two_is_the_example_twice(target: str, name: str, data: st.DataObject) -> None:
    """So a resample of a bootstrap is a row of weights."""
    A, Y = data.draw(cases(target, m=6))
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=6, max_size=6).filter(any)))
    often = np.repeat(np.arange(6), counts)
    weighed = figures(target, A, Y, counts.astype(float))[name]
    repeated = figures(target, A[:, often], Y[:, often])[name]
    assert weighed == pytest.approx(repeated, rel=1e-9, abs=1e-9, nan_ok=True)


@each_metric
def test_several_weightings_at_once_are_each_by_itself(
    target: str, name: str, rng: np.random.Generator
) -> None:
    A, Y = many(target, rng, m=50)
    w = rng.integers(0, 3, (4, 50)).astype(float)
    metrics = METRICS[target]
    together = weighted_figures(metrics, observed(metrics, A, Y, w))[name]
    assert together.shape == (4,)
    alone = [figures(target, A, Y, row)[name] for row in w]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


@targets
def test_drawing_groups_is_weighing_their_examples(target: str, rng: np.random.Generator) -> None:
    A, Y = many(target, rng, m=300)
    w, group = rng.uniform(0.1, 2, 300), np.concatenate([rng.permutation(40), np.arange(260) % 40])
    times = rng.integers(0, 3, (5, 40)).astype(float)
    times[4] = 1
    metrics = METRICS[target]
    found = drawn_figures(metrics, A, Y, w, group)(times)
    weighed = weighted_figures(metrics, observed(metrics, A, Y, times[:, group] * w))
    assert found.keys() == metrics.keys()
    for name, values in weighed.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("target", ["binary scores", "class scores"])
def test_what_is_all_right_or_all_wrong_stays_in_the_range_of_a_figure(
    target: str, way: int, rng: np.random.Generator
) -> None:
    """Also by sums of weights that are rounded, and of very many scores with two among
    the others'.
    """
    for m, astray in product((9, 30, 1000), (0, 2)):
        labels, w = np.arange(m) % 2, rng.uniform(size=m)
        times = np.concatenate([rng.uniform(size=(50, m)), rng.integers(0, 3, (50, m))])
        Y = labels[np.newaxis] * 1.0 if target == "binary scores" else one_hot(labels, 2)
        A = way * (2 * Y - 1) * rng.uniform(1, 2, m)
        A[:, :astray] *= -1
        draws = drawn_figures(METRICS[target], A, Y, w, np.arange(m))
        for found in (figures(target, A, Y, w), draws(times)):
            for name, values in found.items():
                lowest = -1 if name in ("mcc", "cohen_kappa") else 0
                assert not np.any(values < lowest), name
                assert not np.any(values > 1), name


@pytest.mark.parametrize("share", [0.5, 0.02, 0.98])
@pytest.mark.parametrize("apart", [0.5, 4.0, 100.0])
def test_ranks_of_many_drawn_again_are_nearly_exact(
    share: float, apart: float, rng: np.random.Generator
) -> None:
    """By far less than they vary; of all examples quite, and never above 1."""
    m = 15_000
    Y = (rng.uniform(size=(1, m)) < share).astype(float)
    A = rng.normal(size=Y.shape) + apart * Y
    group, times = rng.permutation(m) % 100, rng.multinomial(100, np.full(100, 0.01), 30)
    times = np.concatenate([np.ones((1, 100)), times])
    metrics = chosen("binary scores", ["auc", "average_precision"])
    found = drawn_figures(metrics, A, Y, np.ones(m), group)(times)
    for name, exact in weighted_figures(metrics, observed(metrics, A, Y, times[:, group])).items():
        assert found[name][0] == pytest.approx(exact[0], rel=1e-12)
        assert np.sqrt(((found[name] - exact) ** 2).mean()) <= 0.15 * exact.std() + 1e-15
        assert found[name].max() <= 1


def in_blocks(target: str, A: Array, Y: Array, cuts: list[int]) -> States:
    states: States = {}
    for i in np.split(np.arange(A.shape[1]), cuts):
        block = observed(METRICS[target], A[:, i], Y[:, i])
        states = pooled(METRICS[target], states, block)
    return states


@pytest.mark.parametrize("cuts", [[1], [7, 8, 200], list(range(10, 300, 10))])
@targets
def test_blocks_are_the_whole(target: str, cuts: list[int], rng: np.random.Generator) -> None:
    A, Y = many(target, rng, m=300)
    found = figures_of(METRICS[target], in_blocks(target, A, Y, cuts))
    assert found == pytest.approx(figures(target, A, Y), rel=1e-11)


@targets
def test_sums_do_not_grow_with_the_examples(target: str, rng: np.random.Generator) -> None:
    """Only what says so keeps the examples; and in few blocks."""
    A, Y = many(target, rng, m=320)
    kept = {"ranks", "errors"}
    few, whole = (in_blocks(target, A, Y, list(range(10, stop, 10))) for stop in (20, 320))
    for name in whole:
        sizes = [sum(array.size for array in states[name]) for states in (few, whole)]
        assert sizes[0] == sizes[1] or name in kept
        assert len(whole[name]) <= 3 * 6 or name not in kept


def test_numbers_far_from_0_lose_no_digits_in_blocks(rng: np.random.Generator) -> None:
    Y = 1e8 + rng.normal(size=(2, 400))
    A = Y + rng.normal(3, 0.1, size=Y.shape)
    metrics = METRICS["number"]
    found = figures_of(metrics, in_blocks("number", A, Y, [5, 100, 101]))
    for name in ("r2", "explained_variance"):
        assert found[name] == pytest.approx(expected("number", name, A, Y), rel=1e-6)


def test_half_is_not_class_1() -> None:
    A = np.array([[0.5, np.nextafter(0.5, 1), np.nextafter(0.5, 0)]])
    assert decisions(A, "binary").tolist() == [0, 1, 0]


def test_scores_decide_by_their_sign(rng: np.random.Generator) -> None:
    A, Y = rng.normal(size=(1, 60)).round(1), rng.integers(0, 2, (1, 60)).astype(float)
    A[0, :3] = 0.0, np.nextafter(0, 1), -np.nextafter(0, 1)
    assert decisions(A, "binary scores").tolist() == (A[0] > 0).tolist()
    assert_scikit_learns("binary scores", A, Y)
    assert figures("binary scores", A, Y)["accuracy"] != figures("binary", A, Y)["accuracy"]


def test_several_binary_outputs_decide_each_for_itself(rng: np.random.Generator) -> None:
    A = rng.uniform(-1, 1, size=(3, 20))
    np.testing.assert_array_equal(decisions(A, "binary"), A > 0.5)
    np.testing.assert_array_equal(decisions(A, "binary scores"), A > 0)


def test_what_is_not_known_of_scores_is_what_wants_probabilities() -> None:
    for target in ("binary", "class"):
        missing = METRICS[target].keys() - METRICS[f"{target} scores"].keys()
        assert missing == {"log_loss", "brier"}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_each_loss_has_metrics(loss: Loss) -> None:
    """And those of probabilities where its link makes some."""
    assert METRICS[loss.kind]
    assert ("log_loss" in METRICS[loss.kind]) is (loss.link.name in ("sigmoid", "softmax"))


def test_the_larger_share_of_mixed_examples_is_the_right_answer(rng: np.random.Generator) -> None:
    first, second = rng.permutation(5), rng.permutation(5)
    for lam in (0.3, 0.7, 1.0):
        more = first if lam > 0.5 else second
        mixed = lam * np.eye(5)[:, first] + (1 - lam) * np.eye(5)[:, second]
        np.testing.assert_array_equal(unmixed(mixed, "class"), np.eye(5)[:, more])
        np.testing.assert_array_equal(unmixed(mixed[:1], "binary"), np.eye(5)[:1, more])
        np.testing.assert_array_equal(unmixed(mixed, "number"), mixed)


def test_multilabel_takes_all_entries_together(rng: np.random.Generator) -> None:
    Y, A = rng.integers(0, 2, (4, 50)).astype(float), rng.uniform(size=(4, 50)).round(1)
    w = rng.uniform(size=50)
    found, weighed = figures("binary", A, Y), figures("binary", A, Y, w)
    entries = A.reshape(1, -1), Y.reshape(1, -1)
    for name, value in found.items():
        assert value == pytest.approx(expected("binary", name, *entries)), name
        told = expected("binary", name, *entries, np.tile(w, 4))
        assert weighed[name] == pytest.approx(told), name
    assert found["f1"] == pytest.approx(sk.f1_score(Y.T, (A > 0.5).T, average="micro"))
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
    found = figures("binary", score[np.newaxis] / 10, true[np.newaxis].astype(float))
    assert found["auc"] == pytest.approx(chance, nan_ok=True)


@pytest.mark.parametrize(
    ("true", "score", "area"),
    [
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.75),
        ([1, 0], [0.5, 0.5], 0.5),
        ([1, 1, 0], [0.0, 0.0, 1.0], 0.0),
    ],
)
def test_area_by_hand(true: list[int], score: list[float], area: float) -> None:
    assert figures("binary", np.array([score]), np.array([true]))["auc"] == area


def test_a_class_nobody_met_does_not_count() -> None:
    """Class 2 stands neither in Y nor in the decisions; class 1 does, and has F1 0."""
    found = figures("class", one_hot(np.array([0, 0, 0]), 3), one_hot(np.array([0, 0, 1]), 3))
    assert found["precision"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["recall"] == pytest.approx((1 + 0) / 2)
    assert found["f1"] == pytest.approx((0.8 + 0) / 2)


def test_each_class_by_itself(rng: np.random.Generator) -> None:
    A, Y = many("class", rng)
    metrics = METRICS["class"]
    each = figures_of_each(metrics, observed(metrics, A, Y))
    told = sk.precision_recall_fscore_support(
        Y.argmax(0), A.argmax(0), labels=range(7), zero_division=0
    )
    for name, values in zip(("precision", "recall", "f1"), told[:3], strict=True):
        np.testing.assert_allclose(each[name], values)


def test_each_output_by_itself(rng: np.random.Generator) -> None:
    A, Y = many("number", rng)
    each = figures_of_each(METRICS["number"], observed(METRICS["number"], A, Y))
    assert each.keys() == METRICS["number"].keys()
    for k in range(3):
        alone = figures("number", A[k : k + 1], Y[k : k + 1])
        assert {name: values[k] for name, values in each.items()} == pytest.approx(alone)


@law
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_confusion_is_scikit_learns(examples: list[tuple[int, int]]) -> None:
    true, taken = (np.array(column) for column in zip(*examples, strict=True))
    told = sk.confusion_matrix(true, taken, labels=range(4))
    np.testing.assert_array_equal(confusion_matrix(true, taken, 4), told)


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_any_k_of_top_k(k: int, rng: np.random.Generator) -> None:
    """Also where scores tie."""
    A, Y = rng.integers(0, 3, (6, 200)).astype(float), one_hot(rng.integers(0, 6, 200), 6)
    metrics = chosen("class", [f"top_{k}"])
    found = figures_of(metrics, observed(metrics, A, Y))[f"top_{k}"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k = 6 is always right
        assert found == sk.top_k_accuracy_score(Y.argmax(0), A.T, k=k, labels=range(6))


@pytest.mark.parametrize("name", ["top_0", "top_", "top_-1", "top_1.5", "top_03", "accuracies"])
def test_no_such_metric(name: str) -> None:
    assert find("class", name) is None
    assert find("binary", "top_3") is None


@pytest.mark.parametrize("m", [1, 3, 10, 101])
@pytest.mark.parametrize("constant", [0.0, 0.1, 0.3, -7e5])
def test_r2_of_a_constant_is_0_or_1(constant: float, m: int) -> None:
    """Also where the mean of equal numbers is, rounded, not that number."""
    Y = np.full((1, m), constant)
    for name in ("r2", "explained_variance"):
        assert figures("number", Y + np.arange(1, m + 1), Y)["r2"] == 0
        assert figures("number", Y, Y)[name] == 1


@dtypes
@pytest.mark.parametrize("target", ["binary", "class"])
def test_what_is_certain_costs_what_it_costs_in_scikit_learn(target: str, dtype: str) -> None:
    """Right or wrong: no probability is nearer to 0 or 1 than an epsilon."""
    Y = np.eye(3)[:, [0, 1, 2, 1]] if target == "class" else np.array([[0.0, 1, 1, 0]])
    for A in (Y, Y[:, [0, 1, 2, 0]]):
        A = A.astype(dtype)
        found = figures(target, A, Y.astype(dtype))["log_loss"]
        assert found == pytest.approx(expected(target, "log_loss", A, Y), rel=1e-6, abs=1e-18)
        assert 0 < found < 40


def test_squares_of_float32_numbers_do_not_overflow() -> None:
    Y = np.array([[1e30, -1e30]], np.float32)
    found = figures("number", np.zeros_like(Y), Y)
    told = {"mse": 1e60, "rmse": 1e30, "mae": 1e30, "medae": 1e30, "r2": 0.0, "mape": 1.0}
    assert found == pytest.approx(told | {"explained_variance": 0.0}, rel=1e-6)


@pytest.mark.parametrize("constant", [0.1, 0.7, 1 / 3, 1e5 / 7])
def test_what_is_constant_where_it_counts_is_a_constant(
    constant: float, rng: np.random.Generator
) -> None:
    """As in a resample that drew equal numbers only; others stand beside them with weight 0."""
    Y = np.concatenate([rng.normal(size=30), np.full(20, constant)])[np.newaxis]
    for _ in range(20):
        w = np.concatenate([np.zeros(30), rng.uniform(size=20)])
        found = figures("number", Y + rng.normal(size=50), Y, w)
        assert found["r2"] == found["explained_variance"] == 0
