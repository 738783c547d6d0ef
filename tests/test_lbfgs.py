"""L-BFGS, held against SciPy's and against what a minimum is."""

import numpy as np
import pytest
from scipy import optimize

from deepnet_cli.nn.types import Array
from deepnet_cli.optim.lbfgs import minimize

Value = tuple[float, Array]


def rosenbrock(theta: Array) -> Value:
    return float(optimize.rosen(theta)), optimize.rosen_der(theta)


@pytest.mark.parametrize("n", [2, 6])
def test_the_valley_of_rosenbrock(n: int) -> None:
    """SciPy's comes down to the same place, from the same start."""
    start = np.full(n, -1.2)
    theirs = optimize.minimize(optimize.rosen, start, jac=optimize.rosen_der, method="L-BFGS-B").x
    np.testing.assert_allclose(minimize(rosenbrock, start, 300), theirs, atol=1e-3)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_quadratic_is_solved_whatever_its_size(scale: float, rng: np.random.Generator) -> None:
    """Condition 10^3, in far fewer steps than gradient descent would need."""
    Q, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    H, b = scale * (Q * np.geomspace(1, 1e3, 12)) @ Q.T, scale * rng.normal(size=12)
    found = minimize(lambda t: (float(t @ H @ t / 2 - b @ t), H @ t - b), np.zeros(12), 100, 0.0)
    np.testing.assert_allclose(found, np.linalg.solve(H, b), rtol=1e-5, atol=1e-7)


def test_every_step_goes_down_and_steps_are_counted() -> None:
    values = [rosenbrock(minimize(rosenbrock, np.full(4, -1.2), n))[0] for n in range(30)]
    assert values == sorted(values, reverse=True)
    assert values[0] == rosenbrock(np.full(4, -1.2))[0]
    assert values[29] < values[1] < values[0]


def test_it_stays_at_a_minimum_and_where_nothing_is_lower() -> None:
    np.testing.assert_array_equal(minimize(rosenbrock, np.ones(3), 10), np.ones(3))
    wrong = minimize(lambda t: (float(t @ t), -2 * t), np.ones(3), 10)  # leads uphill
    np.testing.assert_array_equal(wrong, np.ones(3))


@pytest.mark.parametrize("beyond", [np.inf, np.nan])
def test_it_walks_around_what_is_not_finite(beyond: float) -> None:
    """-log t has no value left of 0."""

    def f(t: Array) -> Value:
        if t[0] <= 0:
            return beyond, np.full(1, np.nan)
        return float(100 * t[0] - np.log(t[0])), 100 - 1 / t

    np.testing.assert_allclose(minimize(f, np.array([3.0]), 50), 0.01, rtol=1e-5)
