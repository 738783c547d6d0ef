"""PyTorch, where it is installed, as the oracle of what is stated to be its own."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.max_norm import HOLD
from deepnet_cli.nn.network import Layer, Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.ops.alpha_dropout import AlphaDropout
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.clipping import CLIPPINGS
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.optim.schedules import SCHEDULES
from deepnet_cli.randomness import bits

torch: Any = pytest.importorskip("torch")

WEIGHTS, P = 12, 17
"""Of theta (P,) so many entries are weights, the rest offsets."""


def moved_by_torch(optimizer: type, theta: Array, gradients: Array, rate: float) -> Array:
    """theta after PyTorch's updates, which decay no offsets."""
    W, b = (torch.nn.Parameter(torch.tensor(part)) for part in np.split(theta, [WEIGHTS]))
    groups = [{"params": [W], "weight_decay": 0.2}, {"params": [b], "weight_decay": 0.0}]
    there = optimizer(groups, lr=rate)
    for gradient in gradients:
        W.grad, b.grad = (torch.tensor(part) for part in np.split(gradient, [WEIGHTS]))
        there.step()
    return np.concatenate([W.detach().numpy(), b.detach().numpy()])


def test_adamw(rng: np.random.Generator) -> None:
    theta, gradients = rng.normal(size=P), rng.normal(size=(50, P))
    expected = moved_by_torch(torch.optim.AdamW, theta, gradients, 0.01)
    rule = OPTIMIZERS["adamw"](weight_decay=0.2)
    slots, played, grad = np.zeros((2, P)), theta.copy(), np.empty(P)
    moving = np.zeros((2, P))
    move = optimizers.Mover(rule, played, grad, moving, slice(WEIGHTS))
    for t, gradient in enumerate(gradients, start=1):
        optimizers.step(rule, theta, gradient, slots, 0.01, t, slice(WEIGHTS))
        grad[...] = gradient
        move(0.01, t)
    np.testing.assert_allclose(theta, expected, rtol=1e-10)
    np.testing.assert_array_equal(played, theta)


