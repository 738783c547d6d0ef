"""A second witness: central differences of J by single entries, in real numbers.

It shares nothing with the complex step but the forward code.  A sample of entries of every
parameter and of X is moved by +-h, and the differences are extrapolated to h = 0.  The
inputs of relu and its like are compared at +-h: where one has changed sides, h is made
smaller.  Where it changes sides at any h, it stands exactly at its kink, and there is no
derivative but the two one-sided ones: the backward pass's must be one of them or between.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from deepnet_cli.nn.differences import sides, slopes
from deepnet_cli.nn.gradcheck.trace import DOUBLE, Node, Trace
from deepnet_cli.nn.network import Workspace
from deepnet_cli.nn.types import Array, Cost

TOLERANCE = 1e-5
FIRST_STEP = 2.0**-10
SHRINKINGS = 10
HALVINGS = 6
MOST_ENTRIES = 20
WORK = 6e8
"""About how many multiplications all entries may take."""


@dataclass(frozen=True)
class CrossCheck:
    """What the second witness says."""

    entries: int  # compared
    kinks: int  # of them at a kink, held against one-sided derivatives
    unsettled: int  # left out: J is lost in rounding there
    zeros: int  # inputs of relu and its like that are exactly at the kink
    worst: float  # the largest relative difference
    disagrees: tuple[str, ...]  # the nodes where it does


def crosscheck(trace: Trace, rng: np.random.Generator) -> CrossCheck:
    """Compare a seeded sample of entries of each parameter and of X."""
    witness = Witness(trace)
    nodes = [node for node in trace.nodes if node.parameter or node.name == "X"]
    entries = kinks = unsettled = 0
    worst, disagrees = 0.0, []
    for node in nodes:
        largest = np.abs(node.gradient).max(initial=0.0)
        for place in _sample(node, _count(trace, len(nodes)), rng):
            g = float(node.gradient.reshape(-1)[place])
            kink, numerical, error = witness.derivative(node, int(place), g)
            scale = abs(g) + abs(numerical)
            if not np.isfinite(error) or error > TOLERANCE * max(scale, 1e-3 * largest):
                unsettled += 1
                continue
            entries, kinks = entries + 1, kinks + kink
            off = max(0.0, abs(g - numerical) - 10 * error)
            ratio = off / max(scale, 1e-3 * largest) if off else 0.0
            worst = max(worst, ratio)
            if ratio > TOLERANCE and node.name not in disagrees:
                disagrees.append(node.name)
    return CrossCheck(entries, kinks, unsettled, witness.zeros, worst, tuple(disagrees))


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

    @cached_property
    def zeros(self) -> int:
        """Inputs of relu and its like that stand exactly at the kink."""
        ops = self.trace.point.objective.network.ops
        pairs = zip(ops, self.trace.values, strict=False)
        return sum(int(np.sum(kink == V)) for op, V in pairs for kink in op.kinks)

    def derivative(self, node: Node, place: int, g: float) -> tuple[bool, float, float]:
        """Whether there is a kink; the derivative by one entry; an estimate of its error.

        At a kink it is g itself where that lies between the one-sided derivatives, else
        the nearer of them.
        """
        J = self.along(node, place)
        size, first = max(1.0, abs(float(node.value.reshape(-1)[place]))), FIRST_STEP

        def cost(h: Array) -> Array:
            return np.asarray(J(float(h))[0])

        for _ in range(SHRINKINGS):
            if J(first * size)[1] == J(-first * size)[1]:
                slope, error = slopes(cost, np.zeros(()), first * size, HALVINGS, TOLERANCE / 100)
                return False, float(slope), float(error)
            first /= 8
        left, right = sorted(float(side) for side in sides(cost, np.zeros(()), FIRST_STEP * size))
        slack = 10 * TOLERANCE * max(abs(left), abs(right))
        return True, float(np.clip(g, left - slack, right + slack)), 0.0

    def along(self, node: Node, place: int) -> Callable[[float], tuple[float, bytes]]:
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
            sides_of = []
            with np.errstate(all="ignore"):
                for k in range(node.step, len(network.ops)):
                    sides_of += [np.packbits(kink < V).tobytes() for kink in network.ops[k].kinks]
                    V = network.forward(p, V, self.work, k, k + 1)
                cost: Cost = network.loss.cost(V, trace.point.Y, trace.point.share)
            return float(cost.real), b"".join(sides_of)

        return J


def _count(trace: Trace, nodes: int) -> int:
    """Entries of each node: as many as the work allows, at least one."""
    one_pass = trace.point.m * sum(v.size for v in trace.p.values())
    return int(np.clip(WORK / (one_pass * nodes * 2 * HALVINGS), 1, MOST_ENTRIES))


def _sample(node: Node, count: int, rng: np.random.Generator) -> Array:
    size = node.value.size
    return np.arange(size) if size <= count else rng.choice(size, count, replace=False)
