"""The verdict on each node, from the loss backwards.

For a node with the derivative g of the backward pass and the numerical g', over Gaussian
directions v,

    the error ||g - g'|| is estimated by the root mean square of  <g, v> - dJ/dv,
    and compared with  ||g|| + ||g'||:  the course's ratio, scale-free.

A wrong derivative anywhere else than by chance of 1 in 10^9 shows in three directions,
however many entries there are.  What was computed from a wrong derivative by a step that
is itself right is tainted, not wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepnet_cli.nn.gradcheck.probe import Probe
from deepnet_cli.nn.gradcheck.rounding import ROUNDINGS
from deepnet_cli.nn.gradcheck.trace import Node
from deepnet_cli.nn.types import Array

DIRECTIONS = 3
TOLERANCE = 1e-9
STRIDE = 10_007
"""From one direction to the next; where a node has more entries, they share some numbers."""

Directions = Callable[[Node], list[Array]]


@dataclass(frozen=True)
class Verdict:
    """What the check says of one node."""

    node: Node
    norm: float  # ||g||
    rel_error: float
    status: str  # ok, wrong, tainted, or void: below rounding, which proves nothing

    @property
    def digits(self) -> float:
        """How many decimal digits agree."""
        if self.status == "void":
            return 0.0
        return float(np.clip(-np.log10(max(self.rel_error, 1e-16)), 0.0, 16.0))


def gaussian(rng: np.random.Generator, count: int = DIRECTIONS) -> Directions:
    """`count` standard normal directions for each node: windows onto one long one."""
    drawn = np.empty(0)

    def directions(node: Node) -> list[Array]:
        nonlocal drawn
        size, shape = node.value.size, node.value.shape
        if (more := size + count * STRIDE - drawn.size) > 0:
            drawn = np.concatenate([drawn, rng.standard_normal(more)])
        return [drawn[i * STRIDE :][:size].reshape(shape) for i in range(count)]

    return directions


def unit(node: Node) -> list[Array]:
    """A direction for each entry; scaled so that the mean square is the square of the norm."""
    size = node.value.size
    return [v.reshape(node.value.shape) for v in np.sqrt(size) * np.eye(size)]


def walk(probe: Probe, noise: dict[str, float], directions: Directions) -> list[Verdict]:
    """A verdict for each node, in the order of the backward pass.

    A W is moved by itself, and J followed to the end.  While everything above a node is right,
    dJ/dv is also <dU, (dU/dV) v>, the work of one step: for values and the small parameters.
    """
    verdicts, tainted = [], False
    for node in probe.trace.nodes:
        vs = directions(node)
        along = probe.slope if node.weight or tainted else probe.handed
        verdict = judge(node, vs, [along(node, v) for v in vs], noise[node.name])
        if verdict.status == "wrong" and tainted and follows(probe, node, vs, noise[node.name]):
            verdict = Verdict(node, verdict.norm, verdict.rel_error, "tainted")
        tainted |= verdict.status == "wrong"
        verdicts.append(verdict)
    return verdicts


def judge(node: Node, vs: list[Array], slopes: list[float], noise: float) -> Verdict:
    """Hold <g, v> against the numerical slopes."""
    along = np.array([np.vdot(node.gradient, v) for v in vs])
    numerical = np.array(slopes)
    norm = float(np.linalg.norm(node.gradient))
    error = float(np.sqrt(np.mean((along - numerical) ** 2)))
    scale = norm + float(np.sqrt(np.mean(numerical**2)))
    if not np.isfinite(error):
        return Verdict(node, norm, float("inf"), "wrong")
    if error <= ROUNDINGS * noise and norm <= ROUNDINGS * noise:
        return Verdict(node, norm, 0.0, "void")
    ratio = error / scale if scale > 0 else 0.0
    right = ratio <= TOLERANCE or error <= ROUNDINGS * noise
    return Verdict(node, norm, ratio, "ok" if right else "wrong")


def follows(probe: Probe, node: Node, vs: list[Array], noise: float) -> bool:
    """Whether a node's derivative is what its step makes of what it was handed, right or not."""
    handed = np.array([probe.handed(node, v) for v in vs])
    along = np.array([np.vdot(node.gradient, v) for v in vs])
    error, slack = np.linalg.norm(along - handed), ROUNDINGS * noise * np.sqrt(len(vs))
    size = np.linalg.norm(along) + np.linalg.norm(handed)
    return bool(error <= 1e3 * TOLERANCE * size + slack)
