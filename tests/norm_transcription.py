"""Batch norm by per-example loops, as Ioffe and Szegedy (2015, algorithm 1) write it down.

A layer with a norm, over the m examples i of a batch, each unit by itself:

    mu = 1/m sum_i z_i            sigma2 = 1/m sum_i (z_i - mu)^2
    zhat_i = (z_i - mu) / sqrt(sigma2 + epsilon)
    n_i = gamma zhat_i + beta     a_i = g(n_i)

and backwards from dn_i, one line for each of their equations, nothing cancelled:

    dzhat_i = dn_i gamma
    dsigma2 = sum_i dzhat_i (z_i - mu) (-1/2) (sigma2 + epsilon)^(-3/2)
    dmu     = sum_i -dzhat_i / sqrt(sigma2 + epsilon)  +  dsigma2 sum_i -2 (z_i - mu) / m
    dz_i    = dzhat_i / sqrt(sigma2 + epsilon) + dsigma2 2 (z_i - mu) / m + dmu / m
    dgamma  = sum_i dn_i zhat_i    dbeta = sum_i dn_i

gamma is scale[l], beta is shift[l].  After an update each running value r moves towards
the batch's value v by r = (1 - momentum) r + momentum v, where v of the variance is the
unbiased one, sum_i (z_i - mu)^2 / (m - 1).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from transcription import Parameters, Rows, activate, dz_of, loss_and_da, slopes_of

Batch = list[list[float]]
"""One list an example."""


@dataclass(frozen=True)
class Options:
    epsilon: float
    momentum: float


@dataclass(frozen=True)
class Unit:
    """What the forward pass keeps of one unit: z, zhat over the batch, mu, sigma2."""

    z: list[float]
    zhat: list[float]
    mu: float
    sigma2: float


@dataclass
class Layer:
    """What the forward pass keeps of one layer; `before` is what g takes."""

    units: list[Unit]
    before: Batch
    after: Batch


def column(parameters: Parameters, name: str) -> list[float]:
    return [row[0] for row in parameters[name]]


def linear(p: Parameters, l: int, a: list[float]) -> list[float]:
    b = column(p, f"b{l}") if f"b{l}" in p else [0.0] * len(p[f"W{l}"])
    return [
        b_i + sum(w * v for w, v in zip(row, a, strict=True))
        for row, b_i in zip(p[f"W{l}"], b, strict=True)
    ]


def normalized(z: list[float], epsilon: float) -> Unit:
    mu = sum(z) / len(z)
    sigma2 = sum((v - mu) ** 2 for v in z) / len(z)
    return Unit(z, [(v - mu) / math.sqrt(sigma2 + epsilon) for v in z], mu, sigma2)


def forward(
    p: Parameters, X: Batch, activations: Sequence[str], norms: Sequence[Options | None]
) -> list[Layer]:
    """Every layer of a batch in training; `norms` has None where a layer has no norm."""
    layers: list[Layer] = []
    a = X
    for l, (name, norm) in enumerate(zip(activations, norms, strict=True), start=1):
        before = [linear(p, l, example) for example in a]
        units: list[Unit] = []
        if norm is not None:
            scale, shift = column(p, f"scale{l}"), column(p, f"shift{l}")
            units = [normalized([*z], norm.epsilon) for z in zip(*before, strict=True)]
            before = [
                [s * unit.zhat[i] + t for s, t, unit in zip(scale, shift, units, strict=True)]
                for i in range(len(a))
            ]
        after = [activate(name, n, slopes_of(p, l)) for n in before]
        layers.append(Layer(units, before, after))
        a = layers[-1].after
    return layers


def predict(
    p: Parameters, X: Batch, activations: Sequence[str], norms: Sequence[Options | None]
) -> Batch:
    """The outputs for a batch by the running statistics, each example by itself."""
    outputs = []
    for a in X:
        for l, (name, norm) in enumerate(zip(activations, norms, strict=True), start=1):
            z = linear(p, l, a)
            if norm is not None:
                kept = (column(p, f"{stem}{l}") for stem in ("scale", "shift", "mean", "variance"))
                z = [
                    s * (v - mu) / math.sqrt(sigma2 + norm.epsilon) + t
                    for v, s, t, mu, sigma2 in zip(z, *kept, strict=True)
                ]
            a = activate(name, z, slopes_of(p, l))
        outputs.append(a)
    return outputs


def unit_backward(unit: Unit, dn: list[float], gamma: float, epsilon: float) -> list[float]:
    """dz over the batch."""
    m, wide = len(dn), unit.sigma2 + epsilon
    dzhat = [d * gamma for d in dn]
    off = [v - unit.mu for v in unit.z]
    dsigma2 = sum(d * o * -0.5 * wide**-1.5 for d, o in zip(dzhat, off, strict=True))
    dmu = sum(-d / math.sqrt(wide) for d in dzhat) + dsigma2 * sum(-2.0 * o / m for o in off)
    return [
        d / math.sqrt(wide) + dsigma2 * 2.0 * o / m + dmu / m
        for d, o in zip(dzhat, off, strict=True)
    ]


def cost_and_gradient(
    p: Parameters,
    X: Rows,
    Y: Rows,
    activations: Sequence[str],
    norms: Sequence[Options | None],
    loss: str,
) -> tuple[float, Parameters, list[Layer]]:
    """J over the columns of X, its gradient by the names of the parameters, the layers."""
    inputs = [[float(v) for v in x] for x in zip(*X, strict=True)]
    targets = [[float(v) for v in y] for y in zip(*Y, strict=True)]
    m, layers = len(inputs), forward(p, inputs, activations, norms)
    told = [loss_and_da(loss, a, y) for a, y in zip(layers[-1].after, targets, strict=True)]
    gradient: Parameters = {}
    da = [[d / m for d in example] for _, example in told]
    for l in range(len(layers), 0, -1):
        layer, norm, name = layers[l - 1], norms[l - 1], activations[l - 1]
        previous = layers[l - 2].after if l > 1 else inputs
        slopes = slopes_of(p, l)
        dz = [dz_of(name, layer.before[i], layer.after[i], da[i], slopes) for i in range(m)]
        if slopes:
            below = [[min(0.0, n) for n in example] for example in layer.before]
            gradient[f"slope{l}"] = [
                [sum(da[i][k] * below[i][k] for i in range(m))] for k in range(len(slopes))
            ]
        by_unit = [[*d] for d in zip(*dz, strict=True)]
        if norm is None:
            gradient[f"b{l}"] = [[sum(d)] for d in by_unit]
        else:
            gradient[f"shift{l}"] = [[sum(d)] for d in by_unit]
            gradient[f"scale{l}"] = [
                [sum(v * zhat for v, zhat in zip(d, unit.zhat, strict=True))]
                for d, unit in zip(by_unit, layer.units, strict=True)
            ]
            by_unit = [
                unit_backward(unit, d, gamma, norm.epsilon)
                for unit, d, gamma in zip(layer.units, by_unit, column(p, f"scale{l}"), strict=True)
            ]
        W, inward = p[f"W{l}"], range(len(previous[0]))
        gradient[f"W{l}"] = [
            [sum(d[i] * previous[i][j] for i in range(m)) for j in inward] for d in by_unit
        ]
        da = [
            [sum(W[k][j] * by_unit[k][i] for k in range(len(W))) for j in inward] for i in range(m)
        ]
    return sum(cost for cost, _ in told) / m, gradient, layers


def train(
    p: Parameters,
    X: Rows,
    Y: Rows,
    activations: Sequence[str],
    norms: Sequence[Options | None],
    loss: str,
    *,
    learning_rate: float,
    iterations: int,
) -> tuple[list[float], Parameters]:
    """J before each full-batch update, and all that the network is after the last."""
    current = {name: [[float(v) for v in row] for row in block] for name, block in p.items()}
    costs = []
    for _ in range(iterations):
        cost, gradient, layers = cost_and_gradient(current, X, Y, activations, norms, loss)
        costs.append(cost)
        for name, dp in gradient.items():
            for row, d_row in zip(current[name], dp, strict=True):
                for j, d in enumerate(d_row):
                    row[j] -= learning_rate * d
        for l, (layer, norm) in enumerate(zip(layers, norms, strict=True), start=1):
            if norm is None:
                continue
            for k, unit in enumerate(layer.units):
                m = len(unit.z)
                seen = {"mean": unit.mu, "variance": unit.sigma2 * m / (m - 1)}
                for stem, value in seen.items():
                    row = current[f"{stem}{l}"][k]
                    row[0] = (1.0 - norm.momentum) * row[0] + norm.momentum * value
    return costs, current
