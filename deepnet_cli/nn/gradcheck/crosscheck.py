"""A second witness: central differences of J by single entries, in real numbers.

It shares nothing with the complex step but the forward code.  A sample of entries of every
parameter and of X is moved by +-h, and the differences are extrapolated to h = 0.  The
inputs of relu and its like are compared at +-h: where one has changed sides, h is made
smaller.  Where one changes sides at any h it stands exactly at its kink, and J has no
derivative by that entry but two one-sided ones.  A derivative between them agrees; one
outside may still be right, where several units stand at their kinks and turn different
ways: it is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from deepnet_cli.nn.differences import Function, sides, slopes
from deepnet_cli.nn.gradcheck.trace import DOUBLE, Node, Trace
from deepnet_cli.nn.network import Workspace
from deepnet_cli.nn.types import Array, Cost

TOLERANCE = 1e-5
LEAST = 1e-3
"""An entry is held to the digits of one that is this part of its node's largest."""
FIRST_STEP = 2.0**-10
SHRINKINGS = 10
HALVINGS = 6
MOST_ENTRIES = 20
WORK = 6e8
"""About how many multiplications all entries may take."""

Along = Callable[[float], tuple[float, bytes]]
"""J where one entry is moved by h, and on which side of its kinks each value then is."""


@dataclass(frozen=True)
class CrossCheck:
    """What the second witness says."""

    entries: int  # compared
    kinks: int  # of them at a kink, held against the one-sided derivatives
    unsettled: int  # left out: J is lost in rounding there, or a kink does not decide
    zeros: int  # inputs of relu and its like that are exactly at the kink
    worst: float  # the largest relative difference
    disagrees: tuple[str, ...]  # the nodes where it does


def crosscheck(trace: Trace, rng: np.random.Generator) -> CrossCheck:
    """Compare a seeded sample of entries of each parameter and of X, or of what the first step
    that is trained is given.
    """
    witness = Witness(trace)
    nodes = [*(node for node in trace.nodes if node.parameter), trace.nodes[-1]]
    entries = kinks = unsettled = 0
    worst, disagrees = 0.0, []
    for node in nodes:
        least = LEAST * np.abs(node.gradient).max(initial=0.0)
        for place in _sample(node, _count(trace, len(nodes)), rng):
            g, J = float(node.gradient.reshape(-1)[place]), witness.along(node, int(place))
            h = smooth(J, max(1.0, abs(float(node.value.reshape(-1)[place]))))
            if h is None:
                agrees = between(J, g)
                entries, kinks = entries + agrees, kinks + agrees
                unsettled += not agrees
                continue
            numerical, error = derivative(J, h)
            scale = max(abs(g) + abs(numerical), least)
            dead = g == numerical == 0  # J does not depend on the entry
            if not (dead or error <= TOLERANCE * scale):
                unsettled += 1
                continue
            entries += 1
            off = max(0.0, abs(g - numerical) - 10 * error)
            worst = max(worst, off / scale if off else 0.0)
            if off > TOLERANCE * scale and node.name not in disagrees:
                disagrees.append(node.name)
    return CrossCheck(entries, kinks, unsettled, trace.zeros, worst, tuple(disagrees))


@dataclass(frozen=True)
class Witness:
    """J in real numbers around the point of a trace, with what changes sides on the way."""

    trace: Trace

    @cached_property
    def work(self) -> Workspace:
        network = self.trace.point.objective.network
        work = network.workspace(self.trace.point.m, DOUBLE)
        network.draw(work, self.trace.point.step)
        return work

    def along(self, node: Node, place: int) -> Along:
        """J without penalties, where one entry is moved by h, as a function of h; with it, on
        which side of its kinks each value is.
        """
        trace, network = self.trace, self.trace.point.objective.network
        value = node.value.copy()
        entries = value.reshape(-1)
        entry = entries[place]
        p = {**trace.p, node.name: value} if node.parameter else trace.p

        @cache
        def J(h: float) -> tuple[float, bytes]:
            entries[place] = entry + h
            V = trace.values[node.step] if node.parameter else value
            pattern = []
            with np.errstate(all="ignore"):
                for k in range(node.step, len(network.ops)):
                    pattern += [np.packbits(kink < V).tobytes() for kink in network.ops[k].kinks]
                    V = network.forward(p, V, self.work, k, k + 1)
                cost: Cost = network.loss.cost(V, trace.point.Y, trace.point.share)
            return float(cost.real), b"".join(pattern)

        return J


def smooth(J: Along, size: float) -> float | None:
    """A step that leaves every value on its side of the kinks; None where there is none."""
    h = FIRST_STEP * size
    for _ in range(SHRINKINGS):
        if J(h)[1] == J(-h)[1]:
            return h
        h /= 8
    return None


def derivative(J: Along, h: float) -> tuple[float, float]:
    """dJ from steps of h and less; an estimate of its error."""
    slope, error = slopes(_cost(J), np.zeros(()), h, HALVINGS, TOLERANCE / 100, least=1.0)
    return float(slope), float(error)


def between(J: Along, g: float) -> bool:
    """Whether g is one of the two one-sided derivatives, or lies between them."""
    left, right = sorted(float(side) for side in sides(_cost(J), np.zeros(()), FIRST_STEP))
    slack = 10 * TOLERANCE * max(abs(left), abs(right))
    return left - slack <= g <= right + slack


def _cost(J: Along) -> Function:
    return lambda h: np.asarray(J(float(h))[0])


def _count(trace: Trace, nodes: int) -> int:
    """Entries of each node: as many as the work allows, at least one."""
    one_pass = trace.point.m * sum(v.size for v in trace.p.values())
    return int(np.clip(WORK / (one_pass * nodes * 2 * HALVINGS), 1, MOST_ENTRIES))


def _sample(node: Node, count: int, rng: np.random.Generator) -> Array:
    size = node.value.size
    return np.arange(size) if size <= count else rng.choice(size, count, replace=False)
