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
    whole = gradient(single)
    norm = float(np.linalg.norm(whole))

    def law(name: str, other: Array) -> Invariance:
        error = float(np.linalg.norm(other - whole))
        hidden = norm <= ROUNDINGS * noise
        return Invariance(name, None if hidden else error / norm, EXACT + ROUNDINGS * noise / norm)

    m, laws = point.m, []
    if norm > 0:
        shuffled = rng.permutation(m)
        laws.append(law("permuting the examples", gradient(single.take(shuffled))))
        if m > 1:
            laws.append(law("mean over two halves", _of_halves(single, shuffled)))
        laws.append(_twice(single, int(shuffled[0]), law))
    laws.append(_descent(point))
    return laws


def gradient(point: Point) -> Array:
    """dJ/dtheta (P,), a copy."""
    arguments = point.theta, point.X, point.Y, point.weights, point.step
    with np.errstate(all="ignore"):
        return point.objective(*arguments)[1].copy()


def _of_halves(point: Point, order: Array) -> Array:
    """The gradients of two parts, each weighing as much as its examples."""
    total: Array = np.zeros_like(point.theta)
    for part in np.array_split(order, 2):
        if (weight := point.share[part].sum()) > 0:
            total += weight * gradient(point.take(part))
    return total


def _twice(point: Point, i: int, law):  # type: ignore[no-untyped-def]
    """Weight 2 against the row twice: both gradients, and J as it was."""
    weights = np.ones(point.m) if point.weights is None else point.weights.copy()
    columns = np.append(np.arange(point.m), i)
    repeated = replace(point, weights=weights).take(columns)
    weights = weights.copy()
    weights[i] *= 2
    heavier = gradient(replace(point, weights=weights))
    twice = gradient(repeated)
    invariance = law("weight 2 and the row twice", heavier)
    error = float(np.linalg.norm(heavier - twice))
    return replace(invariance, error=error / max(float(np.linalg.norm(twice)), 1e-300))


def _descent(point: Point) -> Invariance:
    """(J(theta - eta g) - J(theta)) / (-eta ||g||^2) -> 1, extrapolated in eta."""
    g, J = gradient(point), point.cost()
    name, square = "J falls by eta |g|^2", float(g @ g)
    if not 0 < square < np.inf:
        return Invariance(name, None, NEAR)
    eta = 1e-2 * max(1.0, float(np.linalg.norm(point.theta))) / np.sqrt(square)
    best, last = None, None
    for _ in range(HALVINGS):
        moved = replace(point, theta=point.theta - eta * g)
        ratio = (moved.cost() - J) / (-eta * square)
        if EPS * abs(J) / (eta * square) * 100 > NEAR:
            break
        near = ratio if last is None else 2 * ratio - last
        error = float(abs(near - 1))
        if np.isfinite(error) and (best is None or error < best):
            best = error
        if best is not None and best < NEAR / 100:
            break
        last, eta = ratio, eta / 2
    return Invariance(name, best, NEAR)
