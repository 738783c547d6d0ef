"""Costs and gradients where floating point ends, against the formulas in 90 digits."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest

from deepnet_cli.nn.losses import LOSSES, Loss, made_loss, shares
from deepnet_cli.nn.types import Array

Numbers = list[Decimal]
Cost = Callable[[Numbers, Numbers], Decimal]

H = Decimal("1e-25")


def log1p_exp(z: Decimal) -> Decimal:
    return (1 + z.exp()).ln()


def log_softmax(z: Numbers) -> Numbers:
    total = sum((v.exp() for v in z), Decimal(0)).ln()
    return [v - total for v in z]


def entry_by_entry(cost: Callable[[Decimal, Decimal], Decimal]) -> Cost:
    return lambda z, y: sum(map(cost, z, y), Decimal(0))


def bce(z: Decimal, y: Decimal) -> Decimal:
    return y * log1p_exp(-z) + (1 - y) * log1p_exp(z)


def cross_entropy(z: Numbers, y: Numbers) -> Decimal:
    return -sum((y_k * log_a for y_k, log_a in zip(y, log_softmax(z), strict=True)), Decimal(0))


def focal(gamma: str, alpha: str = "") -> Cost:
    def cost(z: Decimal, y: Decimal) -> Decimal:
        toward = z if y else -z
        weight = Decimal(1) if not alpha else Decimal(alpha) if y else 1 - Decimal(alpha)
        wrong = 1 / (1 + toward.exp())
        return weight * raised(wrong, Decimal(gamma)) * log1p_exp(-toward)

    return entry_by_entry(cost)


def raised(base: Decimal, exponent: Decimal) -> Decimal:
    return base**exponent if base else Decimal(not exponent)


def categorical_focal(gamma: str) -> Cost:
    def cost(z: Numbers, y: Numbers) -> Decimal:
        k = y.index(Decimal(1))
        log_a = log_softmax(z)[k]
        others = sum((a.exp() for i, a in enumerate(log_softmax(z)) if i != k), Decimal(0))
        return -raised(others, Decimal(gamma)) * log_a

    return cost


def lack(z: Decimal, y: Decimal) -> Decimal:
    return max(Decimal(0), 1 - z if y else 1 + z)


def multi_margin(z: Numbers, y: Numbers) -> Decimal:
    right = y.index(Decimal(1))
    wrong = (v for k, v in enumerate(z) if k != right)
    return sum((max(Decimal(0), 1 + v - z[right]) for v in wrong), Decimal(0))


def huber(z: Decimal, y: Decimal) -> Decimal:
    e = abs(z - y)
    return e * e / 2 if e <= 1 else e - Decimal("0.5")


def log_cosh(z: Decimal, y: Decimal) -> Decimal:
    e = z - y
    return ((e.exp() + (-e).exp()) / 2).ln()


CASES: dict[str, tuple[Loss, Cost]] = {
    "binary_cross_entropy": (LOSSES["binary_cross_entropy"], entry_by_entry(bce)),
    "smooth binary_cross_entropy": (
        made_loss("binary_cross_entropy", label_smoothing=0.25),
        entry_by_entry(lambda z, y: bce(z, Decimal("0.75") * y + Decimal("0.125"))),
    ),
    "cross_entropy": (LOSSES["cross_entropy"], cross_entropy),
    "mean_squared_error": (
        LOSSES["mean_squared_error"],
        entry_by_entry(lambda z, y: (z - y) ** 2),
    ),
    "mean_absolute_error": (
        LOSSES["mean_absolute_error"],
        entry_by_entry(lambda z, y: abs(z - y)),
    ),
    "huber": (LOSSES["huber"], entry_by_entry(huber)),
    "log_cosh": (LOSSES["log_cosh"], entry_by_entry(log_cosh)),
    "quantile": (LOSSES["quantile"], entry_by_entry(lambda z, y: abs(z - y) / 2)),
    "poisson": (LOSSES["poisson"], entry_by_entry(lambda z, y: z.exp() - y * z)),
    "focal": (LOSSES["focal"], focal("2")),
    "focal 0": (made_loss("focal", gamma=0.0), focal("0")),
    "focal 0.5, 0.25": (
        made_loss("focal", gamma=0.5, alpha=0.25),
        focal("0.5", "0.25"),
    ),
    "categorical_focal": (LOSSES["categorical_focal"], categorical_focal("2")),
    "categorical_focal 0": (made_loss("categorical_focal", gamma=0.0), categorical_focal("0")),
    "categorical_focal 0.5": (
        made_loss("categorical_focal", gamma=0.5),
        categorical_focal("0.5"),
    ),
    "hinge": (LOSSES["hinge"], entry_by_entry(lack)),
    "squared_hinge": (LOSSES["squared_hinge"], entry_by_entry(lambda z, y: lack(z, y) ** 2)),
    "multi_margin": (LOSSES["multi_margin"], multi_margin),
}

SCORES = (-1e4, -700.0, -90.0, -17.25, -0.375, 0.125, 2.5, 40.0, 110.0, 1e4)
"""No two differ by 1, where a margin has its kink."""


def column(loss: Loss, i: int) -> tuple[list[float], list[float]]:
    """Three scores, and a y of one label each that such a loss takes."""
    z = [SCORES[i % 10], SCORES[(3 * i + 1) % 10], SCORES[(7 * i + 2 + i // 10) % 10]]
    if loss.target == "count":
        z = [min(v, 80.0) for v in z]  # above 88 exp(Z) is no float32
    y = [float(k == i % 3) for k in range(3)]
    return z, y


def test_every_loss_has_its_formula_here() -> None:
    assert {loss.name for loss, _ in CASES.values()} == set(LOSSES)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_one_example_of_extreme_scores(case: str, dtype: type) -> None:
    """As it trains: J of one example, and dJ/dS, finite and right."""
    loss, formula = CASES[case]
    eps = float(np.finfo(dtype).eps)
    for i in range(20):
        z, y = column(loss, i)
        S: Array = np.array([z], dtype).T
        Y: Array = np.array([y], dtype).T
        dS, (cost, slopes) = np.empty_like(S), exact(formula, z, y)
        divisor = loss.outputs(Y)
        found: Any = loss.cost_and_gradient(S, Y, shares(None, 1), dS)
        assert found == loss.cost(S, Y, shares(None, 1))
        np.testing.assert_allclose(found, cost / divisor, 20 * eps, 4 * eps)
        np.testing.assert_allclose(dS[:, 0], np.array(slopes) / divisor, 20 * eps, 4 * eps)


def exact(formula: Cost, z: list[float], y: list[float]) -> tuple[float, list[float]]:
    """The cost of one example and its slopes by each score, from differences of 1e-25."""
    with localcontext(prec=90):
        at, labels = [Decimal(v) for v in z], [Decimal(v) for v in y]
        slopes = [
            float((formula(moved(at, k, H), labels) - formula(moved(at, k, -H), labels)) / (2 * H))
            for k in range(len(z))
        ]
        return float(formula(at, labels)), slopes


def moved(z: Numbers, k: int, by: Decimal) -> Numbers:
    return [v + by if i == k else v for i, v in enumerate(z)]


def test_focal_of_two_classes_is_focal_of_their_difference(rng: np.random.Generator) -> None:
    Z, Y = rng.normal(scale=3, size=(2, 50)), np.eye(2)[:, rng.integers(0, 2, 50)]
    for gamma in (0.0, 0.5, 2.0, 3.5):
        two, one = made_loss("categorical_focal", gamma=gamma), made_loss("focal", gamma=gamma)
        D: Array = Z[1:] - Z[:1]
        costs = two.entries(Z, Y).sum(axis=0, keepdims=True)
        np.testing.assert_allclose(costs, one.entries(D, Y[1:]), rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(
            two.gradient(Z, Y)[1:], one.gradient(D, Y[1:]), rtol=1e-9, atol=1e-15
        )


@pytest.mark.parametrize(
    ("focal", "plain"),
    [("focal", "binary_cross_entropy"), ("categorical_focal", "cross_entropy")],
)
def test_focal_without_gamma_is_cross_entropy(
    focal: str, plain: str, rng: np.random.Generator
) -> None:
    Z, Y = rng.normal(scale=3, size=(4, 50)), np.eye(4)[:, rng.integers(0, 4, 50)]
    for kernel in ("entries", "gradient"):
        made = getattr(made_loss(focal, gamma=0.0), kernel)(Z, Y)
        np.testing.assert_allclose(made, getattr(LOSSES[plain], kernel)(Z, Y), atol=1e-14)