def scheduled(make: Callable[[Any], Any], initial: float) -> list[float]:
    """The rates of 200 steps of PyTorch's scheduler."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=initial)
    scheduler, found = make(optimizer), []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


STEPS, RATE = 200, 0.03
S: Any = torch.optim.lr_scheduler
PAIRS: dict[str, tuple[str, dict[str, Any], Callable[[Any], Any]]] = {
    "step": ("step", {"every": 30, "factor": 0.3}, lambda o: S.StepLR(o, 30, 0.3)),
    "exponential": ("exponential", {"factor": 0.98}, lambda o: S.ExponentialLR(o, 0.98)),
    "inverse_time": (
        "inverse_time",
        {"decay": 0.2},
        lambda o: S.LambdaLR(o, lambda k: 1 / (1 + 0.2 * k)),
    ),
    "inverse_sqrt": (
        "inverse_sqrt",
        {"scale": 9.0},
        lambda o: S.LambdaLR(o, lambda k: (1 + k / 9) ** -0.5),
    ),
    "polynomial": (
        "polynomial",
        {"power": 1.7, "length": 150},
        lambda o: S.PolynomialLR(o, 150, 1.7),
    ),
    "cosine": ("cosine", {"final": 1e-3}, lambda o: S.CosineAnnealingLR(o, STEPS, 1e-3)),
    "restarts": (
        "cosine_restarts",
        {"period": 17, "final": 1e-3},
        lambda o: S.CosineAnnealingWarmRestarts(o, 17, 1, 1e-3),
    ),
    "longer restarts": (
        "cosine_restarts",
        {"period": 13, "growth": 2},
        lambda o: S.CosineAnnealingWarmRestarts(o, 13, 2),
    ),
    "one_cycle": (
        "one_cycle",
        {"peak_factor": 20.0, "rising": 0.25, "final_factor": 1e-3, "length": STEPS + 1},
        lambda o: S.OneCycleLR(
            o,
            20 * RATE,
            STEPS + 1,
            pct_start=0.25,
            div_factor=20,
            final_div_factor=1e3,
            cycle_momentum=False,
        ),
    ),
    "piecewise": (
        "piecewise",
        {"points": ((50, RATE * 0.3), (120, RATE * 0.09))},
        lambda o: S.MultiStepLR(o, [50, 120], 0.3),
    ),
    "warm-up": (
        "step",
        {"every": 30, "factor": 0.3, "warmup": 12},
        lambda o: S.SequentialLR(
            o, [S.LinearLR(o, 1 / 13, total_iters=12), S.StepLR(o, 30, 0.3)], [12]
        ),
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("pair", PAIRS)
def test_schedules(pair: str) -> None:
    """200 steps; PyTorch multiplies rate by rate, so the last digits are its own."""
    name, options, make = PAIRS[pair]
    schedule = SCHEDULES[name](initial=RATE, **options)
    found = [schedule.rate(i, 1, STEPS) for i in range(STEPS)]
    np.testing.assert_allclose(found, scheduled(make, RATE), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", CLIPPINGS)
@pytest.mark.parametrize("limit", [0.3, 1.7, 100.0])
def test_clipping(name: str, limit: float, rng: np.random.Generator) -> None:
    grad = rng.normal(size=P)
    parts = [
        torch.nn.Parameter(torch.zeros(n, dtype=torch.float64)) for n in (WEIGHTS, P - WEIGHTS)
    ]
    for part, value in zip(parts, np.split(grad, [WEIGHTS]), strict=True):
        part.grad = torch.tensor(value)
    getattr(torch.nn.utils, f"clip_grad_{name.removeprefix('clip_')}_")(parts, limit)
    CLIPPINGS[name](limit).clip(grad)
    expected = np.concatenate([part.grad.numpy() for part in parts])
    np.testing.assert_allclose(grad, expected, rtol=1e-14)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_layer_norm(activation: str, rng: np.random.Generator) -> None:
    """20 updates of Linear, LayerNorm, g, Linear, LayerNorm, with momentum."""
    layers = [
        Layer(6, ACTIVATIONS[activation], layer_norm=1e-5),
        Layer(3, ACTIVATIONS["linear"], layer_norm=0.02),
    ]
    network = Network.of(4, layers, LOSSES["mean_squared_error"])
    theta = rng.normal(size=network.layout.size)
    p = network.layout.views(theta)
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 6),
        torch.nn.LayerNorm(6, eps=1e-5),
        {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation](),
        torch.nn.Linear(6, 3),
        torch.nn.LayerNorm(3, eps=0.02),
    ).double()
    theirs = dict(zip(["W1", "b1", "scale1", "shift1"], module[:2].parameters(), strict=True))
    theirs |= zip(["W2", "b2", "scale2", "shift2"], module[3:].parameters(), strict=True)
    assert set(theirs) == set(p)
    with torch.no_grad():
        for name, parameter in theirs.items():
            parameter.copy_(torch.tensor(p[name].reshape(parameter.shape)))
    X, Y = rng.normal(size=(4, 9)), rng.normal(size=(3, 9))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    objective, rule = Objective(network).fused, OPTIMIZERS["momentum"]()
    slots = np.zeros((1, theta.size))
    for t in range(1, 21):
        J, grad = objective(theta, X, Y)
        optimizers.step(rule, theta, grad, slots, 0.05, t)
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(module(torch.tensor(X.T)), torch.tensor(Y.T))
        loss.backward()
        optimizer.step()
        assert pytest.approx(loss.item(), rel=1e-10) == J
    for name, parameter in theirs.items():
        expected = parameter.detach().numpy().reshape(p[name].shape)
        np.testing.assert_allclose(p[name], expected, rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_alpha_dropout(rate: float, rng: np.random.Generator) -> None:
    """What PyTorch makes of an entry that it keeps, and of one that it drops, by its own mask."""
    A, dD = rng.normal(size=(20, 30)), rng.normal(size=(20, 30))
    a = torch.tensor(A, requires_grad=True)
    theirs = torch.nn.AlphaDropout(rate)(a)
    theirs.backward(torch.tensor(dD))
    kept = a.grad.numpy() != 0
    assert 0 < kept.mean() < 1
    op = AlphaDropout(1, 20, rate, partial(bits, 0, "dropout 1"))
    cache = op.cache(30, A.dtype, A)
    cache.mask[...] = op.kept * kept
    D = op.forward({}, A, cache)
    np.testing.assert_allclose(D, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(op.pull({}, dD, cache), a.grad.numpy(), rtol=1e-12)


def test_max_norm(rng: np.random.Generator) -> None:
    """renorm divides by the norm and 1e-7: a row is then that much short of the limit."""
    W = rng.normal(size=(30, 5)) * rng.uniform(0.1, 3, (30, 1))
    expected = torch.renorm(torch.tensor(W), 2, 0, 1.5).numpy()
    HOLD(W, 1.5)
    np.testing.assert_allclose(W, expected, rtol=1e-6)


def test_no_schedule_is_left_out() -> None:
    assert {name for name, _, _ in PAIRS.values()} | {"constant"} == set(SCHEDULES)
