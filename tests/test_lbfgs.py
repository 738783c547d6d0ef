"""L-BFGS, held against SciPy's and against what a minimum is."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from deepnet_cli.nn.types import Array
from deepnet_cli.optim.lbfgs import LBFGS, minimize
from deepnet_cli.optim.rule import Evaluate

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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_step_takes_more_memory_than_is_said(dtype: Any) -> None:
    """Nor much less, in float32, of which it makes copies in float64."""
    P, rule, buffer = 100_000, LBFGS(memory=3), np.zeros(100_000, dtype)

    def f(theta: Array) -> Value:
        buffer[...] = theta
        return float(theta @ theta) / 2, buffer

    theta, slots = np.linspace(-1, 1, P).astype(dtype), np.zeros((rule.n_slots, P), dtype)
    theta[0] = 5
    tracemalloc.start()
    for t in range(1, 6):
        rule.step(f, theta, *f(theta), slots, t)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 1.01 * P * rule.scratch
    assert dtype is np.float64 or peak > 0.8 * P * rule.scratch


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


LAW = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def bowl(rng: np.random.Generator, P: int, dtype: Any = np.float64) -> tuple[Evaluate, Array]:
    """A smooth convex function that is no quadratic, in one buffer as training has it, and a
    start.
    """
    A, b = rng.normal(size=(3 * P, P)), rng.normal(size=3 * P)
    buffer = np.empty(P, dtype)

    def f(theta: Array) -> Value:
        z = A @ theta.astype(np.float64) + b
        buffer[...] = A.T @ np.tanh(z)
        return float(np.logaddexp(z, -z).sum()), buffer

    return f, rng.normal(size=P).astype(dtype)


def noting(f: Evaluate, seen: list[Array]) -> Evaluate:
    """f, and where it was called."""

    def noted(theta: Array) -> Value:
        seen.append(theta.copy())
        return f(theta)

    return noted


def inverse(pairs: list[tuple[Array, Array]]) -> Array:
    """H as a matrix, by the formula of BFGS from the oldest pair on."""
    s, y = pairs[-1]
    H: Array = np.eye(len(s)) * (s @ y) / (y @ y)
    for s, y in pairs:
        V = np.eye(len(s)) - np.outer(y, s) / (s @ y)
        H = V.T @ H @ V + np.outer(s, s) / (s @ y)
    return H


@LAW
def test_an_update_writes_its_pair_and_ends_where_f_was_called_last(
    dtype: Any, rng: np.random.Generator
) -> None:
    f, theta = bowl(rng, 12, dtype)
    rule, seen = LBFGS(memory=3), list[Array]()

    slots = np.zeros((rule.n_slots, 12), dtype)
    J, g = f(theta)
    for t in range(1, 8):
        before, g_before, old = theta.copy(), g.copy(), slots.copy()
        J_before = J
        J, g = rule.step(noting(f, seen), theta, J, g, slots, t)
        row = t % 3
        np.testing.assert_array_equal(slots[row], theta - before)
        np.testing.assert_array_equal(slots[3 + row], g - g_before)
        others = [k for k in range(6) if k % 3 != row]
        np.testing.assert_array_equal(slots[others], old[others])
        np.testing.assert_array_equal(seen[-1], theta)
        assert (J, J_before > J) == (f(theta)[0], True)
        assert theta.dtype == slots.dtype == dtype


@pytest.mark.parametrize("far", [1, 100])
def test_the_direction_is_that_of_the_matrix_and_the_length_meets_wolfe(
    far: int, rng: np.random.Generator
) -> None:
    f, theta = bowl(rng, 10)
    theta *= far
    rule, pairs = LBFGS(memory=4), list[tuple[Array, Array]]()
    slots = np.zeros((rule.n_slots, 10))
    J, g = f(theta)
    for t in range(1, 15):
        before, g_before, J_before = theta.copy(), g.copy(), J
        J, g = rule.step(f, theta, J, g, slots, t)
        s, y = theta - before, g - g_before
        d = -(inverse(pairs[-4:]) @ g_before if pairs else g_before)
        np.testing.assert_allclose(s / np.linalg.norm(s), d / np.linalg.norm(d), atol=1e-7)
        assert J_before + 1e-4 * (s @ g_before) >= J
        assert s @ g >= 0.9 * (s @ g_before)
        pairs.append((s, y))


def test_a_step_that_lowers_j_by_next_to_nothing_is_not_taken() -> None:
    """From 0.50001 along a line of slope 1 / 2 the first trial, of length 1, is as high beyond."""
    theta, slots = np.array([0.50001]), np.zeros((20, 1))
    J, _ = LBFGS().step(lambda t: (float(t @ t / 2), t.copy()), theta, 0.125005, theta, slots, 1)
    assert J < 0.12


def test_the_unit_of_j_is_of_no_consequence(rng: np.random.Generator) -> None:
    f, start = bowl(rng, 7)
    other = minimize(lambda t: (1e-9 * f(t)[0], 1e-9 * f(t)[1]), start, 6, 0.0)
    np.testing.assert_allclose(other, minimize(f, start, 6, 0.0), rtol=1e-8)
    tried: list[Array] = []
    minimize(noting(f, tried), start, 1)
    assert np.linalg.norm(tried[1] - start) == pytest.approx(1)


def test_a_pair_that_curves_down_is_not_used(rng: np.random.Generator) -> None:
    (f, theta), rule = bowl(rng, 6), LBFGS(memory=3)
    pairs = rng.normal(size=(3, 2, 6))
    pairs[:, 1] += 9 * pairs[:, 0]
    pairs[1, 1] *= -1
    slots = np.concatenate([pairs[:, 0], pairs[:, 1]])
    J, g = f(theta)
    before, d = theta.copy(), -inverse([tuple(pairs[0]), tuple(pairs[2])]) @ g
    rule.step(f, theta, J, g, slots, 6)  # the pairs are of updates 3, 4 and 5
    s = theta - before
    np.testing.assert_allclose(s / np.linalg.norm(s), d / np.linalg.norm(d), atol=1e-12)


@pytest.mark.parametrize("P", [1, 3, 8])
def test_a_quadratic_takes_few_more_steps_than_it_has_dimensions(
    P: int, rng: np.random.Generator
) -> None:
    A = rng.normal(size=(2 * P, P))
    H, b = A.T @ A + np.eye(P), rng.normal(size=P)
    found = minimize(
        lambda t: (float(t @ H @ t / 2 - b @ t), H @ t - b), np.zeros(P), 3 * P + 6, 0.0
    )
    np.testing.assert_allclose(found, np.linalg.solve(H, b), rtol=1e-6, atol=1e-8)


def test_it_commutes_with_rotations(rng: np.random.Generator) -> None:
    f, start = bowl(rng, 9)
    U = np.linalg.qr(rng.normal(size=(9, 9)))[0]
    turned = minimize(lambda t: (f(U.T @ t)[0], U @ f(U.T @ t)[1]), U @ start, 8)
    np.testing.assert_allclose(turned, U @ minimize(f, start, 8), rtol=1e-6, atol=1e-8)


@LAW
def test_it_has_converged_where_an_update_stays(dtype: Any, rng: np.random.Generator) -> None:
    """To the precision's last digits; an update there finds the same again, after any number."""
    f, theta = bowl(rng, 8, dtype)
    rule = LBFGS(memory=5)
    slots, t = np.zeros((rule.n_slots, 8), dtype), 0
    J, g = f(theta)
    while not rule.converged(slots, t):
        t += 1
        J, g = rule.step(f, theta, J, g, slots, t)
        assert t < 200
    best = optimize.minimize(f, theta.astype(np.float64), jac=True, options={"gtol": 1e-10}).fun
    assert pytest.approx(best, rel=1e-12 if dtype is np.float64 else 1e-9) == J
    assert t > 5
    there = theta.copy()
    tried: list[Array] = []
    found, _ = rule.step(noting(f, tried), theta, J, g, slots, t + 1)
    assert found == J
    assert len(tried) < 55  # shorter steps than the precision has are not tried
    assert rule.converged(slots, t + 1)
    np.testing.assert_array_equal(theta, there)


