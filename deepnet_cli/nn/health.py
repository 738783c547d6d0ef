"""How each layer takes part in an update: whether it learns, and at what pace.

update ratio    ||W after - W|| / ||W||, about 1e-3 where all is well
dead            the share of units that are 0, with g' = 0, for every example: nothing moves them
saturated       the share of A at which |g'| is below 1 % of |g'(0)|, where g flattens on both
                sides (Glorot and Bengio, 2010, https://proceedings.mlr.press/v9/glorot10a.html)
gradient norm   ||dW|| of the mean cost, without penalties: of one size in all layers where all
                is well
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array

FLAT = 0.01
"""Of g'(0): a smaller slope is saturation."""

FAR = 100.0
"""A Z at which what saturates does so."""


@dataclass(frozen=True)
class LayerHealth:
    """Of layer l; None where there is no such thing."""

    layer: int
    activation: str
    weight_norm: float
    gradient_norm: float | None  # of a layer that is trained
    update_ratio: float | None = None  # where W after the update is known, and W is not 0
    dead: float | None = None  # where the loss does not carry g
    saturated: float | None = None  # where g flattens on both sides


@dataclass(frozen=True)
class Fault:
    """What is wrong with a layer, a key of FAULTS, and the figure that shows it."""

    kind: str
    layer: int
    activation: str
    value: float


def health(
    objective: Objective,
    theta: Array,
    X: Array,
    Y: Array,
    weights: Array | None = None,
    step: int = 0,
    after: Array | None = None,
) -> list[LayerHealth]:
    """Of each layer at theta (P,), by examples X (n[0], m), Y (n[L], m) and weights (m,) in update
    number `step`; `after` (P,) is theta with an update made.

    At least some hundred examples: of a few, many a healthy unit is 0.  The objective is the
    network's own, not `fused`; its buffers stay as they are.
    """
    objective = replace(objective, penalties=())
    network, p = objective.network, objective.network.layout.views(theta)
    grad = objective(theta, X, Y, weights, step)[1]
    g = network.layout.views(grad)
    moved = None if after is None else network.layout.views(after)
    objective.cost(theta, X, Y, weights, step)  # leaves what the forward pass makes
    caches = objective.workspace(X.shape[1], theta.dtype).caches
    shares = {
        op.layer: _shares(op.at(p), op.kept(cache), cache.U)  # type: ignore[attr-defined]
        for op, cache in zip(network.ops, caches, strict=True)
        if op.kind == "activation"
    }
    layers = []
    for l, layer in enumerate(network.layers, start=1):
        W = p[f"W{l}"]
        size, ratio = norm(W), None
        if moved is not None and size > 0 and not layer.frozen:
            ratio = norm(moved[f"W{l}"] - W) / size
        gradient = None if layer.frozen else norm(g[f"W{l}"])
        name = layer.activation.name
        layers.append(LayerHealth(l, name, size, gradient, ratio, *shares.get(l, (None, None))))
    return layers


def faults(layers: Sequence[LayerHealth]) -> list[Fault]:
    """What is wrong, from the first layer to the last."""
    *_, last = (each.gradient_norm for each in layers if each.gradient_norm is not None)
    found = []
    for each in layers:
        known = each.gradient_norm is not None and last > 0
        gradient = (each.gradient_norm or 0.0) / last if known else None
        figures = {
            "zero": each.weight_norm if each is not layers[-1] else None,
            "dead": each.dead if each.weight_norm > 0 else None,
            "saturated": each.saturated,
            "fast": each.update_ratio,
            "still": gradient,
            "vanishing": gradient,
            "exploding": gradient,
        }
        found += [
            Fault(kind, each.layer, each.activation, value)
            for kind, value in figures.items()
            if value is not None and FAULTS[kind](value)
        ]
    return found


def norm(vector: Array) -> float:
    """The root of the sum of squares, summed in float64."""
    flat = vector.reshape(-1)
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.einsum("i,i->", flat, flat, dtype=np.float64)))


def _shares(g: Activation, kept: Array, A: Array) -> tuple[float | None, float | None]:
    """The shares of dead units and of saturated A (n[l], m); g' is a function of `kept`."""
    if not g.elementwise:
        return None, None
    with np.errstate(all="ignore"):
        slope = g.backward(np.ones_like(kept), kept)
    dead = float(np.mean(np.all((slope == 0) & (A == 0), axis=1)))
    steepest = saturating(g) if g.trained_from is None else None
    if steepest is None:
        return dead, None
    return dead, float(np.mean(abs(slope) < FLAT * steepest))


@cache
def saturating(g: Activation) -> float | None:
    """|g'(0)| of an activation that flattens on both sides; None of any other."""
    Z = np.array([[-FAR, 0.0, FAR]])
    with np.errstate(all="ignore"):
        left, middle, right = abs(g.backward(np.ones_like(Z), Z if g.keeps_Z else g.forward(Z)))[0]
    flat = left < FLAT * middle and right < FLAT * middle
    return float(middle) if flat else None


FAULTS: dict[str, Callable[[float], bool]] = {
    "zero": lambda norm: norm == 0,
    "dead": lambda share: share >= 0.5,
    "saturated": lambda share: share >= 0.8,
    "fast": lambda ratio: ratio >= 1,
    "still": lambda gradient: gradient == 0,
    "vanishing": lambda gradient: 0 < gradient < 1e-3,
    "exploding": lambda gradient: gradient > 1e3,
}
"""When a figure is a fault: ||W||, a share, an update ratio, ||dW|| in terms of the last one."""
