"""The same training run by scikit-learn's MLPClassifier and MLPRegressor, for what they have.

From the same first parameters in float64, 50 epochs in the order of the file; where their forms
are others than ours, the translation is docs/conventions.md's.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from networks import start
from sklearn.neural_network import MLPClassifier, MLPRegressor

from deepnet_cli.data.dealing.batches import Batches
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.layer import Layer
from deepnet_cli.nn.losses import Loss, made_loss
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import L2
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.optim.rule import Optimizer
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import State

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

M, FEATURES, UNITS, EPOCHS, RATE = 22, 5, (6, 4), 50, 0.02

HIDDEN = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic", "linear": "identity"}

RULES: dict[str, tuple[Optimizer, dict[str, Any]]] = {
    "gradient_descent": (OPTIMIZERS["gradient_descent"](), {"solver": "sgd", "momentum": 0.0}),
    "momentum": (
        OPTIMIZERS["momentum"](0.8),
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
    ),
    "nesterov": (OPTIMIZERS["nesterov"](0.8), {"solver": "sgd", "momentum": 0.8}),
    "adam": (
        OPTIMIZERS["adam"](0.8, 0.99, 1e-30),  # theirs stands by sqrt(v), not by sqrt(v_hat)
        {"solver": "adam", "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-30},
    ),
}


class Kind(NamedTuple):
    """A kind of target: our loss and Y (K, m), their y and estimator."""

    loss: Loss
    Y: Array
    y: Array
    estimator: Callable[..., Any]
    factor: float = 1.0  # their gradient by ours


def kinds(rng: np.random.Generator) -> dict[str, Kind]:
    """Their squared error has a 1/2, and their gradients are never divided by K."""
    two, classes, flags = rng.integers(0, 2, M), np.arange(M) % 3, rng.integers(0, 2, (M, 3))
    number, numbers, counts = rng.normal(size=M), rng.normal(size=(M, 3)), rng.poisson(2, M)
    by_flags, by_class = made_loss("binary_cross_entropy"), made_loss("cross_entropy")
    square, by_count = made_loss("mean_squared_error"), made_loss("poisson")
    poisson = partial(MLPRegressor, "poisson")
    return {
        "two classes": Kind(by_flags, two[np.newaxis], two, MLPClassifier),
        "three classes": Kind(by_class, np.eye(3)[:, classes], classes, MLPClassifier),
        "flags": Kind(by_flags, flags.T, flags, MLPClassifier, factor=3.0),
        "a number": Kind(square, number[np.newaxis], number, MLPRegressor, factor=1 / 2),
        "numbers": Kind(square, numbers.T, numbers, MLPRegressor, factor=3 / 2),
        "counts": Kind(by_count, counts[np.newaxis], counts.astype(float), poisson),
    }


def agree(
    kind: str, hidden: str, rule: str, size: int, alpha: float, rng: np.random.Generator
) -> None:
    loss, Y, y, estimator, factor = kinds(rng)[kind]
    layers = [Layer(n, ACTIVATIONS[hidden]) for n in UNITS]
    network = Network.of(FEATURES, [*layers, Layer(len(Y), loss.link)], loss)
    X, theta = rng.normal(size=(M, FEATURES)), start(network, rng)

    theirs = estimator(
        hidden_layer_sizes=UNITS,
        activation=HIDDEN[hidden],
        alpha=alpha,
        batch_size=size,
        learning_rate_init=RATE,
        shuffle=False,
        warm_start=True,
        max_iter=1,
        n_iter_no_change=10**6,
        **RULES[rule][1],
    ).fit(X, y)
    p = network.layout.views(theta)
    for l in range(len(UNITS) + 1):  # its first epoch is forgotten, a warm start has a new solver
        theirs.coefs_[l], theirs.intercepts_[l] = p[f"W{l + 1}"].T.copy(), p[f"b{l + 1}"][:, 0]
        theirs.intercepts_[l] = theirs.intercepts_[l].copy()
    theirs.set_params(max_iter=EPOCHS).fit(X, y)

    batches = Batches(Part(X, Y.astype(float)), size, 0, shuffle=False)
    state = State.start(theta.copy(), RULES[rule][0])
    updates = batches.runs(0, EPOCHS * batches.per_epoch, lambda _: 7)
    objective = Objective(network, (L2(alpha / factor / M),))
    rate = RATE if rule == "adam" else RATE * factor  # which divides by the gradient's size
    for _ in train(state, objective, [], RULES[rule][0], lambda _: rate, updates):
        pass
    assert np.abs(state.theta - theta).max() > 0.01
    for name, block in network.layout.views(state.theta).items():
        l = int(name[1:]) - 1
        wanted = theirs.coefs_[l].T if name[0] == "W" else theirs.intercepts_[l][:, np.newaxis]
        np.testing.assert_allclose(block, wanted, rtol=0, atol=1e-10)


each_kind = pytest.mark.parametrize("kind", kinds(np.random.default_rng(0)))


@each_kind
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("size", [M, 5])
def test_activations_and_losses(
    kind: str, hidden: str, size: int, rng: np.random.Generator
) -> None:
    agree(kind, hidden, "gradient_descent", size, 0.0, rng)


@each_kind
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("size", [M, 5])
def test_solvers(kind: str, rule: str, size: int, rng: np.random.Generator) -> None:
    agree(kind, "tanh", rule, size, 0.0, rng)


@each_kind
def test_alpha_is_l2_by_full_batches(kind: str, rng: np.random.Generator) -> None:
    """By mini-batches theirs is divided by the examples of the batch, ours by all."""
    agree(kind, "tanh", "gradient_descent", M, 0.7, rng)
