"""What J and its gradient must keep, whatever the network is.

The first is of the step as training has it.  Three are of the data alone and of the network as
it predicts, where each example is by itself: masks and the statistics of a batch would tie
examples together.
"""

from dataclasses import dataclass, replace

import numpy as np

from deepnet_cli.nn.differences import slopes
from deepnet_cli.nn.gradcheck.rounding import ROUNDINGS
from deepnet_cli.nn.gradcheck.trace import Point, Trace
from deepnet_cli.nn.replay import Replay
from deepnet_cli.nn.types import Array

EXACT = 1e-9
NEAR = 1e-3
FIRST_STEP = 2.0**-16
HALVINGS = 30


@dataclass(frozen=True)
class Invariance:
    """One law, and how far it is from holding; None where rounding or a kink hides it."""

    name: str
    error: float | None
    tolerance: float

    @property
    def ok(self) -> bool:
        return self.error is None or self.error <= self.tolerance


def invariances(trace: Trace, rng: np.random.Generator, noise: float) -> list[Invariance]:
    """Every law that applies; `noise` is what rounding does to the norm of the gradient."""
    point = trace.point
    predicts = point.evaluation
    single = replace(predicts, objective=replace(predicts.objective, penalties=()))
    whole, order = gradient(single).copy(), rng.permutation(point.m)
    heavier, repeated = _twice(single, int(order[0]))
    trained = gradient(point).copy()
    return [
        _law("the step that training plays", _played(point), trained, noise),
        _law("permuting the examples", gradient(single.take(order)), whole, noise),
        _law("mean over two halves", _of_halves(single, order), whole, noise),
        _law("weight 2 and the row twice", gradient(heavier).copy(), gradient(repeated), noise),
        _descent(trace),
    ]


def gradient(point: Point) -> Array:
    """dJ/dtheta (P,), in the objective's own buffer."""
    arguments = point.theta, point.X, point.Y, point.weights, point.step
    with np.errstate(all="ignore"):
        return point.objective(*arguments)[1]


def _played(point: Point) -> Array:
    """The gradient as training has it: fused steps, on a tape where that can be."""
    replay = Replay(point.objective.fused)
    return replay(point.theta, point.X, point.Y, point.weights, point.step)[1]


def _law(name: str, one: Array, other: Array, noise: float) -> Invariance:
    """That two gradients are the same, by ||one - other|| / ||other||; `one` is overwritten."""
    norm = float(np.linalg.norm(other))
    if norm <= ROUNDINGS * noise:
        return Invariance(name, None, EXACT)
    one -= other
    error = float(np.linalg.norm(one)) / norm
    return Invariance(name, error, EXACT + ROUNDINGS * noise / norm)


def _of_halves(point: Point, order: Array) -> Array:
    """The gradients of two parts, each weighing as much as its examples."""
    total: Array = np.zeros_like(point.theta)
    for part in np.array_split(order, 2):
        if (weight := point.share[part].sum()) > 0:
            g = gradient(point.take(part))
            g *= weight
            total += g
    return total


def _twice(point: Point, i: int) -> tuple[Point, Point]:
    """The point with twice the weight of one example; the point with that example twice."""
    weights = np.ones(point.m) if point.weights is None else point.weights
    repeated = replace(point, weights=weights).take(np.append(np.arange(point.m), i))
    heavier = weights.copy()
    heavier[i] *= 2
    return replace(point, weights=heavier), repeated


def _descent(trace: Trace) -> Invariance:
    """J(theta - t g / ||g||) has the slope -||g|| at t = 0, which differences settle.

    Where values stand exactly at kinks g is one of many derivatives, and no slope in particular:
    two units that turn different ways may yet make J straight.
    """
    point, name = trace.point, "J falls by eta |g|^2"
    g = gradient(point).copy()
    norm = float(np.linalg.norm(g))
    if trace.zeros or not 0 < norm < np.inf:
        return Invariance(name, None, NEAR)

    g /= norm
    theta = np.empty_like(g)

    def J(t: Array) -> Array:
        np.multiply(g, -float(t), out=theta)
        np.add(theta, point.theta, out=theta)
        return np.asarray(replace(point, theta=theta).cost())

    with np.errstate(all="ignore"):
        first = FIRST_STEP * max(1.0, float(np.linalg.norm(point.theta)))
        slope, slack = slopes(J, np.zeros(()), first, HALVINGS, NEAR / 10, least=1.0)
    settled = slack <= NEAR / 10 * norm
    return Invariance(name, float(abs(slope / norm + 1)) if settled else None, NEAR)
