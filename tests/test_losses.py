"""Laws of every loss."""

from collections.abc import Callable

import numpy as np
import pytest
from networks import labels_for
from scipy.integrate import cumulative_trapezoid
from sklearn import metrics as sk

from deepnet_cli.nn.losses import LOSSES, Loss, made_loss, shares
from deepnet_cli.nn.types import Array

KNOWN = LOSSES | {
    "smooth binary_cross_entropy": made_loss("binary_cross_entropy", label_smoothing=0.2),
    "smooth cross_entropy": made_loss("cross_entropy", label_smoothing=0.2),
    "huber 0.3": made_loss("huber", delta=0.3),
    "quantile 0.9": made_loss("quantile", tau=0.9),
    "focal 0": made_loss("focal", gamma=0.0),
    "focal 0.5, 0.25": made_loss("focal", gamma=0.5, alpha=0.25),
    "categorical_focal 0": made_loss("categorical_focal", gamma=0.0),
    "categorical_focal 0.5": made_loss("categorical_focal", gamma=0.5),
    "categorical_focal 3": made_loss("categorical_focal", gamma=3.0),
}
"""Every loss, and those with options with others than their defaults."""

each = pytest.mark.parametrize("loss", KNOWN.values(), ids=KNOWN)


@each
def test_gradient_is_the_derivative_of_the_entries(loss: Loss, rng: np.random.Generator) -> None:
    S, Y = rng.normal(size=(3, 6)), labels_for(loss, 3, 6, rng)
    dS = loss.gradient(S, Y)
    for k in range(3):
        step = np.zeros((3, 6), complex)
        step[k] = 1e-20j
        slope = loss.entries(S + step, Y).imag.sum(axis=0) / 1e-20
        np.testing.assert_allclose(dS[k], slope, rtol=1e-12, atol=1e-15)


@each
def test_entries_are_the_integral_of_the_gradient(loss: Loss, rng: np.random.Generator) -> None:
    """From one end of a long line of scores to every place on it: no step where forms change."""
    start, stop = rng.uniform(4, 8, (3, 1)) * [[-1], [1], [-1]], rng.uniform(-2, 2, (3, 1))
    S = start + (stop - start) * np.linspace(0, 1, 20_001)
    Y = np.repeat(labels_for(loss, 3, 1, rng), S.shape[1], axis=1)
    costs, dS = loss.entries(S, Y).sum(axis=0), loss.gradient(S, Y)
    areas = cumulative_trapezoid((dS * (stop - start)).sum(axis=0), dx=1 / 20_000, initial=0)
    np.testing.assert_allclose(costs - costs[0], areas, rtol=1e-6, atol=1e-3)


@each
def test_gradient_takes_targets_between_0_and_1(loss: Loss, rng: np.random.Generator) -> None:
    """Also where the columns of Y do not sum to 1."""
    S, Y = rng.normal(size=(3, 6)), rng.uniform(size=(3, 6))
    v = rng.normal(size=(3, 6))
    slope = loss.entries(S + 1e-20j * v, Y).imag.sum() / 1e-20
    assert (loss.gradient(S, Y) * v).sum() == pytest.approx(slope, rel=1e-12)


@each
def test_stable_form_equals_the_start_of_the_course(loss: Loss, rng: np.random.Generator) -> None:
    """dA[L] * g'(Z[L]) from dA[L] = -Y/A + (1-Y)/(1-A), and its kin, is what training uses."""
    Z, Y = rng.normal(scale=2, size=(3, 6)), labels_for(loss, 3, 6, rng)
    A = loss.link.forward(Z)
    by_the_book = loss.link.backward(loss.start(A, Y), A)
    np.testing.assert_allclose(loss.gradient(Z, Y), by_the_book, rtol=1e-11, atol=1e-13)


def test_logistic_start_is_the_formula() -> None:
    A, Y = np.array([[0.2, 0.7]]), np.array([[1.0, 0.0]])
    start = LOSSES["binary_cross_entropy"].start(A, Y)
    np.testing.assert_allclose(start, [[-1 / 0.2, 1 / 0.3]], rtol=1e-15)


ALONE = {name: loss for name, loss in LOSSES.items() if name != "multi_margin"}
"""Those whose cost of an entry is a function of its own A."""


@pytest.mark.parametrize("loss", ALONE.values(), ids=ALONE)
def test_start_is_the_derivative_of_the_cost_by_A(loss: Loss, rng: np.random.Generator) -> None:
    """A second witness: central differences of the textbook cost."""
    textbook: Callable[[Array, Array], Array] = {
        "binary_cross_entropy": lambda A, Y: -(Y * np.log(A) + (1 - Y) * np.log(1 - A)),
        "cross_entropy": lambda A, Y: -Y * np.log(A),
        "mean_squared_error": lambda A, Y: (A - Y) ** 2,
        "mean_absolute_error": lambda A, Y: np.abs(A - Y),
        "huber": lambda A, Y: np.where(np.abs(A - Y) <= 1, (A - Y) ** 2 / 2, np.abs(A - Y) - 0.5),
        "log_cosh": lambda A, Y: np.log(np.cosh(A - Y)),
        "quantile": lambda A, Y: np.where(Y > A, Y - A, A - Y) / 2,
        "poisson": lambda A, Y: A - Y * np.log(A),
        "focal": lambda A, Y: -np.where(Y == 1, (1 - A) ** 2 * np.log(A), A**2 * np.log(1 - A)),
        "categorical_focal": lambda A, Y: -Y * (1 - A) ** 2 * np.log(A),
        "hinge": lambda A, Y: np.maximum(0, np.where(Y == 1, 1 - A, 1 + A)),
        "squared_hinge": lambda A, Y: np.maximum(0, np.where(Y == 1, 1 - A, 1 + A)) ** 2,
    }[loss.name]
    A, Y = rng.uniform(0.2, 0.8, size=(3, 6)), labels_for(loss, 3, 6, rng)
    slope = (textbook(A + 1e-6, Y) - textbook(A - 1e-6, Y)) / 2e-6
    np.testing.assert_allclose(loss.start(A, Y), slope, atol=1e-7)


