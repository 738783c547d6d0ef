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

from deepnet_cli.nn.gradcheck.probe import H, Probe
from deepnet_cli.nn.gradcheck.rounding import ROUNDINGS
from deepnet_cli.nn.gradcheck.trace import Node
from deepnet_cli.nn.types import Array

DIRECTIONS = 3
TOLERANCE = 1e-9

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
    """`count` standard normal directions for each node."""
    return lambda node: [rng.standard_normal(node.value.shape) for _ in range(count)]


def unit(node: Node) -> list[Array]:
    """A direction for each entry; scaled so that the mean square is the square of the norm."""
    size = node.value.size
    return [v.reshape(node.value.shape) for v in np.sqrt(size) * np.eye(size)]


def walk(probe: Probe, noise: dict[str, float], directions: Directions) -> list[Verdict]:
    """A verdict for each node, in the order of the backward pass."""
    verdicts, tainted = [], False
    for node in probe.trace.nodes:
        vs = directions(node)
        verdict = judge(node, vs, [probe.slope(node, v) for v in vs], noise[node.name])
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
    """Whether a node's derivative is what its step makes of what it was handed, right or not:
    <dV, v> = <dU, (dU/dV) v>, by a complex step through that step alone.
    """
    trace, k = probe.trace, node.source
    if k is None:
        return False
    errors, sizes = [], []
    for v in vs:
        moved = node.value + (1j * H) * v
        p = {**trace.p, node.name: moved} if node.parameter else trace.p
        with np.errstate(all="ignore"):
            U = probe.through(k, p, trace.values[k] if node.parameter else moved)
        handed = np.vdot(trace.upstream[k], U.imag) / H
        along = np.vdot(node.gradient, v)
        errors.append(along - handed)
        sizes.append(abs(along) + abs(handed))
    slack = ROUNDINGS * noise * np.sqrt(len(vs))
    return bool(np.linalg.norm(errors) <= 1e3 * TOLERANCE * np.linalg.norm(sizes) + slack)
