"""PyTorch as a witness of values and gradients, where it is installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.losses import Loss, made_loss
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


def cross_entropy(Z: Any, Y: Any, smoothing: float = 0.0) -> Any:
    return F.cross_entropy(Z.T, Y.T, label_smoothing=smoothing, reduction="sum")


def focal(Z: Any, Y: Any, gamma: float, alpha: float = 0.0) -> Any:
    """Lin et al., equation 5; 4 without alpha."""
    z, weight = (2 * Y - 1) * Z, alpha * Y + (1 - alpha) * (1 - Y) if alpha else 1.0
    return -(weight * torch.sigmoid(-z) ** gamma * F.logsigmoid(z)).sum()


def categorical_focal(Z: Any, Y: Any, gamma: float) -> Any:
    log_p = (Y * F.log_softmax(Z, dim=0)).sum(dim=0)
    return -((1 - log_p.exp()) ** gamma * log_p).sum()


def hinge(S: Any, Y: Any) -> Any:
    """Y before 0, by a margin of 1."""
    return F.margin_ranking_loss(S, torch.zeros_like(S), 2 * Y - 1, 1.0, reduction="none")


LOSSES: list[tuple[Loss, Callable[[Any, Any], Any]]] = [
    (
        made_loss("binary_cross_entropy"),
        lambda Z, Y: F.binary_cross_entropy_with_logits(Z, Y, reduction="sum"),
    ),
    (made_loss("cross_entropy"), cross_entropy),
    (
        made_loss("cross_entropy", label_smoothing=0.1),
        lambda Z, Y: cross_entropy(Z, Y, 0.1),
    ),
    (made_loss("mean_squared_error"), lambda A, Y: F.mse_loss(A, Y, reduction="sum")),
    (made_loss("mean_absolute_error"), lambda A, Y: F.l1_loss(A, Y, reduction="sum")),
    (made_loss("huber"), lambda A, Y: F.huber_loss(A, Y, reduction="sum")),
    (
        made_loss("huber", delta=0.3),
        lambda A, Y: F.huber_loss(A, Y, delta=0.3, reduction="sum"),
    ),
    (made_loss("poisson"), lambda Z, Y: F.poisson_nll_loss(Z, Y, reduction="sum")),
    (made_loss("focal"), lambda Z, Y: focal(Z, Y, 2.0)),
    (made_loss("focal", gamma=0.7, alpha=0.25), lambda Z, Y: focal(Z, Y, 0.7, 0.25)),
    (made_loss("categorical_focal"), lambda Z, Y: categorical_focal(Z, Y, 2.0)),
    (made_loss("categorical_focal", gamma=3.0), lambda Z, Y: categorical_focal(Z, Y, 3.0)),
    (made_loss("hinge"), lambda S, Y: hinge(S, Y).sum()),
    (made_loss("squared_hinge"), lambda S, Y: (hinge(S, Y) ** 2).sum()),
    (
        made_loss("multi_margin"),
        lambda S, Y: len(S) * F.multi_margin_loss(S.T, Y.argmax(dim=0), reduction="sum"),
    ),
]


@pytest.mark.parametrize(("loss", "theirs"), LOSSES, ids=lambda x: getattr(x, "name", ""))
def test_losses(loss: Loss, theirs: Callable[[Any, Any], Any], rng: np.random.Generator) -> None:
    """Sums over all entries; that a mean is a mean is tested elsewhere."""
    S, Y = rng.normal(scale=3, size=(4, 50)), rng.integers(0, 2, (4, 50)).astype(float)
    if loss.target == "class":
        Y = np.eye(4)[:, rng.integers(0, 4, 50)]
    elif loss.target == "number":
        S[:, :5] = Y[:, :5]
    s = torch.tensor(S, requires_grad=True)
    total = theirs(s, torch.tensor(Y))
    total.backward()
    assert loss.entries(S, Y).sum() == pytest.approx(total.item(), rel=1e-14)
    close(loss.gradient(S, Y), s.grad)
