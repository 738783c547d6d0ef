"""The network and its objective against the equations, written out by themselves."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
import transcription
from networks import HEAD_IDS, HEADS, HIDDEN, IN_TURN, labels_for, network_of, start

from deepnet_cli.fused import blocks
from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import L2
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.descent import GradientDescent
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.randomness import bits
from deepnet_cli.training.figures.evaluation import scores

each_head = pytest.mark.parametrize(("output", "loss"), HEADS, ids=HEAD_IDS)
each_hidden = pytest.mark.parametrize("hidden", HIDDEN, ids=lambda g: g.name)

SIZES = (4, 5, 4, 3)
M = 12


def lists(network: Network, theta: Array) -> transcription.Parameters:
    return {name: block.tolist() for name, block in network.layout.views(theta).items()}


def flat(network: Network, parameters: transcription.Parameters) -> Array:
    blocks = {name: np.array(block) for name, block in parameters.items()}
    return network.layout.join(blocks, np.dtype(float))


@pytest.mark.parametrize(("output", "loss", "hidden"), IN_TURN)
def test_500_iterations_are_those_of_the_equations(
    hidden: Activation, output: Activation, loss: Loss, rng: np.random.Generator
) -> None:
    """Costs and parameters of a full-batch run, to 1e-10, against per-example loops."""
    network = network_of(SIZES, hidden, output, loss)
    theta = start(network, rng, scale=0.7)
    m, l2, rate = 5, 0.5, 0.05
    X, Y = rng.normal(size=(4, m)), labels_for(loss, 3, m, rng)
    names = [layer.activation.name for layer in network.layers]
    expected, parameters = transcription.train(
        lists(network, theta), X, Y, names, loss.name, learning_rate=rate, iterations=500, l2=l2
    )
    objective, rule, costs = Objective(network, (L2(l2 / m),)), GradientDescent(), []
    for t in range(1, 501):
        J, grad = objective(theta, X, Y)
        costs.append(J)
        optimizers.step(rule, theta, grad, np.empty((0, theta.size)), rate, t)
    np.testing.assert_allclose(costs, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(theta, flat(network, parameters), rtol=1e-10, atol=1e-10)
    assert costs[-1].real < costs[0].real


OPTIONS: dict[str, dict[str, float]] = {
    "gradient_descent": {},
    "momentum": {"momentum": 0.8, "dampening": 0.3},
    "nesterov": {"momentum": 0.7},
    **{
        name: {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6}
        for name in ("adam", "amsgrad", "adamax", "nadam", "radam")
    },
    "adagrad": {"epsilon": 1e-6, "initial": 0.01},
    "adadelta": {"rho": 0.8, "epsilon": 1e-5},
    "rmsprop": {"alpha": 0.9, "epsilon": 1e-6},
    "adamw": {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6, "weight_decay": 0.2},
    "lion": {"beta1": 0.8, "beta2": 0.95, "weight_decay": 0.1},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_its_equations(name: str, rng: np.random.Generator) -> None:
    network = network_of(
        SIZES, ACTIVATIONS["tanh"], ACTIVATIONS["softmax"], LOSSES["cross_entropy"]
    )
    theta = start(network, rng)
    X, Y = rng.normal(size=(4, M)), labels_for(network.loss, 3, M, rng)
    told = OPTIONS[name]
    options = {"mu": told.get("momentum", 0.0), "dampening": told.get("dampening", 0.0), **told}
    _, parameters = transcription.train(
        lists(network, theta),
        X,
        Y,
        [layer.activation.name for layer in network.layers],
        network.loss.name,
        learning_rate=0.02,
        iterations=200,
        optimizer=name,
        options=options,
    )
    rule, objective = OPTIMIZERS[name](**told), Objective(network)
    slots, weights = np.zeros((rule.n_slots, theta.size)), network.layout.decaying
    for t in range(1, 201):
        optimizers.step(rule, theta, objective(theta, X, Y)[1], slots, 0.02, t, weights)
    np.testing.assert_allclose(theta, flat(network, parameters), rtol=1e-10, atol=1e-12)


@each_head
@each_hidden
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_gradient_is_the_complex_derivative(
    hidden: Activation, output: Activation, loss: Loss, decay: float, rng: np.random.Generator
) -> None:
    """In random directions, through the very code that trains."""
    network = network_of((5, 6, 4, 3), hidden, output, loss)
    theta, objective = start(network, rng), Objective(network, (L2(decay),))
    X, Y = rng.normal(size=(5, 9)), labels_for(loss, 3, 9, rng)
    J, grad = objective(theta, X, Y)
    grad = grad.copy()
    assert objective.cost(theta, X, Y) == J
    for _ in range(3):
        v = rng.normal(size=theta.size)
        slope = objective.cost(theta + 1e-20j * v, X, Y).imag / 1e-20
        assert grad @ v == pytest.approx(slope, rel=1e-11, abs=1e-14)


@each_head
def test_predictions_are_the_outputs_of_the_equations(
    output: Activation, loss: Loss, rng: np.random.Generator
) -> None:
    network = network_of(SIZES, ACTIVATIONS["relu"], output, loss)
    theta, X = start(network, rng), rng.normal(size=(4, M))
    names = [layer.activation.name for layer in network.layers]
    expected = [transcription.forward(lists(network, theta), x.tolist(), names) for x in X.T]
    np.testing.assert_allclose(
        loss.link.forward(scores(network, theta, X.T)).T, expected, rtol=1e-13
    )


@pytest.mark.usefixtures("nothing_compiled")
def test_blocks_change_no_number(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    for hidden in HIDDEN:
        network = network_of((7, 9, 8, 3), hidden, ACTIVATIONS["softmax"], LOSSES["cross_entropy"])
        theta, X = start(network, rng), rng.normal(size=(7, 11))
        Y = labels_for(network.loss, 3, 11, rng)
        monkeypatch.setattr(blocks, "BLOCK", 10**6)
        whole = Objective(network, (L2(0.1),))(theta, X, Y)[1].copy()
        monkeypatch.setattr(blocks, "BLOCK", 5)
        np.testing.assert_array_equal(Objective(network, (L2(0.1),))(theta, X, Y)[1], whole)


def test_a_step_allocates_no_array_after_the_first(rng: np.random.Generator) -> None:
    """Nothing larger than the temporaries of a cache block."""
    network = network_of(
        (300, 200, 100, 10), ACTIVATIONS["tanh"], ACTIVATIONS["softmax"], LOSSES["cross_entropy"]
    )
    theta = start(network, rng).astype(np.float32)
    X = rng.normal(size=(300, 1000)).astype(np.float32)
    Y = labels_for(network.loss, 10, 1000, rng).astype(np.float32)
    objective, rule = Objective(network, (L2(0.1),)), OPTIMIZERS["adam"]()
    slots = np.zeros((2, theta.size), np.float32)

    def step(t: int) -> None:
        optimizers.step(rule, theta, objective(theta, X, Y)[1], slots, 0.001, t)

    step(1)
    tracemalloc.start()
    step(2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    block = 4 * blocks.BLOCK
    assert peak < 8 * block, f"{peak / block:.1f} blocks"


@pytest.mark.parametrize("norm", [None, Norm()])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@each_hidden
def test_the_workspace_is_as_large_as_is_told(
    hidden: Activation, dropout: float, norm: Norm | None
) -> None:
    """`floats`, which the memory estimate goes by, against what 100 examples more take."""
    layers = [
        Layer(5, hidden, norm, dropout, partial(bits, 0, "dropout")),
        Layer(7, hidden, norm, dropout, partial(bits, 0, "dropout")),
        Layer(3, ACTIVATIONS["softmax"], norm),
    ]
    network = Network.of(4, layers, LOSSES["cross_entropy"])

    def entries(mode: Network, m: int) -> int:
        work = mode.workspace(m, np.dtype(float))
        values = [value for cache in work.caches for value in vars(cache).values()]
        arrays = {id(value): value.size for value in values if isinstance(value, np.ndarray)}
        never_touched = 2 * 4 * m  # X stands outside, and dA[0] is not made
        return sum(arrays.values()) + work.dS.size - never_touched

    for mode in (network, network.evaluation):
        assert entries(mode, 200) - entries(mode, 100) == 100 * mode.floats


def test_the_gradient_of_the_input_is_never_made(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3 layers: 3 products forward, 3 for dW, 2 for dA; none has the input's size as its rows."""
    network = network_of(
        SIZES, ACTIVATIONS["relu"], ACTIVATIONS["linear"], LOSSES["mean_squared_error"]
    )
    theta, X = start(network, rng), rng.normal(size=(4, M))
    made: list[tuple[int, ...]] = []
    product = np.matmul

    def counted(a: Array, b: Array, out: Array) -> Array:
        made.append(out.shape)
        return product(a, b, out=out)

    monkeypatch.setattr(np, "matmul", counted)
    Objective(network)(theta, X, rng.normal(size=(3, M)))
    assert len(made) == 8
    assert (4, M) not in made[6:]
    assert made[3:] == [(3, 4), (4, M), (4, 5), (5, M), (5, 4)]


