"""Laws of every update rule; that each is its equations stands in test_network.py."""

import numpy as np
import pytest

from deepnet_cli.fused import blocks
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.optimizers import OPTIMIZERS

each = pytest.mark.parametrize("name", OPTIMIZERS)


def trajectory(
    name: str, rng: np.random.Generator, steps: int = 5, dtype: type = np.float64
) -> tuple[Array, Array]:
    """theta and slots after some updates with random gradients."""
    rule = OPTIMIZERS[name]()
    theta: Array = rng.normal(size=50).astype(dtype)
    slots: Array = np.zeros((rule.n_slots, 50), dtype)
    for t in range(1, steps + 1):
        optimizers.step(rule, theta, rng.normal(size=50).astype(dtype), slots, 0.01, t)
    return theta, slots


@each
@pytest.mark.usefixtures("nothing_compiled")
def test_blocks_change_no_number(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trajectory(name, np.random.default_rng(0))
    monkeypatch.setattr(blocks, "BLOCK", 7)
    in_parts = trajectory(name, np.random.default_rng(0))
    np.testing.assert_array_equal(whole[0], in_parts[0])
    np.testing.assert_array_equal(whole[1], in_parts[1])


@each
def test_precision_is_kept(name: str, rng: np.random.Generator) -> None:
    theta, slots = trajectory(name, rng, dtype=np.float32)
    assert theta.dtype == slots.dtype == np.float32


@each
def test_a_small_first_step_goes_downhill(name: str, rng: np.random.Generator) -> None:
    """Against the gradient, in every entry, by a length that grows with the rate."""
    rule, gradient = OPTIMIZERS[name](), rng.normal(size=20)
    moved = []
    for rate in (1e-3, 2e-3):
        theta = np.zeros(20)
        rule.update(theta, gradient.copy(), np.zeros((rule.n_slots, 20)), rate, 1)
        assert (theta * gradient < 0).all()
        moved.append(theta)
    np.testing.assert_allclose(moved[1], 2 * moved[0], rtol=1e-12)


@each
def test_nothing_moves_where_no_gradient_ever_was(name: str) -> None:
    """As for the running statistics of a norm, which stand in theta."""
    rule, theta = OPTIMIZERS[name](), np.full(3, 0.7)
    slots = np.zeros((rule.n_slots, 3))
    for t in range(1, 8):
        optimizers.step(rule, theta, np.array([0.0, 1.0, 0.0]), slots, 0.1, t)
    assert theta[0] == theta[2] == 0.7
    assert theta[1] < 0.7


@each
def test_the_gradient_is_left_alone(name: str, rng: np.random.Generator) -> None:
    rule, gradient = OPTIMIZERS[name](), rng.normal(size=20)
    before = gradient.copy()
    rule.update(np.zeros(20), gradient, np.zeros((rule.n_slots, 20)), 0.1, 1)
    np.testing.assert_array_equal(gradient, before)


@each
def test_finds_the_bottom_of_a_bowl(name: str) -> None:
    """With a rate that falls to 0, for rules whose step does not shrink with the gradient."""
    rule, theta = OPTIMIZERS[name](), np.array([3.0, -2.0])
    slots, rate = np.zeros((rule.n_slots, 2)), {"adadelta": 5.0, "adagrad": 0.5}.get(name, 0.02)
    for t in range(1, 3001):
        falling = rate * (1 - t / 3001)
        optimizers.step(rule, theta, theta * np.array([1.0, 4.0]), slots, falling, t)
    np.testing.assert_allclose(theta, 0, atol=1e-3)


@each
def test_a_mover_makes_the_same_steps(name: str, rng: np.random.Generator) -> None:
    """Decay of the weights included."""
    rule = OPTIMIZERS[name]()
    theta, played, grad = rng.normal(size=50), np.empty(50), np.empty(50)
    played[...] = theta
    slots, moving = np.zeros((2, rule.n_slots, 50))
    decaying = [(slice(30), 1.0)]
    move = optimizers.Mover(rule, played, grad, moving, decaying)
    for t in range(1, 6):
        grad[...] = rng.normal(size=50)
        optimizers.step(rule, theta, grad.copy(), slots, 0.01, t, decaying)
        move(0.01, t)
    np.testing.assert_array_equal(played, theta)
    np.testing.assert_array_equal(moving, slots)
