"""PyTorch as a witness of values and gradients, where it is installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import MADE, start

from deepnet_cli.nn.activations import ACTIVATIONS, made_activation
from deepnet_cli.nn.losses import Loss, made_loss
from deepnet_cli.nn.network import Layer, Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.replay import Replay
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.optimizers import OPTIMIZERS

torch = pytest.importorskip("torch")
F = torch.nn.functional

THEIRS: dict[str, Callable[..., Any]] = {
    "relu": F.relu,
    "leaky_relu": lambda Z, slope=0.01: F.leaky_relu(Z, slope),
    "prelu": lambda Z, initial=0.25: F.prelu(Z, torch.tensor(initial, dtype=Z.dtype)),
    "elu": F.elu,
    "celu": F.celu,
    "selu": F.selu,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda Z: F.gelu(Z, approximate="tanh"),
    "mish": F.mish,
    "softplus": lambda Z, beta=1.0: F.softplus(Z, beta, threshold=40),  # a straight line above
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softsign": F.softsign,
    "hard_tanh": F.hardtanh,
    "hard_sigmoid": lambda Z: F.relu6(Z + 3) / 6,  # hardsigmoid's own 1/6 is a float32
    "exp": torch.exp,
    "linear": lambda Z: 1 * Z,
    "softmax": lambda Z: F.softmax(Z, dim=0),
}


def close(made: Array, theirs: Any, size: float = 1.0) -> None:
    """To 1e-14 of each entry, or of `size`."""
    np.testing.assert_allclose(made, theirs.detach().numpy(), rtol=1e-14, atol=1e-14 * size)


FAR = [50.0, -50.0, 1e4, -1e4, 1e30, -1e30]


@pytest.mark.parametrize("name", MADE)
def test_activations(name: str, rng: np.random.Generator) -> None:
    """Kinks and the ends of the line included."""
    g, options = MADE[name]
    ends = [-0.0, 5e-324, -5e-324, *FAR]
    Z = np.concatenate([rng.normal(scale=3, size=200), g.kinks, [0.0], ends])
    Z = Z[np.newaxis] + np.zeros((2, 1))
    dA = rng.normal(size=Z.shape)
    z = torch.tensor(Z, requires_grad=True)
    theirs = THEIRS[g.name](z, **options)
    theirs.backward(torch.tensor(dA))
    with np.errstate(over="ignore"):
        A = g.forward(Z)
        dZ = g.backward(dA, Z if g.keeps_Z else A)
    close(A, theirs)
    close(dZ, z.grad, max([1.0, *options.values()]))  # alpha + A has the digits of alpha


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


def test_twenty_updates_of_slopes(rng: np.random.Generator) -> None:
    """Two layers of nn.PReLU with a slope a unit, by momentum: every parameter, and each cost."""
    prelu = made_activation("prelu", initial=0.1)
    layers = [Layer(5, prelu), Layer(4, prelu), Layer(3, ACTIVATIONS["softmax"])]
    network = Network.of(6, layers, made_loss("cross_entropy"))
    theta, X = start(network, rng), rng.normal(size=(6, 20))
    Y = np.eye(3)[:, rng.integers(0, 3, 20)]
    p = network.layout.views(theta)
    there = torch.nn.Sequential(
        torch.nn.Linear(6, 5),
        torch.nn.PReLU(5, 0.1),
        torch.nn.Linear(5, 4),
        torch.nn.PReLU(4, 0.1),
        torch.nn.Linear(4, 3),
    ).double()
    names = ["W1", "b1", "slope1", "W2", "b2", "slope2", "W3", "b3"]
    pairs = list(zip(names, there.parameters(), strict=True))
    for name, theirs in pairs:
        theirs.data = torch.tensor(p[name].reshape(theirs.shape).copy())
    optimizer = torch.optim.SGD(there.parameters(), lr=0.2, momentum=0.9)
    gradient, slots = Replay(Objective(network).fused), np.zeros((1, theta.size))
    rule, first = OPTIMIZERS["momentum"](), p["slope1"].copy()
    for t in range(1, 21):
        J, grad = gradient(theta, X, Y)
        optimizers.step(rule, theta, grad, slots, 0.2, t)
        optimizer.zero_grad()
        cost = F.cross_entropy(there(torch.tensor(X.T)), torch.tensor(Y.T))
        cost.backward()
        optimizer.step()
        assert pytest.approx(cost.item(), rel=1e-12) == J
        for name, theirs in pairs:
            made = p[name].reshape(theirs.shape)
            np.testing.assert_allclose(made, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert (np.abs(p["slope1"] - first) > 1e-3).all()
