"""Batch norm in the engine: the equations of its paper, and laws of both of its modes."""

import statistics
import tracemalloc

import norm_transcription as loops
import numpy as np
import pytest
from networks import HEAD_IDS, HEADS, HIDDEN, labels_for, start
from norm_transcription import Options
from transcription import Parameters

from deepnet_cli.fused import blocks
from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import L2
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.training.figures import evaluation
from deepnet_cli.training.figures.evaluation import scores

each_head = pytest.mark.parametrize(("output", "loss"), HEADS, ids=HEAD_IDS)
each_hidden = pytest.mark.parametrize("hidden", HIDDEN, ids=lambda g: g.name)
each_mode = pytest.mark.parametrize("mode", ["training", "evaluation"])

SIZES = (4, 5, 4, 3)
M = 9
NORMS = (Norm(1e-3, 0.3), None, Norm(0.02, 0.6))
"""Of the three layers: epsilons that count, momenta that tell, a layer without a norm."""

OPTIONS = [Options(norm.epsilon, norm.momentum) if norm else None for norm in NORMS]


def network_of(hidden: Activation, output: Activation, loss: Loss) -> Network:
    activations = (hidden, hidden, output)
    layers = [Layer(n, g, norm) for n, g, norm in zip(SIZES[1:], activations, NORMS, strict=True)]
    return Network.of(SIZES[0], layers, loss)


def small() -> Network:
    return network_of(ACTIVATIONS["tanh"], ACTIVATIONS["softmax"], LOSSES["cross_entropy"])


def begin(network: Network, rng: np.random.Generator) -> Array:
    """A theta of which no block is at its first value, the running statistics neither."""
    theta = start(network, rng)
    for name, block in network.layout.views(theta).items():
        if name.startswith("mean"):
            block += rng.normal(size=block.shape)
        elif name.startswith("variance"):
            block *= rng.uniform(0.3, 3, size=block.shape)
    return theta


def examples(network: Network, rng: np.random.Generator, m: int = M) -> tuple[Array, Array]:
    """X (n[0], m), off center, and Y (n[L], m)."""
    return 1.5 + 2 * rng.normal(size=(SIZES[0], m)), labels_for(network.loss, SIZES[-1], m, rng)


def lists(network: Network, theta: Array) -> Parameters:
    return {name: block.tolist() for name, block in network.layout.views(theta).items()}


def names_of(network: Network) -> list[str]:
    return [layer.activation.name for layer in network.layers]


def same(network: Network, vector: Array, expected: Parameters, rtol: float) -> None:
    """Each block that the loops made, to a part of the block's largest entry, or to what
    rounding leaves of a sum of entries as large as there are in any block.
    """
    views = network.layout.views(vector)
    largest = max(np.abs(block).max() for block in expected.values())
    for name, block in expected.items():
        wanted = np.array(block)
        atol = rtol * max(1e-3, np.abs(wanted).max(), 1e-3 * largest)
        np.testing.assert_allclose(views[name], wanted, rtol=rtol, atol=atol, err_msg=name)


def test_what_a_layer_with_a_norm_has() -> None:
    """Weights first, then what else is trained, the statistics last; 1 and 0 at the start."""
    network = small()
    assert network.layout.shapes == {
        "W1": (5, 4),
        "W2": (4, 5),
        "W3": (3, 4),
        "scale1": (5, 1),
        "shift1": (5, 1),
        "b2": (4, 1),
        "scale3": (3, 1),
        "shift3": (3, 1),
        "mean1": (5, 1),
        "variance1": (5, 1),
        "mean3": (3, 1),
        "variance3": (3, 1),
    }
    assert network.layout.trained == slice(0, 20 + 20 + 12 + 10 + 4 + 6)
    assert network.layout.statistics == slice(72, 72 + 16)
    p = network.layout.views(network.layout.start())
    for name, value in {"scale": 1.0, "shift": 0.0, "mean": 0.0, "variance": 1.0}.items():
        assert (p[f"{name}1"] == value).all()
        assert (p[f"{name}3"] == value).all()
    assert network.evaluation.layout == network.layout