def test_one_example_or_all(rng: np.random.Generator) -> None:
    """J and the gradient of a batch are the means over its examples."""
    network = network_of(
        SIZES, ACTIVATIONS["tanh"], ACTIVATIONS["sigmoid"], LOSSES["binary_cross_entropy"]
    )
    theta, X = start(network, rng), rng.normal(size=(4, M))
    Y, objective = labels_for(network.loss, 3, M, rng), Objective(network, (L2(0.2),))
    J, grad = objective(theta, X, Y)
    grad = grad.copy()
    singly = [
        (value, gradient.copy())
        for value, gradient in (objective(theta, X[:, [i]], Y[:, [i]]) for i in range(M))
    ]
    assert pytest.approx(np.mean([value for value, _ in singly]), rel=1e-13) == J
    np.testing.assert_allclose(
        np.mean([g for _, g in singly], axis=0), grad, rtol=1e-11, atol=1e-14
    )


def test_windows_share_the_vector() -> None:
    network = network_of(
        SIZES, ACTIVATIONS["relu"], ACTIVATIONS["linear"], LOSSES["mean_squared_error"]
    )
    theta = np.arange(network.layout.size, dtype=float)
    views = network.layout.views(theta)
    assert list(views) == ["W1", "W2", "W3", "b1", "b2", "b3"]
    assert all(np.shares_memory(view, theta) for view in views.values())
    assert np.concatenate([view.reshape(-1) for view in views.values()]).tolist() == theta.tolist()


def test_pairs_that_make_no_sense_are_refused() -> None:
    softmax, relu = ACTIVATIONS["softmax"], ACTIVATIONS["relu"]
    with pytest.raises(ValueError, match="does not take the output activation relu"):
        Network.of(2, [Layer(2, relu)], LOSSES["cross_entropy"])
    with pytest.raises(ValueError, match="softmax is an output activation only"):
        Network.of(2, [Layer(2, softmax), Layer(2, softmax)], LOSSES["cross_entropy"])
    with pytest.raises(ValueError, match="behind the output layer"):
        Network.of(2, [Layer(2, softmax, dropout=0.5)], LOSSES["cross_entropy"])
