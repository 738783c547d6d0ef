"""How far rounding alone moves each derivative of the backward pass.

Each number of a pass is right to about eps of its size.  So the pass is repeated with
every value that it makes or keeps moved at random by so much, and what a derivative moves
by is what its digits are worth.  Where an activation is saturated, 1 - A^2 has lost all its
digits: its error is eps of what flows in, however small the product; that is added too.
A derivative below this level can be neither right nor wrong: it proves nothing.

Two such passes are held against each other, never against the training code's own: what
differs there is no rounding.  But numbers that move by a last digit or not at all may well have
the same sum twice; so in two more passes all moves COARSER times as much, and their part of
what that does counts too.  (Of one, a sum of a few terms comes out as before once in a thousand.)
"""

import numpy as np

from deepnet_cli.nn.gradcheck.trace import DOUBLE, Trace
from deepnet_cli.nn.types import Array

EPS = float(np.finfo(np.float64).eps)
COARSER = 2.0**10
ROUNDINGS = 100
"""An error within so many times what rounding alone can do is none."""


def noise(trace: Trace, rng: np.random.Generator) -> dict[str, float]:
    """For each node the norm of what two such passes differ by in its derivative."""
    times = (1, 1, COARSER, COARSER)
    one, other, *coarse = (_moved(trace, rng, EPS * by) for by in times)
    return {name: _differ(one[name], other[name], [c[name] for c in coarse]) for name in one}


def _differ(one: Array, other: Array, coarse: list[Array]) -> float:
    """||one - other||, the same of coarse ones by their measure, and at least the last digit."""
    apart = [one - other, EPS * other, *((c - other) / COARSER for c in coarse)]
    return float(max(np.linalg.norm(array) for array in apart))


def _moved(trace: Trace, rng: np.random.Generator, by: float) -> dict[str, Array]:
    """Every derivative by name, of one pass whose numbers are all off by a part of their size."""
    point, network = trace.point, trace.point.objective.network
    ops, work = network.ops, network.workspace(point.m, DOUBLE)
    network.draw(work, point.step)

    def off(array: Array, size: Array | None = None) -> Array:
        part = by * (2 * rng.random(array.shape, np.float32) - 1)
        array += part * (array if size is None else size)
        return array

    p, g = trace.p, network.layout.views(np.zeros_like(point.theta))
    with np.errstate(all="ignore"):
        V = off(point.X.copy())
        for k in range(len(ops)):
            V = off(network.forward(p, V, work, k, k + 1))
        for kept in (array for cache in work.caches for array in vars(cache).values()):
            if kept.dtype.kind == "f":
                off(kept)
        dS, Y = work.dS, off(point.Y.copy())
        network.loss.cost_and_gradient(V, Y, point.share, out=dS)
        off(dS, point.share * np.maximum(1, np.abs(Y)) / network.loss.outputs(Y))
        moved, dU = {}, dS
        for k in reversed(range(network.first, len(ops))):
            moved[ops[k].node] = dU.copy()
            incoming = np.abs(dU)
            ops[k].backward(p, off(dU), work.caches[k], g)
            dV = ops[k].pull(p, dU, work.caches[k])
            dU = off(dV, incoming if dV is dU else None)
        moved[network.input_of(network.first)] = dU
    return moved | g