def test_what_pairs_say_no_more_is_forgotten(rng: np.random.Generator) -> None:
    """Pairs of another function lead nowhere here; along -g it goes down all the same."""
    f, theta = bowl(rng, 4)
    rule = LBFGS(memory=2)
    J, g = f(theta)
    s = g / np.linalg.norm(g)
    slots = np.stack([s, s, 1e-300 * s, 1e-300 * s])  # H g is so long that it leads out of numbers
    before, g_before = theta.copy(), g.copy()
    lower, _ = rule.step(f, theta, J, g, slots, 1)
    assert lower < J
    step = before - theta
    np.testing.assert_allclose(step / np.linalg.norm(step), g_before / np.linalg.norm(g_before))
    assert not slots[[0, 2]].any()


def test_kinks_do_not_stop_it(rng: np.random.Generator) -> None:
    """A sum of absolute values, as relu and l1 make them: Lewis and Overton's case."""
    A, there = rng.normal(size=(12, 5)), rng.normal(size=5)

    def f(theta: Array) -> Value:
        z = A @ (theta - there)
        return float(np.abs(z).sum()), A.T @ np.sign(z)

    assert f(minimize(f, np.zeros(5), 300))[0] < 1e-3 * f(np.zeros(5))[0]


def test_pytorch_comes_to_the_same_minimum(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    f, start = bowl(rng, 10)
    theta = torch.tensor(start, requires_grad=True)
    options = {"max_iter": 200, "tolerance_grad": 1e-12, "tolerance_change": 0.0}
    theirs = torch.optim.LBFGS([theta], line_search_fn="strong_wolfe", **options)

    def closure() -> Any:
        J, g = f(theta.detach().numpy())
        theta.grad = torch.tensor(g)
        return torch.tensor(J, dtype=torch.float64)

    theirs.step(closure)
    ours = minimize(f, start, 200, 1e-12)
    np.testing.assert_allclose(ours, theta.detach().numpy(), rtol=1e-6, atol=1e-8)
