"""Points to check a gradient at: some kinds of network, and any number of random ones."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from networks import HEADS, HIDDEN, labels_for

from deepnet_cli.nn.activations import ACTIVATIONS, Activation, made_activation
from deepnet_cli.nn.gradcheck.trace import Point, trace
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import L1, L2, Penalty
from deepnet_cli.nn.types import Array

BCE, CE, MSE, MAE = (
    LOSSES[name]
    for name in (
        *("binary_cross_entropy", "cross_entropy", "mean_squared_error", "mean_absolute_error"),
    )
)
RELU, TANH, SIGMOID, SOFTMAX, GELU, LINEAR, SOFTPLUS, PRELU, SELU, SILU = (
    ACTIVATIONS[name]
    for name in (
        *(
            "relu",
            "tanh",
            "sigmoid",
            "softmax",
            "gelu",
            "linear",
            "softplus",
            "prelu",
            "selu",
            "silu",
        ),
    )
)
LEAKY = made_activation("leaky_relu", slope=0.3)


def rngs(seed: int = 0) -> Callable[[str], np.random.Generator]:
    """A generator for each purpose of a check."""
    return lambda purpose: np.random.default_rng([seed, *purpose.encode()])


def layer(
    n: int,
    g: Activation,
    norm: bool = False,
    dropout: float = 0.0,
    *,
    layer_norm: float | None = None,
    alpha_dropout: float = 0.0,
) -> Layer:
    bits = partial(masks, n) if dropout or alpha_dropout else None
    batch_norm = Norm() if norm else None
    kinds: dict[str, Any] = {"layer_norm": layer_norm, "alpha_dropout": alpha_dropout}
    return Layer(n, g, batch_norm, dropout, bits, **kinds)


def masks(purpose: int, step: int) -> np.random.BitGenerator:
    return np.random.PCG64([purpose, step])


def point(
    layers: list[Layer],
    loss: Loss,
    *,
    features: int = 5,
    m: int = 7,
    scale: float | None = None,
    penalties: tuple[Penalty, ...] = (),
    weights: Array | None = None,
    seed: int = 0,
) -> Point:
    """A network at its own initialization, or with weights of a given size."""
    rng = np.random.default_rng(seed)
    network = Network.of(features, layers, loss)
    theta = network.initialize([l.activation.weights for l in layers], rng)
    if scale is not None:
        theta[network.layout.trained] = scale * rng.normal(size=network.layout.trained.stop)
    X = rng.normal(size=(features, m))
    Y = labels_for(loss, layers[-1].units, m, rng)
    return Point(Objective(network, penalties), theta, X, Y, weights, step=3)


def with_slopes(p: Point) -> Point:
    """The slopes of every prelu from -1 to 1."""
    for name, block in p.objective.network.layout.views(p.theta).items():
        if name.startswith("slope"):
            block[:, 0] = np.linspace(-1, 1, len(block))
    return p


def six(m: int = 7) -> dict[str, Point]:
    """The kinds of network that every bug is planted in."""
    return {
        "relu, dropout, l2": point(
            [layer(6, RELU, dropout=0.3), layer(6, RELU), layer(1, SIGMOID)],
            BCE,
            penalties=(L2(0.02),),
            m=m,
        ),
        "tanh, two outputs": point([layer(5, TANH), layer(5, TANH), layer(2, LINEAR)], MSE, m=m),
        "6 sigmoids": point([layer(4, SIGMOID) for _ in range(5)] + [layer(1, SIGMOID)], BCE, m=m),
        "8 sigmoids": point([layer(4, SIGMOID) for _ in range(7)] + [layer(1, SIGMOID)], BCE, m=m),
        "softmax, batch norm": point(
            [layer(6, TANH, norm=True), layer(6, RELU, norm=True), layer(3, SOFTMAX)], CE, m=m
        ),
        "gelu, l1": point(
            [layer(5, GELU), layer(5, GELU), layer(3, SOFTMAX)], CE, penalties=(L1(0.01),), m=m
        ),
        "softplus": point([layer(5, SOFTPLUS), layer(5, SOFTPLUS), layer(1, SIGMOID)], BCE, m=m),
        "prelu": with_slopes(
            point([layer(6, PRELU), layer(6, PRELU, norm=True), layer(3, SOFTMAX)], CE, m=m)
        ),
        "leaky_relu of 0.3": point([layer(5, LEAKY), layer(6, LEAKY), layer(1, SIGMOID)], BCE, m=m),
        "layer norm, alpha dropout, penalties by layer": point(
            [
                layer(6, SELU, layer_norm=1e-3, alpha_dropout=0.3),
                layer(5, TANH, layer_norm=1e-5),
                layer(4, RELU, norm=True),
                layer(3, SOFTMAX),
            ],
            CE,
            penalties=(L2(0.02, (1, 2)), L1(0.01, (2, 4))),
            m=m,
        ),
    }


def hard() -> dict[str, Point]:
    """Points where a check is easily wrong: whatever is exactly 0, equal, saturated or tiny."""
    points = {}
    for g in (g for g in HIDDEN if g.kinks):
        for kink in g.kinks:  # Z1 of one example, and all after a norm of one
            p = point([layer(6, g), layer(5, g), layer(3, SOFTMAX)], CE, penalties=(L1(0.1),))
            p.X[:, 3], p.objective.network.layout.views(p.theta)["b1"][...] = 0, kink
            points[f"{g.name} at {kink:g}"] = p
            p = point([layer(6, SILU), layer(5, g), layer(3, SOFTMAX)], CE)
            views = p.objective.network.layout.views(p.theta)
            views["W1"][...], views["b2"][...] = 0, kink  # moved by i h, silu is off by h^2
            points[f"{g.name} at {kink:g} behind silu of 0"] = p
            p = point([layer(3, g, norm=True), layer(2, g, norm=True), layer(2, LINEAR)], MAE, m=1)
            views = p.objective.network.layout.views(p.theta)
            views["shift1"][...] = views["shift2"][...] = kink
            points[f"{g.name} at {kink:g} by norms of one"] = p
    for loss in LOSSES.values():
        p = point([layer(4, TANH), layer(3, loss.link)], loss)
        views = p.objective.network.layout.views(p.theta)
        views["W2"][...], views["b2"][...] = 0, [[1], [0], [0]]
        if loss.target == "number":
            p.Y[...] = views["b2"]
        elif loss.target == "class":
            p.Y[...] = [[1], [0], [0]]
        points[f"{loss.name} where A is Y, or ahead by its margin"] = p
    for g in HIDDEN:
        layers = [layer(4, g), layer(3, g), layer(2, LINEAR)]
        for b in (-40.0, -18.0, 18.0, 40.0):
            p = point(layers, MSE)
            p.objective.network.layout.views(p.theta)["b1"][...] = b
            points[f"{g.name} of {b:g}"] = p
        p = point(layers, MSE)
        p.theta[...] = 0
        points[f"{g.name}, all 0"] = p
        p = point(layers, MSE)
        p.Y[...] = trace(p).values[-1] + 1e-7
        points[f"{g.name} at a cost of 1e-14"] = p
        normed = [layer(3, g, norm=True, dropout=0.5), layer(4, g, norm=True), layer(1, SIGMOID)]
        points[f"{g.name} by norms of two"] = point(normed, BCE, m=2)
        normed = [layer(2, g, layer_norm=1e-8, alpha_dropout=0.5), layer(2, g, layer_norm=1e-8)]
        points[f"{g.name} by norms of two units"] = point([*normed, layer(1, SIGMOID)], BCE)
        p = point([layer(1, g), *normed, layer(1, LINEAR)], MAE, weights=np.eye(7)[2])
        points[f"{g.name}, one example that counts"] = p
    return points


SCALES = (1e-3, 1e-2, 0.1, 1.0, 3.0, 10.0)


def random_point(seed: int) -> Point:
    """Any depth, width, activation, loss, penalty, dropout, norm, batch, weights and scale."""
    rng = np.random.default_rng([seed, 20261125])
    output, loss = HEADS[rng.integers(len(HEADS))]
    choice = HIDDEN
    layers = [
        layer(
            int(rng.integers(1, 9)),
            choice[rng.integers(len(choice))],
            norm=bool(rng.random() < 0.25),
            dropout=float(rng.choice([0.0, 0.0, 0.5, 0.8])),
        )
        for _ in range(rng.integers(0, 7))
    ]
    units = int(rng.integers(2 if loss.target == "class" else 1, 5))
    m = int(rng.choice([1, 2, 3, 8, 33]))
    penalties: list[Penalty] = [
        L2(float(10 ** rng.uniform(-8, 0))),
        L1(float(10 ** rng.uniform(-8, 0))),
    ]
    weights = rng.uniform(0, 3, m) * (rng.random(m) < 0.8) if rng.random() < 0.3 else None
    return point(
        [*layers, layer(units, output)],
        loss,
        features=int(rng.integers(1, 9)),
        m=m,
        scale=float(rng.choice(SCALES)) if rng.random() < 0.8 else None,
        penalties=tuple(p for p in penalties if rng.random() < 0.3),
        weights=weights,
        seed=seed,
    )


def random_layer(units: int, rng: np.random.Generator, *, last: bool) -> Layer:
    """With any norm; a hidden one with any activation and dropout."""
    norm = rng.choice(["", "batch", "layer"])
    dropout = "" if last else rng.choice(["", "plain", "alpha"])
    rate = float(rng.choice([0.1, 0.5, 0.8]))
    return layer(
        units,
        LINEAR if last else HIDDEN[rng.integers(len(HIDDEN))],
        norm=norm == "batch",
        dropout=rate if dropout == "plain" else 0.0,
        layer_norm=float(10 ** rng.uniform(-8, 0)) if norm == "layer" else None,
        alpha_dropout=rate if dropout == "alpha" else 0.0,
    )


def combined_point(seed: int) -> Point:
    """Any norms, dropouts, and penalties of any layers, one behind the other."""
    rng = np.random.default_rng([seed, 20261126])
    output, loss = HEADS[rng.integers(len(HEADS))]
    L, m = int(rng.integers(1, 6)), int(rng.choice([1, 2, 3, 8, 33]))
    hidden = [random_layer(int(rng.integers(1, 9)), rng, last=False) for _ in range(L - 1)]
    units = int(rng.integers(2 if loss.target == "class" else 1, 5))
    head = replace(random_layer(units, rng, last=True), activation=output)
    penalties: list[Penalty] = []
    for kind in (L2, L1):
        first, last = sorted(int(l) for l in rng.integers(1, L + 1, 2))
        penalties.append(kind(float(10 ** rng.uniform(-4, 0)), (first, last)))
        if last < L and rng.random() < 0.5:
            penalties.append(kind(float(10 ** rng.uniform(-4, 0)), (last + 1, L)))
    return point(
        [*hidden, head],
        loss,
        features=int(rng.integers(1, 9)),
        m=m,
        scale=float(rng.choice([0.1, 1.0, 3.0])) if rng.random() < 0.5 else None,
        penalties=tuple(penalties),
        weights=rng.uniform(0, 3, m) if rng.random() < 0.3 else None,
        seed=seed,
    )
