"""Laws of every weight penalty."""

import numpy as np
import pytest
from networks import labels_for, network_of, start

from deepnet_cli.fused import blocks
from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import PENALTIES

each = pytest.mark.parametrize("name", PENALTIES)


@each
def test_value_is_the_formula(name: str, rng: np.random.Generator) -> None:
    W = rng.normal(size=30)
    expected = {"l2": 0.35 * (W**2).sum(), "l1": 0.7 * np.abs(W).sum()}[name]
    assert PENALTIES[name](0.7).value(W) == pytest.approx(expected, rel=1e-14)


@each
def test_gradient_is_the_derivative_of_value(name: str, rng: np.random.Generator) -> None:
    W, penalty = rng.normal(size=30), PENALTIES[name](0.7)
    by_complex_step = [
        penalty.value(W + 1e-20j * direction).imag / 1e-20 for direction in np.eye(30)
    ]
    np.testing.assert_allclose(penalty.gradient(W), by_complex_step, rtol=1e-13)
    h = 1e-6
    central = [
        (penalty.value(W + h * direction) - penalty.value(W - h * direction)) / (2 * h)
        for direction in np.eye(30)
    ]
    np.testing.assert_allclose(penalty.gradient(W), np.real(central), atol=1e-8)


@each
def test_precision_is_kept_and_sums_are_wide(name: str) -> None:
    """A million float32 weights of 0.1: a float32 sum would be off in the fourth digit."""
    W, penalty = np.full(10**6, 0.1, np.float32), PENALTIES[name](1.0)
    assert penalty.gradient(W).dtype == np.float32
    expected = {"l2": 0.5 * 10**6 * float(W[0]) ** 2, "l1": 10**6 * float(W[0])}[name]
    assert penalty.value(W) == pytest.approx(expected, rel=1e-9)


@each
@pytest.mark.usefixtures("nothing_compiled")
def test_only_weights_are_penalized_each_once(
    name: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the block size: J and gradient are those without it, plus the penalty of each W."""
    monkeypatch.setattr(blocks, "BLOCK", 7)
    network = network_of(
        (4, 5, 3), ACTIVATIONS["tanh"], ACTIVATIONS["softmax"], LOSSES["cross_entropy"]
    )
    theta, X = start(network, rng), rng.normal(size=(4, 6))
    Y, penalty = labels_for(network.loss, 3, 6, rng), PENALTIES[name](0.3)
    J, grad = Objective(network)(theta, X, Y)
    J_with, grad_with = Objective(network, (penalty, penalty))(theta, X, Y)
    views = network.layout.views(theta)
    each_W = np.concatenate([W.reshape(-1) for name, W in views.items() if name[0] == "W"])
    assert J_with == pytest.approx(J + 2 * penalty.value(each_W), rel=1e-13)
    added = network.layout.views(grad_with - grad)
    for block, W in network.layout.views(theta).items():
        expected = 2 * penalty.gradient(W) if block[0] == "W" else np.zeros(W.shape)
        np.testing.assert_allclose(added[block], expected, atol=1e-15)


SOME = [(1, 1), (2, 3), (3, 3), (1, 3), None]


@each
@pytest.mark.parametrize("layers", SOME, ids=str)
def test_of_some_layers(
    name: str, layers: tuple[int, int] | None, rng: np.random.Generator
) -> None:
    """Value and gradient are those of their W alone, beside a penalty of all."""
    network = network_of(
        (4, 5, 4, 3), ACTIVATIONS["tanh"], ACTIVATIONS["softmax"], LOSSES["cross_entropy"]
    )
    theta, X = start(network, rng), rng.normal(size=(4, 6))
    Y, first, last = labels_for(network.loss, 3, 6, rng), *(layers or (1, 3))
    everywhere, some = PENALTIES["l2"](0.1), PENALTIES[name](0.3, layers)
    J, grad = Objective(network)(theta, X, Y)
    J_with, grad_with = Objective(network, (everywhere, some))(theta, X, Y)
    expected, added = J, network.layout.views(grad_with - grad)
    for l in (1, 2, 3):
        W = network.layout.views(theta)[f"W{l}"]
        assert some.is_of(l) is (first <= l <= last)
        penalties = [everywhere, *([some] if first <= l <= last else [])]
        expected += sum(penalty.value(W) for penalty in penalties)
        terms = sum(penalty.gradient(W) for penalty in penalties)
        np.testing.assert_allclose(added[f"W{l}"], terms, atol=1e-15)
        assert not added[f"b{l}"].any()
    assert J_with == pytest.approx(expected, rel=1e-13)
