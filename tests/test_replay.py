"""A step on tape is the step itself."""

import platform
import tracemalloc
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from networks import HEADS, HIDDEN, labels_for

from deepnet_cli.fused import blocks, native
from deepnet_cli.fused.passes import Player
from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import L1, L2
from deepnet_cli.nn.replay import Replay
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.clipping import SCALED
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.randomness import bits

pytestmark = pytest.mark.skipif(not native.available(), reason="needs llvmlite")


def objective_of(
    hidden: Activation,
    output: Activation,
    loss: Loss,
    norm: Norm | None = None,
    dropout: float = 0.0,
) -> Objective:
    masks = partial(bits, 0, "dropout")
    layers = [Layer(9, hidden, norm, dropout, masks), Layer(6, hidden), Layer(3, output)]
    return Objective(Network.of(5, layers, loss), (L2(0.1), L1(0.01)))


def begin(
    objective: Objective, rng: np.random.Generator, m: int, dtype: Any = np.float64
) -> tuple[Array, Array, Array]:
    network = objective.network
    theta = (0.5 * network.initialize([INITIALIZERS["he"]()] * 3, rng)).astype(dtype)
    X = rng.normal(size=(m, 5)).astype(dtype).T
    return theta, X, np.ascontiguousarray(labels_for(network.loss, 3, m, rng), dtype)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("norm", [None, Norm()])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("output", "loss", "hidden"),
    [(*head, g) for head, g in zip(HEADS, cycle(HIDDEN))],
    ids=lambda x: x.name,
)
def test_training_by_tape_is_training(
    hidden: Activation,
    output: Activation,
    loss: Loss,
    weighted: bool,
    norm: Norm | None,
    dropout: float,
    rng: np.random.Generator,
) -> None:
    """Costs and parameters of some steps, against the plain chain of steps run by itself."""
    objective = objective_of(hidden, output, loss, norm, dropout)
    theta, X, Y = begin(objective, rng, 11)
    weights = rng.random(11) if weighted else None
    replay, rule, plain = Replay(objective.fused), OPTIMIZERS["momentum"](), theta.copy()
    slots, plain_slots = np.zeros((1, theta.size)), np.zeros((1, theta.size))
    for t in range(1, 5):
        X[...] = rng.normal(size=X.shape)
        J, expected = objective(plain, X, Y, weights, t)
        cost, grad = replay(theta, X, Y, weights, t)
        assert cost == pytest.approx(J, rel=1e-12)
        np.testing.assert_allclose(grad, expected, rtol=1e-9, atol=1e-12)
        optimizers.Mover(rule, theta, grad, slots)(1e-4, t)
        rule.update(plain, expected, plain_slots, 1e-4, t)
        np.testing.assert_allclose(theta, plain, rtol=1e-10, atol=1e-13)
    known = replay._recorded[11]
    assert known.tape.broken == (hidden.name == "gelu" or output.name == "gelu")


def test_every_step_of_the_chain_is_played(rng: np.random.Generator) -> None:
    """Both norms, both dropouts, penalties of single layers: costs and gradients of some steps."""
    masks, selu = partial(bits, 0, "dropout"), ACTIVATIONS["selu"]
    layers = [
        Layer(9, selu, bits=masks, layer_norm=1e-3, alpha_dropout=0.3),
        Layer(7, ACTIVATIONS["relu"], None, 0.4, masks, layer_norm=1e-5),
        Layer(6, selu, Norm(), bits=masks, alpha_dropout=0.2),
        Layer(3, ACTIVATIONS["softmax"], layer_norm=1e-5),
    ]
    penalties = (L2(0.1, (1, 2)), L1(0.01, (2, 2)), L2(0.3, (4, 4)))
    objective = Objective(Network.of(5, layers, CE), penalties)
    network, X = objective.network, rng.normal(size=(11, 5)).T
    theta = 0.5 * network.initialize([INITIALIZERS["he"]()] * 4, rng)
    Y = np.ascontiguousarray(labels_for(network.loss, 3, 11, rng))
    replay = Replay(objective.fused)
    for t in range(1, 5):
        X[...] = rng.normal(size=X.shape)
        J, expected = objective(theta, X, Y, None, t)
        cost, grad = replay(theta, X, Y, None, t)
        assert cost == pytest.approx(J, rel=1e-12)
        np.testing.assert_allclose(grad, expected, rtol=1e-9, atol=1e-12)
        theta -= 0.1 * grad
    assert not replay._recorded[11].tape.broken


