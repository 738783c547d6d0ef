"""Layer norm in the engine: the equations of its paper, one example at a time."""

import math
import statistics
import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from networks import HEAD_IDS, HEADS, HIDDEN, labels_for, start

from deepnet_cli.fused import blocks
from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.evaluation import scores

each_head = pytest.mark.parametrize(("output", "loss"), HEADS, ids=HEAD_IDS)
each_hidden = pytest.mark.parametrize("hidden", HIDDEN, ids=lambda g: g.name)

SIZES, M = (4, 5, 4, 3), 9
EPSILONS = (1e-3, None, 0.02)
"""Of the three layers: epsilons that count, a layer without a norm."""


def network_of(hidden: Activation, output: Activation, loss: Loss) -> Network:
    gs = (hidden, hidden, output)
    layers = [Layer(n, g, layer_norm=e) for n, g, e in zip(SIZES[1:], gs, EPSILONS, strict=True)]
    return Network.of(SIZES[0], layers, loss)


def small() -> Network:
    return network_of(ACTIVATIONS["tanh"], ACTIVATIONS["linear"], LOSSES["mean_squared_error"])


def examples(network: Network, rng: np.random.Generator, m: int = M) -> tuple[Array, Array]:
    """X (n[0], m), off center, and Y (n[L], m)."""
    return 1.5 + 2 * rng.normal(size=(SIZES[0], m)), labels_for(network.loss, SIZES[-1], m, rng)


def normed(z: Sequence[float], scale: Sequence[float], shift: Sequence[float], e: float) -> Array:
    """What the norm makes of one example's units, by Python's own sums."""
    mu, n = math.fsum(z) / len(z), len(z)
    sigma = math.sqrt(math.fsum((v - mu) ** 2 for v in z) / n + e)
    return np.array([s * (v - mu) / sigma + b for v, s, b in zip(z, scale, shift, strict=True)])


def test_what_a_layer_with_a_norm_has() -> None:
    """Its b too, and no running statistics; scale and shift start at 1 and 0."""
    network = small()
    assert network.layout.shapes == {
        "W1": (5, 4),
        "W2": (4, 5),
        "W3": (3, 4),
        "b1": (5, 1),
        "scale1": (5, 1),
        "shift1": (5, 1),
        "b2": (4, 1),
        "b3": (3, 1),
        "scale3": (3, 1),
        "shift3": (3, 1),
    }
    assert not network.tracks
    p = network.layout.views(network.layout.start())
    assert (p["scale1"] == 1).all()
    assert (p["shift1"] == 0).all()
    assert network.evaluation.layout == network.layout


@each_hidden
def test_the_forward_pass_is_the_equation(hidden: Activation, rng: np.random.Generator) -> None:
    network = network_of(hidden, ACTIVATIONS["linear"], LOSSES["mean_squared_error"])
    theta, (X, Y) = start(network, rng), examples(network, rng)
    p, cost = network.layout.views(theta), 0.0
    for name in p.keys() & {"slope1", "slope2"}:
        p[name][...] = hidden.trained_from
    for x, y in zip(X.T, Y.T, strict=True):
        A = x
        for l, epsilon in enumerate(EPSILONS, start=1):
            Z = p[f"W{l}"] @ A + p[f"b{l}"][:, 0]
            if epsilon is not None:
                scale, shift = (p[f"{stem}{l}"][:, 0].tolist() for stem in ("scale", "shift"))
                Z = normed(Z.tolist(), scale, shift, epsilon)
            A = hidden.forward(Z[:, np.newaxis])[:, 0] if l < 3 else Z
        cost += float(((A - y) ** 2).sum()) / (3 * M)
    assert Objective(network).cost(theta, X, Y) == pytest.approx(cost, rel=1e-12)


@each_head
@each_hidden
def test_gradient_is_the_complex_derivative(
    hidden: Activation, output: Activation, loss: Loss, rng: np.random.Generator
) -> None:
    network = network_of(hidden, output, loss)
    objective, theta = Objective(network), start(network, rng)
    X, Y = examples(network, rng)
    _, grad = objective(theta, X, Y)
    for _ in range(3):
        v = rng.normal(size=theta.size)
        slope = objective.cost(theta + 1e-20j * v, X, Y).imag / 1e-20
        assert grad @ v == pytest.approx(slope, rel=1e-10, abs=1e-12)


def test_gradient_has_the_central_differences(rng: np.random.Generator) -> None:
    """Entry by entry, by real numbers alone."""
    network = small()
    objective, theta = Objective(network), start(network, rng)
    X, Y = examples(network, rng)
    grad, h = objective(theta, X, Y)[1].copy(), 1e-6
    for i, e in enumerate(np.eye(theta.size)):
        up, down = (objective.cost(theta + s * h * e, X, Y).real for s in (1, -1))
        assert grad[i] == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-8)


def test_each_example_is_by_itself(rng: np.random.Generator) -> None:
    """In training as in evaluation: beside others or alone, by the same step."""
    network = small()
    theta, (X, _) = start(network, rng), examples(network, rng)
    work, p = network.workspace(M, theta.dtype), network.layout.views(theta)
    together = network.forward(p, X, work).copy()
    np.testing.assert_allclose(scores(network, theta, X.T), together, rtol=1e-13)
    alone = network.workspace(1, theta.dtype)
    for i in range(M):
        one = network.forward(p, X[:, [i]], alone)
        np.testing.assert_allclose(one, together[:, [i]], rtol=1e-12)