@each_head
@each_hidden
def test_cost_and_gradient_are_those_of_the_paper(
    hidden: Activation, output: Activation, loss: Loss, rng: np.random.Generator
) -> None:
    network = network_of(hidden, output, loss)
    theta = begin(network, rng)
    X, Y = examples(network, rng)
    J, grad = Objective(network)(theta, X, Y)
    expected, gradient, _ = loops.cost_and_gradient(
        lists(network, theta), X, Y, names_of(network), OPTIONS, loss.name
    )
    assert pytest.approx(expected, rel=1e-12) == J
    assert set(gradient) == set(network.layout.names)
    same(network, grad, gradient, rtol=1e-10)


@each_head
def test_50_iterations_are_those_of_the_paper(
    output: Activation, loss: Loss, rng: np.random.Generator
) -> None:
    """Costs, parameters, running statistics, and then predictions by them."""
    network = network_of(ACTIVATIONS["tanh"], output, loss)
    theta = begin(network, rng)
    X, Y = examples(network, rng)
    names, first = names_of(network), lists(network, theta)
    expected, last = loops.train(
        first, X, Y, names, OPTIONS, loss.name, learning_rate=0.01, iterations=50
    )
    objective, rule, costs = Objective(network), OPTIMIZERS["gradient_descent"](), []
    for t in range(1, 51):
        J, grad = objective(theta, X, Y)
        costs.append(J)
        optimizers.step(rule, theta, grad, np.empty((0, theta.size)), 0.01, t)
        objective.track(theta, M)
    np.testing.assert_allclose(costs, expected, rtol=1e-9)
    assert set(last) == set(network.layout.shapes)
    same(network, theta, last, rtol=1e-8)
    new = rng.normal(size=(4, SIZES[0]))
    told = loops.predict(last, new.tolist(), names, OPTIONS)
    np.testing.assert_allclose(loss.link.forward(scores(network, theta, new)).T, told, rtol=1e-7)


@each_mode
@each_head
@each_hidden
def test_gradient_is_the_complex_derivative(
    hidden: Activation, output: Activation, loss: Loss, mode: str, rng: np.random.Generator
) -> None:
    """Of the whole objective in all that is trained, through the very code that trains."""
    network = network_of(hidden, output, loss)
    objective = Objective(network, (L2(0.3),))
    objective = objective if mode == "training" else objective.evaluation
    theta = begin(network, rng)
    X, Y = examples(network, rng)
    weights = rng.uniform(0.2, 2, M)
    J, grad = objective(theta, X, Y, weights)
    grad = grad.copy()
    assert objective.cost(theta, X, Y, weights) == J
    trained = network.layout.trained
    assert (grad[trained.stop :] == 0).all()
    for _ in range(3):
        v = np.zeros(theta.size)
        v[trained] = rng.normal(size=trained.stop)
        slope = objective.cost(theta + 1e-20j * v, X, Y, weights).imag / 1e-20
        assert grad @ v == pytest.approx(slope, rel=1e-10, abs=1e-13)


def test_the_two_modes_see_the_statistics_that_are_theirs(rng: np.random.Generator) -> None:
    """The training cost does not know the running ones; for evaluation there is no batch."""
    network = small()
    objective, theta = Objective(network), begin(network, rng)
    X, Y = examples(network, rng)
    moved = theta.copy()
    moved[network.layout.statistics] *= 1.5
    assert objective.cost(moved, X, Y) == objective.cost(theta, X, Y)
    assert objective.evaluation.cost(moved, X, Y) != objective.evaluation.cost(theta, X, Y)
    alone = [scores(network, theta, X.T[[i]])[:, 0] for i in range(M)]
    np.testing.assert_allclose(scores(network, theta, X.T).T, alone, rtol=1e-12)


