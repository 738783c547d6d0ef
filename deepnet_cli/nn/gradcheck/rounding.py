"""How far rounding alone moves each derivative of the backward pass.

Each number of a pass is right to about eps of its size.  So the pass is repeated with
every value it makes moved at random by so much, and what a derivative moves by is what its
digits are worth.  Where an activation is saturated, 1 - A^2 has lost all its digits: its
error is eps of what flows in, however small the product; that is added too.  A derivative
below this level can be neither right nor wrong: it proves nothing.
"""

import numpy as np

from deepnet_cli.nn.gradcheck.trace import DOUBLE, Trace
from deepnet_cli.nn.types import Array

EPS = float(np.finfo(np.float64).eps)
PASSES = 2
ROUNDINGS = 100
"""An error within so many times what rounding alone can do is none."""


def noise(trace: Trace, rng: np.random.Generator) -> dict[str, float]:
    """For each node the largest norm of what its derivative moves by in a few such passes."""
    levels = dict.fromkeys((node.name for node in trace.nodes), 0.0)
    grad = np.zeros_like(trace.gradient)
    for _ in range(PASSES):
        moved = _moved(trace, rng, grad)
        for node in trace.nodes:
            moved[node.name] -= node.gradient
            level = float(np.linalg.norm(moved[node.name]))
            levels[node.name] = max(levels[node.name], level)
    return levels


def _moved(trace: Trace, rng: np.random.Generator, grad: Array) -> dict[str, Array]:
    """Every derivative by name, of one pass whose numbers are all a little off; in `grad` (P,)."""
    point, network = trace.point, trace.point.objective.network
    ops, work = network.ops, network.workspace(point.m, DOUBLE)
    network.draw(work, point.step)

    def off(array: Array, size: Array | None = None) -> Array:
        array += EPS * _signs(rng, array.shape) * (array if size is None else size)
        return array

    p, g = trace.p, network.layout.views(grad)
    with np.errstate(all="ignore"):
        V = off(point.X.copy())
        for k in range(len(ops)):
            V = off(network.forward(p, V, work, k, k + 1))
        dS, Y = work.dS, off(point.Y.copy())
        network.loss.cost_and_gradient(V, Y, point.share, out=dS)
        off(dS, point.share * np.maximum(1, np.abs(Y)) / network.loss.outputs(Y))
        moved, dU = {}, dS
        for k in reversed(range(len(ops))):
            moved[ops[k].node] = dU.copy()
            incoming = np.abs(dU)
            ops[k].backward(p, off(dU), work.caches[k], g)
            dV = ops[k].pull(p, dU, work.caches[k])
            dU = off(dV, incoming if dV is dU else None)
        moved["X"] = dU
    return moved | g


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """-1 or 1, eight to a random byte."""
    size = int(np.prod(shape))
    bits = np.unpackbits(np.frombuffer(rng.bytes(size // 8 + 1), np.uint8), count=size)
    return 2.0 * bits.reshape(shape) - 1.0
