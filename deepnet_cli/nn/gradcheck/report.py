"""The whole check of one point: the walk, the diagnosis, and every other witness."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from deepnet_cli.nn.gradcheck.bisection import Entry, worst_entry
from deepnet_cli.nn.gradcheck.crosscheck import CrossCheck, crosscheck
from deepnet_cli.nn.gradcheck.diagnosis import diagnose
from deepnet_cli.nn.gradcheck.invariances import Invariance, invariances
from deepnet_cli.nn.gradcheck.penalty import diagnose_penalty, judge_penalties
from deepnet_cli.nn.gradcheck.precision import float32_digits
from deepnet_cli.nn.gradcheck.probe import Probe
from deepnet_cli.nn.gradcheck.rounding import noise
from deepnet_cli.nn.gradcheck.scene import Diagnosis, Scene, same
from deepnet_cli.nn.gradcheck.trace import Node, Point, Trace, trace
from deepnet_cli.nn.gradcheck.walk import DIRECTIONS, Verdict, gaussian, judge, unit, walk

Rng = Callable[[str], np.random.Generator]
"""A generator for each purpose."""

FEW = 8
"""Examples that are enough for single entries, laws about examples, and the precision."""

LARGEST = 1e150
"""The size of J up to which squares of its derivatives are finite."""


@dataclass(frozen=True)
class Culprit:
    """The first wrong node: where in it, and why."""

    verdict: Verdict
    entry: Entry
    diagnosis: Diagnosis


@dataclass(frozen=True)
class Report:
    """What the check says."""

    method: str
    verdicts: list[Verdict]
    culprit: Culprit | None = None
    evaluation: list[Verdict] = field(default_factory=list)  # where it is another network
    crosscheck: CrossCheck | None = None
    invariances: list[Invariance] = field(default_factory=list)
    float32_digits: dict[str, float] = field(default_factory=dict)
    undetermined: str = ""  # why nothing could be decided

    @property
    def wrong(self) -> bool:
        """Whether any witness says no."""
        verdicts = [*self.verdicts, *self.evaluation]
        return (
            any(verdict.status in ("wrong", "tainted") for verdict in verdicts)
            or bool(self.crosscheck and self.crosscheck.disagrees)
            or not all(law.ok for law in self.invariances)
        )

    @property
    def inconclusive(self) -> bool:
        """Whether the check could not decide: J is no function, or nothing rose above rounding."""
        trained = [verdict for verdict in self.verdicts if verdict.node.parameter]
        return bool(self.undetermined) or all(v.status == "void" for v in trained)


def check(point: Point, rng: Rng, *, exhaustive: bool = False) -> Report:
    """Check everything at a point; `exhaustive` takes every entry of each node by itself."""
    few = point.take(np.arange(min(point.m, FEW)))
    sample, fresh = trace(few, few.earlier), trace(few)
    if reason := changed(sample, fresh):
        return Report("none", [], undetermined=reason)
    stale = unsteady(sample, fresh)
    begun = trace(point, point.earlier if stale else None)
    predicting = _predicting(point)
    reason = _unbounded(begun, "J")
    if predicting is not None:
        reason = reason or _unbounded(predicting, "J of the network as it predicts")
    if reason:
        return Report("none", [], undetermined=reason)
    probe, levels = Probe(begun), noise(begun, rng("rounding")) | stale
    directions = unit if exhaustive else gaussian(rng("directions"))
    verdicts = walk(probe, levels, directions) + judge_penalties(begun, directions)
    culprit = find_culprit(probe, verdicts, rng("culprit"))
    level = float(np.linalg.norm([levels[name] for name in point.objective.network.layout.names]))
    return Report(
        probe.method,
        verdicts,
        culprit,
        walk(Probe(predicting), noise(predicting, rng("rounding")), directions)
        if predicting is not None
        else [],
        crosscheck(sample, rng("entries")),
        [] if culprit else invariances(sample, rng("examples"), level),
        float32_digits(few),
    )


def check_whole(point: Point, rng: Rng) -> Report:
    """Check the gradient as one vector: by a few passes, however many parameters there are, whether
    it is right, but not where it is wrong.
    """
    begun, layout = trace(point), point.objective.network.layout
    if reason := _unbounded(begun, "J"):
        return Report("none", [], undetermined=reason)
    probe, directions, of = Probe(begun), gaussian(rng("directions")), layout.trained
    theta = Node("theta", 0, 0, None, True, point.theta[of], begun.gradient[of])
    vs = directions(theta)
    slopes = [probe.slope_of_all(v) for v in vs]
    verdict = judge(theta, vs, slopes, 0.0)
    if verdict.status != "ok":  # what rounding does takes as many passes again
        levels = noise(begun, rng("rounding"))
        level = float(np.linalg.norm([levels[name] for name in layout.names]))
        verdict = judge(theta, vs, slopes, level)
    return Report(probe.method, [verdict, *judge_penalties(begun, directions)])


def explained(point: Point, rng: Rng) -> tuple[Trace, list[Verdict]]:
    """Every value and derivative at a point, and the verdict on each derivative."""
    begun = trace(point)
    return begun, walk(Probe(begun), noise(begun, rng("rounding")), gaussian(rng("directions")))


def blame(point: Point, rng: Rng) -> Culprit | None:
    """The first wrong node at a point and the reason, without the other witnesses."""
    begun, directions = trace(point, point.earlier), gaussian(rng("directions"))
    levels = noise(begun, rng("rounding")) | unsteady(begun, trace(point))
    verdicts = walk(Probe(begun), levels, directions) + judge_penalties(begun, directions)
    return find_culprit(Probe(begun), verdicts, rng("culprit"))


def find_culprit(probe: Probe, verdicts: list[Verdict], rng: np.random.Generator) -> Culprit | None:
    """The first wrong node, its worst entry and the reason; None where nothing is wrong."""
    first = next((v for v in verdicts if v.status == "wrong"), None)
    if first is None:
        return None
    node = first.node
    if node.name.startswith("penalty"):
        return Culprit(first, *diagnose_penalty(probe.trace, node))
    at = worst_entry(probe, node, rng)
    vs = gaussian(rng, 2 * DIRECTIONS)(node)
    fresh = trace(probe.trace.point)  # in buffers that nothing went through before
    again = next(other.gradient for other in fresh.nodes if other.name == node.name)
    scene = Scene(probe, node, again, at, vs, [probe.slope(node, v) for v in vs])
    return Culprit(first, at, diagnose(scene))


def changed(one: Trace, other: Trace) -> str:
    """What J made differently of the same numbers the second time, or nothing."""
    network = one.point.objective.network
    for op, a, b in zip(network.ops, one.values[1:], other.values[1:], strict=True):
        if not same(a, b):
            g = network.layers[op.layer - 1].activation.name
            by = f" of {g}" if op.kind == "activation" else ""
            return f"the output {op.node}{by} differs between two evaluations of the same numbers"
    if not same(np.asarray(one.J), np.asarray(other.J)):
        return "J differs between two evaluations of the same numbers"
    return ""


def unsteady(one: Trace, other: Trace) -> dict[str, float]:
    """No rounding excuses a derivative that differs between two passes of the same numbers."""
    pairs = zip(one.nodes, other.nodes, strict=True)
    return {a.name: 0.0 for a, b in pairs if not same(a.gradient, b.gradient)}


def _predicting(point: Point) -> Trace | None:
    """The trace of the network as it predicts, where that is another chain of steps."""
    if point.objective.network.evaluation.ops == point.objective.network.ops:
        return None
    return trace(point.evaluation)


def _unbounded(begun: Trace, told: str) -> str:
    """Why nothing can be measured; empty where J is of a size that can be."""
    if abs(begun.J) < LARGEST:
        return ""
    return f"{told} is {begun.J:.3g} at these parameters: it has no derivative"