def test_each_unit_has_mean_shift_and_deviation_scale(rng: np.random.Generator) -> None:
    """Before g, over the batch; epsilon takes its part of the deviation."""
    layer = Layer(6, ACTIVATIONS["linear"], Norm(0.5))
    network = Network.of(4, [layer], LOSSES["mean_squared_error"])
    theta = start(network, rng)
    p, X = network.layout.views(theta), 3 + rng.normal(size=(4, 50))
    work = network.workspace(50, theta.dtype)
    N = network.forward(p, X, work)
    variances = [statistics.pvariance(z) for z in (p["W1"] @ X).tolist()]
    for k, variance in enumerate(variances):
        assert statistics.mean(N[k].tolist()) == pytest.approx(p["shift1"][k, 0], abs=1e-12)
        deviation = abs(p["scale1"][k, 0]) * (variance / (variance + 0.5)) ** 0.5
        assert statistics.pstdev(N[k].tolist()) == pytest.approx(deviation, rel=1e-10)


@pytest.mark.parametrize("momentum", [0.1, 0.25, 1.0])
def test_running_statistics_follow_the_batches(momentum: float, rng: np.random.Generator) -> None:
    """Batches of several widths, the variance divided by m - 1: those of Python's statistics."""
    layer = Layer(2, ACTIVATIONS["linear"], Norm(momentum=momentum))
    network = Network.of(4, [layer], LOSSES["mean_squared_error"])
    objective, theta = Objective(network), begin(network, rng)
    p = network.layout.views(theta)
    mean, variance = p["mean1"][:, 0].tolist(), p["variance1"][:, 0].tolist()
    for m in (7, 3, 7, 2):
        X, Y = rng.normal(size=(4, m)), rng.normal(size=(2, m))
        objective(theta, X, Y)
        objective.track(theta, m)
        for k, z in enumerate((p["W1"] @ X).tolist()):
            mean[k] = (1 - momentum) * mean[k] + momentum * statistics.mean(z)
            variance[k] = (1 - momentum) * variance[k] + momentum * statistics.variance(z)
        np.testing.assert_allclose(p["mean1"][:, 0], mean, rtol=1e-12)
        np.testing.assert_allclose(p["variance1"][:, 0], variance, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_example_is_its_own_mean(dtype: type, rng: np.random.Generator) -> None:
    """N is the shift, nothing below learns, and a single example has no variance to track."""
    layers = [Layer(5, ACTIVATIONS["tanh"], Norm()), Layer(3, ACTIVATIONS["linear"])]
    network = Network.of(4, layers, LOSSES["mean_squared_error"])
    theta: Array = begin(network, rng).astype(dtype)
    p, objective = network.layout.views(theta), Objective(network)
    X: Array = rng.normal(size=(4, 1)).astype(dtype)
    Y: Array = rng.normal(size=(3, 1)).astype(dtype)
    J, grad = objective(theta, X, Y)
    expected = p["W2"] @ np.tanh(p["shift1"]) + p["b2"]
    assert pytest.approx(float(np.mean((expected - Y) ** 2)), rel=1e-5) == J
    g = network.layout.views(grad)
    assert not g["W1"].any()
    assert not g["scale1"].any()
    assert g["shift1"].any()
    Z, mean, variance = p["W1"] @ X, p["mean1"].copy(), p["variance1"].copy()
    objective.track(theta, 1)
    np.testing.assert_allclose(p["mean1"], mean + 0.1 * (Z - mean), rtol=1e-5)
    np.testing.assert_array_equal(p["variance1"], variance)


def test_a_unit_that_is_constant_over_the_batch(rng: np.random.Generator) -> None:
    """No division by zero: epsilon is inside the root."""
    network = small()
    theta = begin(network, rng)
    X, Y = np.ones((SIZES[0], M)), labels_for(network.loss, SIZES[-1], M, rng)
    J, grad = Objective(network)(theta, X, Y)
    assert np.isfinite(J)
    assert np.isfinite(grad).all()


@each_mode
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_optimizer_moves_the_statistics(name: str, mode: str, rng: np.random.Generator) -> None:
    """Only `track` does; whatever the optimizer's memory, their gradient is exactly 0."""
    network, rule = small(), OPTIMIZERS[name]()
    objective = Objective(network, (L2(0.5),))
    seen = objective if mode == "training" else objective.evaluation
    theta = begin(network, rng)
    slots, kept = np.zeros((rule.n_slots, theta.size)), network.layout.statistics
    before = theta.copy()
    for t in range(1, 20):
        X, Y = examples(network, rng, m=M - t % 2)
        _, grad = seen(theta, X, Y)
        assert not grad[kept].any()
        optimizers.step(rule, theta, grad, slots, 0.05, t)
        np.testing.assert_array_equal(theta[kept], before[kept])
    assert (theta[: kept.start] != before[: kept.start]).all()
    seen.track(theta, M)
    assert (theta[kept] != before[kept]).all() == (mode == "training")


def test_only_weights_are_penalized(rng: np.random.Generator) -> None:
    network = small()
    theta, (X, Y) = begin(network, rng), examples(network, rng)
    J, grad = Objective(network)(theta, X, Y)
    penalized, moved = Objective(network, (L2(0.5),))(theta, X, Y)
    W = {name: block for name, block in network.layout.views(theta).items() if name[0] == "W"}
    assert penalized - J == pytest.approx(0.25 * sum((w**2).sum() for w in W.values()), rel=1e-12)
    for name, change in network.layout.views(moved - grad).items():
        expected = 0.5 * W[name] if name in W else np.zeros_like(change)
        np.testing.assert_allclose(change, expected, atol=1e-12)


@each_hidden
def test_float32_stays_float32(hidden: Activation, rng: np.random.Generator) -> None:
    """And says the same as float64, to its digits."""
    network = network_of(hidden, ACTIVATIONS["softmax"], LOSSES["cross_entropy"])
    wide = begin(network, rng)
    X, Y = examples(network, rng)
    told: dict[type, list[Array]] = {}
    for dtype in (np.float32, np.float64):
        theta, objective = wide.astype(dtype), Objective(network)
        J, grad = objective(theta, X.astype(dtype), Y.astype(dtype))
        objective.track(theta, M)
        S = scores(network, theta, X.T.astype(dtype))
        assert grad.dtype == theta.dtype == S.dtype == dtype
        for cache in objective.workspace(M, theta.dtype).caches:
            made = [value for value in vars(cache).values() if isinstance(value, np.ndarray)]
            assert {value.dtype for value in made} == {theta.dtype}
        told[dtype] = [np.array(J), grad.copy(), theta, S]
    for narrow, exact in zip(told[np.float32], told[np.float64], strict=True):
        np.testing.assert_allclose(narrow, exact, rtol=1e-3, atol=2e-5)


@pytest.mark.usefixtures("nothing_compiled")
def test_blocks_and_chunks_change_no_number(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elementwise work by the block; evaluation by a few examples at a time."""
    network = small()
    theta, (X, Y) = begin(network, rng), examples(network, rng, m=23)
    J, grad = Objective(network)(theta, X, Y)
    whole = scores(network, theta, X.T)
    monkeypatch.setattr(blocks, "BLOCK", 7)
    monkeypatch.setattr(evaluation, "VALUES", 20)
    again, grad_again = Objective(network)(theta, X, Y)
    assert again == J
    np.testing.assert_array_equal(grad_again, grad)
    np.testing.assert_allclose(scores(network, theta, X.T), whole, rtol=1e-13)


def test_a_step_allocates_nothing_large(rng: np.random.Generator) -> None:
    """A layer's Z is eight blocks; once the workspace is there, none of its size is made."""
    m, n = 512, 256
    layers = [Layer(n, ACTIVATIONS["relu"], Norm()), Layer(3, ACTIVATIONS["softmax"])]
    network = Network.of(4, layers, LOSSES["cross_entropy"])
    theta = start(network, rng).astype(np.float32)
    X = rng.normal(size=(4, m)).astype(np.float32)
    Y = labels_for(network.loss, 3, m, rng).astype(np.float32)
    objective = Objective(network)
    objective(theta, X, Y)
    tracemalloc.start()
    objective(theta, X, Y)
    objective.track(theta, m)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * n * m / 2, f"{peak} bytes"