def test_costs_are_those_of_scikit_learn(rng: np.random.Generator) -> None:
    Z, labels = rng.normal(scale=3, size=(4, 50)), rng.integers(0, 4, 50)
    Y, equal = np.eye(4)[:, labels], shares(None, 50)
    cross, binary, squared = (LOSSES[name] for name in LOSSES_IN_ORDER)
    A = cross.link.forward(Z)
    assert cross.cost(Z, Y, equal) == pytest.approx(sk.log_loss(labels, A.T), rel=1e-13)
    p = binary.link.forward(Z)
    expected = np.mean([sk.log_loss(Y[k], p[k], labels=[0, 1]) for k in range(4)])
    assert binary.cost(Z, Y, equal) == pytest.approx(expected, rel=1e-13)
    assert squared.cost(Z, Y, equal) == pytest.approx(sk.mean_squared_error(Y.T, Z.T), rel=1e-13)


def test_margins_and_counts_are_scikit_learns(rng: np.random.Generator) -> None:
    S, labels, w = rng.normal(size=(1, 60)), rng.integers(0, 2, 60), rng.uniform(0, 3, 60)
    expected = sk.hinge_loss(2 * labels - 1, S[0], sample_weight=w)
    told = LOSSES["hinge"].cost(S, labels[np.newaxis], shares(w, 60))
    assert told == pytest.approx(expected, rel=1e-13)
    Y = rng.poisson(3, (1, 60)) + 0.5
    deviance = sk.mean_poisson_deviance(Y[0], np.exp(S[0]), sample_weight=w)
    best = np.average((Y - Y * np.log(Y))[0], weights=w)
    told = LOSSES["poisson"].cost(S, Y, shares(w, 60))
    assert 2 * (told - best) == pytest.approx(deviance, rel=1e-12)


LOSSES_IN_ORDER = ("cross_entropy", "binary_cross_entropy", "mean_squared_error")


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_and_right_for_extreme_scores(loss: Loss, dtype: type) -> None:
    Z: Array = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], dtype)
    Y: Array = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], dtype)
    if loss.link.name == "exp":
        Z = np.minimum(Z, 80)  # above 88 exp(Z) is no float32
    with np.errstate(under="ignore"):
        entries, dS = loss.entries(Z, Y), loss.gradient(Z, Y)
    assert entries.dtype == dS.dtype == dtype
    assert np.isfinite(entries).all()
    assert np.isfinite(dS).all()
    if loss in (LOSSES["binary_cross_entropy"], LOSSES["cross_entropy"]):
        assert entries[0].tolist() == pytest.approx(
            [0.0, {"class": 2e4}.get(loss.target, 1e4), np.log(2)]
        )


@each
@pytest.mark.usefixtures("nothing_compiled")
def test_cost_of_many_examples_is_the_mean(
    loss: Loss, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are taken at a time; with the gradient or without it."""
    S, Y = rng.normal(size=(3, 50)), labels_for(loss, 3, 50, rng)
    divisor = 150 if loss.over_outputs else 50
    expected = loss.entries(S, Y).sum() / divisor
    gradient = loss.gradient(S, Y) / divisor
    for entries in (7, 21, 150, 4096):
        monkeypatch.setattr("deepnet_cli.fused.blocks.BLOCK", entries)
        out = np.empty_like(S)
        cost = loss.cost(S, Y, shares(None, 50))
        assert cost == pytest.approx(expected, rel=1e-14)
        assert loss.cost_and_gradient(S, Y, shares(None, 50), out) == cost
        np.testing.assert_allclose(out, gradient, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "divisor"),
    [("binary_cross_entropy", 18), ("cross_entropy", 6), ("mean_squared_error", 18)],
)
def test_what_the_mean_runs_over(name: str, divisor: int) -> None:
    S, Y = np.full((3, 6), 0.3), np.full((3, 6), 0.5)
    loss = LOSSES[name]
    assert loss.cost(S, Y, shares(None, 6)) == pytest.approx(loss.entries(S, Y).sum() / divisor)


def test_small_costs_keep_their_digits() -> None:
    """A confident, right answer in float32: log(1 + exp(-12)), not a rounded 0."""
    Z, Y = np.array([[12.0]], np.float32), np.array([[1.0]], np.float32)
    cost = LOSSES["binary_cross_entropy"].cost(Z, Y, shares(None, 1))
    assert cost == pytest.approx(np.log1p(np.exp(-12.0)), rel=1e-6)