def test_other_buffers_make_another_tape(rng: np.random.Generator) -> None:
    objective = objective_of(ACTIVATIONS["tanh"], ACTIVATIONS["linear"], MSE)
    replay = Replay(objective.fused)
    for m in (4, 7, 4):
        theta, X, Y = begin(objective, rng, m)
        for Y_now in (Y, -Y, Y.astype(np.float32), np.asfortranarray(Y)):
            cost, grad = replay(theta, X, Y_now)
            J, expected = objective(theta, X, Y_now)
            assert cost == pytest.approx(J, rel=1e-13)
            np.testing.assert_allclose(grad, expected, rtol=1e-12, atol=1e-15)


def test_a_loss_of_the_users_own_is_run_as_it_is(rng: np.random.Generator) -> None:
    """NumPy code that symbols cannot follow."""
    asked: list[int] = []

    def entries(A: Array, Y: Array, out: Array | None = None) -> Array:
        asked.append(len(A.shape))
        return MSE.entries(A, Y, out=out)

    objective = objective_of(
        ACTIVATIONS["tanh"], ACTIVATIONS["linear"], replace(MSE, entries=entries)
    )
    theta, X, Y = begin(objective, rng, 6)
    replay = Replay(objective.fused)
    for _ in range(3):
        assert replay(theta, X, Y)[0] == pytest.approx(objective(theta, X, Y)[0], rel=1e-13)
    assert len(asked) == 6


@pytest.mark.parametrize("m", [1, 2, 64])
def test_the_first_step_is_played_too(m: int, rng: np.random.Generator) -> None:
    """Else a resumed run would differ from one that was not stopped, in the last bit."""
    objective = objective_of(ACTIVATIONS["relu"], ACTIVATIONS["softmax"], CE)
    theta, X, Y = begin(objective, rng, m, np.float32)
    replay = Replay(objective.fused)
    first = replay(theta, X, Y)[1].copy()
    np.testing.assert_array_equal(replay(theta, X, Y)[1], first)
    np.testing.assert_array_equal(Replay(objective.fused)(theta, X, Y)[1], first)


def test_less_than_the_smallest_normal_number_is_nothing_on_a_tape() -> None:
    """Where the processor is slow with such numbers; before and after they are what they are."""
    small = np.array([1e-39, -1e-42, 2e-38, 1.0], np.float32)
    for factor, there in ((1.0, [0, 0, 2e-38, 1]), (0.1, [0, 0, 0, 0.1])):
        play = Player(SCALED, made := small.copy(), factor)
        play(factor)
        flushed = platform.machine() in ("x86_64", "AMD64")
        expected = np.array(there if flushed else small * factor, np.float32)
        np.testing.assert_allclose(made, expected, rtol=1e-6)
        assert 0 < small[0] * np.float32(0.5) < 1e-39


def test_a_played_step_allocates_nothing(rng: np.random.Generator) -> None:
    """No array larger than one cache block; here even what there is in all is less."""
    layers = [Layer(300, ACTIVATIONS["tanh"]), Layer(10, ACTIVATIONS["softmax"])]
    objective = Objective(Network.of(200, layers, CE))
    theta = objective.network.initialize([INITIALIZERS["he"]()] * 2, rng).astype(np.float32)
    X = rng.normal(size=(1000, 200)).astype(np.float32).T
    Y = np.eye(10, dtype=np.float32)[:, rng.integers(0, 10, 1000)].copy()
    slots = np.zeros((2, theta.size), np.float32)
    replay, rule = Replay(objective.fused), OPTIMIZERS["adam"]()
    move = optimizers.Mover(rule, theta, replay(theta, X, Y)[1], slots)
    move(0.001, 1)
    tracemalloc.start()
    replay(theta, X, Y)
    move(0.001, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * blocks.BLOCK / 8, peak


MSE, CE = LOSSES["mean_squared_error"], LOSSES["cross_entropy"]
