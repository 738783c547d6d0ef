"""PyTorch, where it is installed, as the oracle of what is stated to be its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.clipping import CLIPPINGS
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.optim.schedules import SCHEDULES

torch: Any = pytest.importorskip("torch")

WEIGHTS, P = 12, 17
DECAYING = [(slice(WEIGHTS), 1.0)]
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
    move = optimizers.Mover(rule, played, grad, moving, DECAYING)
    for t, gradient in enumerate(gradients, start=1):
        optimizers.step(rule, theta, gradient, slots, 0.01, t, DECAYING)
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


def test_no_schedule_is_left_out() -> None:
    assert {name for name, _, _ in PAIRS.values()} | {"constant"} == set(SCHEDULES)
