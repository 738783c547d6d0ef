"""PyTorch as a witness of values and gradients, where it is installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.types import Array

torch = pytest.importorskip("torch")
F = torch.nn.functional

THEIRS: dict[str, Callable[[Any], Any]] = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda Z: F.gelu(Z, approximate="tanh"),
    "mish": F.mish,
    "softplus": lambda Z: F.softplus(Z, threshold=1e9),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softsign": F.softsign,
    "hard_tanh": F.hardtanh,
    "hard_sigmoid": lambda Z: F.relu6(Z + 3) / 6,  # hardsigmoid's own 1/6 is a float32
    "exp": torch.exp,
    "linear": lambda Z: 1 * Z,
    "softmax": lambda Z: F.softmax(Z, dim=0),
}


def close(made: Array, theirs: Any) -> None:
    """To 1e-14 of each entry, or of 1."""
    np.testing.assert_allclose(made, theirs.detach().numpy(), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("g", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activations(g: Activation, rng: np.random.Generator) -> None:
    """Kinks and the ends of the line included."""
    Z = np.concatenate([rng.normal(scale=3, size=200), g.kinks, [0.0, 50.0, -50.0]])
    Z = Z[np.newaxis] + np.zeros((2, 1))
    dA = rng.normal(size=Z.shape)
    z = torch.tensor(Z, requires_grad=True)
    theirs = THEIRS[g.name](z)
    theirs.backward(torch.tensor(dA))
    A = g.forward(Z)
    close(A, theirs)
    close(g.backward(dA, Z if g.keeps_Z else A), z.grad)