def test_each_example_has_mean_shift_and_deviation_scale(rng: np.random.Generator) -> None:
    """Where these are the same for all units; epsilon takes its part of the deviation."""
    layer = Layer(6, ACTIVATIONS["linear"], layer_norm=0.5)
    network = Network.of(4, [layer], LOSSES["mean_squared_error"])
    theta = start(network, rng)
    p, X = network.layout.views(theta), 3 + rng.normal(size=(4, 50))
    p["scale1"][...], p["shift1"][...] = 1.7, -0.4
    N = network.forward(p, X, network.workspace(50, theta.dtype))
    for n, z in zip(N.T.tolist(), (p["W1"] @ X + p["b1"]).T.tolist(), strict=True):
        variance = statistics.pvariance(z)
        assert statistics.mean(n) == pytest.approx(-0.4, abs=1e-12)
        deviation = 1.7 * (variance / (variance + 0.5)) ** 0.5
        assert statistics.pstdev(n) == pytest.approx(deviation, rel=1e-10)


def test_what_all_units_have_in_common_is_cancelled_and_no_more(rng: np.random.Generator) -> None:
    """So b is not redundant: moved by one number it changes nothing, else it does."""
    layer = Layer(6, ACTIVATIONS["linear"], layer_norm=1e-5)
    network = Network.of(4, [layer], LOSSES["mean_squared_error"])
    objective, theta = Objective(network), start(network, rng)
    X, Y = rng.normal(size=(4, 7)), rng.normal(size=(6, 7))
    J, grad = objective(theta, X, Y)
    db = network.layout.views(grad)["b1"].copy()
    assert db.sum() == pytest.approx(0, abs=1e-14)
    assert np.abs(db).max() > 1e-3
    p = network.layout.views(theta)
    p["b1"] += 0.3
    assert objective.cost(theta, X, Y) == pytest.approx(J, rel=1e-12)
    p["b1"][0] += 0.3
    assert objective.cost(theta, X, Y) != pytest.approx(J, rel=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["weights all 0", "inputs all 0", "units alike", "one unit"])
def test_examples_without_a_variance(kind: str, dtype: type, rng: np.random.Generator) -> None:
    """N is the shift, and nothing is divided by zero."""
    n = 1 if kind == "one unit" else 5
    layers = [Layer(n, ACTIVATIONS["linear"], layer_norm=1e-5), Layer(3, ACTIVATIONS["linear"])]
    network = Network.of(4, layers, LOSSES["mean_squared_error"])
    theta: Array = start(network, rng).astype(dtype)
    p = network.layout.views(theta)
    X: Array = rng.normal(size=(4, 6)).astype(dtype)
    p["b1"][...] = 0
    if kind == "weights all 0":
        p["W1"][...] = 0
    elif kind == "inputs all 0":
        X[...] = 0
    elif kind == "units alike":
        p["W1"][...] = p["W1"][:1]
    Y: Array = rng.normal(size=(3, 6)).astype(dtype)
    J, grad = Objective(network)(theta, X, Y)
    expected = ((p["W2"] @ p["shift1"] + p["b2"] - Y) ** 2).mean(dtype=float)
    assert pytest.approx(float(expected), rel=1e-5) == J
    assert np.isfinite(grad).all()
    g = network.layout.views(grad)
    assert g["shift1"].any()
    np.testing.assert_allclose(g["scale1"], 0, atol=1e-4)


@each_hidden
def test_float32_stays_float32(hidden: Activation, rng: np.random.Generator) -> None:
    """And says the same as float64, to its digits."""
    network = network_of(hidden, ACTIVATIONS["softmax"], LOSSES["cross_entropy"])
    wide, (X, Y) = start(network, rng), examples(network, rng)
    told: dict[type, Array] = {}
    for dtype in (np.float32, np.float64):
        theta, objective = wide.astype(dtype), Objective(network)
        _, grad = objective(theta, X.astype(dtype), Y.astype(dtype))
        assert grad.dtype == dtype
        for cache in objective.workspace(M, theta.dtype).caches:
            made = [value for value in vars(cache).values() if isinstance(value, np.ndarray)]
            assert {value.dtype for value in made} == {theta.dtype}
        told[dtype] = grad.copy()
    np.testing.assert_allclose(told[np.float32], told[np.float64], rtol=1e-3, atol=2e-5)


@pytest.mark.usefixtures("nothing_compiled")
def test_blocks_change_no_number(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    network = small()
    theta, (X, Y) = start(network, rng), examples(network, rng, m=23)
    J, grad = Objective(network)(theta, X, Y)
    monkeypatch.setattr(blocks, "BLOCK", 7)
    again, grad_again = Objective(network)(theta, X, Y)
    assert again == J
    np.testing.assert_array_equal(grad_again, grad)


def test_a_step_allocates_nothing_large(rng: np.random.Generator) -> None:
    m, n = 512, 256
    layers = [Layer(n, ACTIVATIONS["relu"], layer_norm=1e-5), Layer(3, ACTIVATIONS["softmax"])]
    network = Network.of(4, layers, LOSSES["cross_entropy"])
    theta = start(network, rng).astype(np.float32)
    X = rng.normal(size=(4, m)).astype(np.float32)
    Y = labels_for(network.loss, 3, m, rng).astype(np.float32)
    objective = Objective(network)
    objective(theta, X, Y)
    tracemalloc.start()
    objective(theta, X, Y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * n * m / 2, f"{peak} bytes"


def test_two_norms_in_a_layer_are_refused() -> None:
    layers = [Layer(2, ACTIVATIONS["linear"], Norm(), layer_norm=1e-5)]
    with pytest.raises(ValueError, match="a batch norm and a layer norm"):
        Network.of(2, layers, LOSSES["mean_squared_error"])
