"""PyTorch, where it is installed, as the oracle of what is stated to be its own."""

from typing import Any

import numpy as np
import pytest

from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.optimizers import OPTIMIZERS

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
    move = optimizers.mover(rule, played, grad, moving, slice(WEIGHTS))
    for t, gradient in enumerate(gradients, start=1):
        optimizers.step(rule, theta, gradient, slots, 0.01, t, slice(WEIGHTS))
        grad[...] = gradient
        move(0.01, t)
    np.testing.assert_allclose(theta, expected, rtol=1e-10)
    np.testing.assert_array_equal(played, theta)
