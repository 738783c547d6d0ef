"""What J and its gradient must keep, whatever the network is.

The first three are of the network as it predicts, where each example is by itself: masks
and the statistics of a batch would tie examples together.
"""

from dataclasses import dataclass, replace

import numpy as np

from deepnet_cli.nn.gradcheck.rounding import EPS, ROUNDINGS
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.types import Array

EXACT = 1e-9
NEAR = 1e-3
FIRST_STEP = 1e-4
"""The first step down the gradient, as a part of the size of theta."""
HALVINGS = 30


@dataclass(frozen=True)
class Invariance:
    """One law, and how far it is from holding; None where rounding hides it."""

    name: str
    error: float | None
    tolerance: float

    @property
    def ok(self) -> bool:
        return self.error is None or self.error <= self.tolerance


def invariances(point: Point, rng: np.random.Generator, noise: float) -> list[Invariance]:
    """Every law that applies; `noise` is what rounding does to the norm of the gradient."""
    single = point.evaluation
    whole, order = gradient(single), rng.permutation(point.m)
    laws = [_law("permuting the examples", gradient(single.take(order)), whole, noise)]
    if point.m > 1:
        laws.append(_law("mean over two halves", _of_halves(single, order), whole, noise))
    laws.append(_law("weight 2 and the row twice", *_twice(single, int(order[0])), noise))
    laws.append(_descent(point))
    return laws


def gradient(point: Point) -> Array:
    """dJ/dtheta (P,), a copy."""
    arguments = point.theta, point.X, point.Y, point.weights, point.step
    with np.errstate(all="ignore"):
        return point.objective(*arguments)[1].copy()


def _of_halves(point: Point, order: Array) -> Array:
    """The gradients of two parts, each weighing as much as its examples."""
    first, second = np.array_split(order, 2)
    total, rest = gradient(point.take(first)), gradient(point.take(second))
    total *= point.share[first].sum()
    rest *= point.share[second].sum()
    total += rest
    return total


def _law(name: str, one: Array, other: Array, noise: float) -> Invariance:
    """That two gradients are the same; `one` is overwritten."""
    norm = float(np.linalg.norm(other))
    one -= other
    if norm <= ROUNDINGS * noise:
        return Invariance(name, None, EXACT)
    error = float(np.linalg.norm(one))
    return Invariance(name, error / norm, EXACT + ROUNDINGS * noise / norm)


def _twice(point: Point, i: int) -> tuple[Array, Array]:
    """The gradients with weight 2 for an example, and with its row twice."""
    weights = np.ones(point.m) if point.weights is None else point.weights
    row_twice = replace(point, weights=weights).take(np.append(np.arange(point.m), i))
    doubled = weights.copy()
    doubled[i] *= 2
    return gradient(replace(point, weights=doubled)), gradient(row_twice)


def _descent(point: Point) -> Invariance:
    """(J(theta - eta g) - J(theta)) / (-eta ||g||^2) -> 1, extrapolated in eta."""
    g, J = gradient(point), point.cost()
    name, square = "J falls by eta |g|^2", float(g @ g)
    if not 0 < square < np.inf:
        return Invariance(name, None, NEAR)
    eta = FIRST_STEP * max(1.0, float(np.linalg.norm(point.theta))) / np.sqrt(square)
    best, last = None, None
    for _ in range(HALVINGS):
        if EPS * abs(J) / (eta * square) * 100 > NEAR:
            break
        moved = replace(point, theta=point.theta - eta * g)
        ratio = (moved.cost() - J) / (-eta * square)
        near = ratio if last is None else 2 * ratio - last
        error = float(abs(near - 1))
        if np.isfinite(error) and (best is None or error < best):
            best = error
        if best is not None and best < NEAR / 10:
            break
        last, eta = ratio, eta / 2
    return Invariance(name, best, NEAR)
