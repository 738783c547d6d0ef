"""The whole check of one point: the walk, the diagnosis, and every other witness."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from deepnet_cli.nn.gradcheck.bisection import Entry, worst_entry
from deepnet_cli.nn.gradcheck.crosscheck import CrossCheck, crosscheck
from deepnet_cli.nn.gradcheck.diagnosis import diagnose
from deepnet_cli.nn.gradcheck.invariances import Invariance, gradient, invariances
from deepnet_cli.nn.gradcheck.penalty import diagnose_penalty, judge_penalties
from deepnet_cli.nn.gradcheck.precision import float32_digits
from deepnet_cli.nn.gradcheck.probe import Probe
from deepnet_cli.nn.gradcheck.rounding import noise
from deepnet_cli.nn.gradcheck.scene import Diagnosis, Scene
from deepnet_cli.nn.gradcheck.trace import Point, Trace, trace
from deepnet_cli.nn.gradcheck.walk import DIRECTIONS, Directions, Verdict, gaussian, unit, walk

Rng = Callable[[str], np.random.Generator]
"""A generator for each purpose."""


FEW = 8
"""Examples that are enough for single entries, laws about examples, and the precision."""


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
    sample, again = trace(few), gradient(few)
    if not np.array_equal(sample.total.view(np.int64), again.view(np.int64)):
        return Report("none", [], undetermined=changed(sample, trace(few)))
    begun = trace(point)
    probe, levels = Probe(begun), noise(begun, rng("rounding"))
    directions = unit if exhaustive else gaussian(rng("directions"))
    verdicts = walk(probe, levels, directions) + judge_penalties(begun, directions)
    culprit = find_culprit(probe, verdicts, rng("culprit"))
    level = float(np.linalg.norm([levels[name] for name in point.objective.network.layout.names]))
    return Report(
        probe.method,
        verdicts,
        culprit,
        _evaluation(point, rng, directions),
        crosscheck(sample, rng("entries")),
        [] if culprit else invariances(few, rng("examples"), level),
        float32_digits(few),
    )


def explained(point: Point, rng: Rng) -> tuple[Trace, list[Verdict]]:
    """Every value and derivative at a point, and the verdict on each derivative."""
    begun = trace(point)
    return begun, walk(Probe(begun), noise(begun, rng("rounding")), gaussian(rng("directions")))


def blame(point: Point, rng: Rng) -> Culprit | None:
    """The first wrong node at a point and the reason, without the other witnesses."""
    begun, directions = trace(point), gaussian(rng("directions"))
    probe = Probe(begun)
    verdicts = walk(probe, noise(begun, rng("rounding")), directions)
    return find_culprit(probe, verdicts + judge_penalties(begun, directions), rng("culprit"))


def find_culprit(probe: Probe, verdicts: list[Verdict], rng: np.random.Generator) -> Culprit | None:
    """The first wrong node, its worst entry and the reason; None where nothing is wrong."""
    first = next((v for v in verdicts if v.status == "wrong"), None)
    if first is None:
        return None
    node = first.node
    if node.name.startswith("penalty"):
        g = node.gradient.reshape(-1)
        place = int(np.argmax(np.abs(g)))
        index = tuple(int(i) for i in np.unravel_index(place, node.value.shape))
        at = Entry(index, float(g[place]), float("nan"))
        return Culprit(first, at, diagnose_penalty(probe.trace, node))
    at = worst_entry(probe, node, rng)
    vs = gaussian(rng, 2 * DIRECTIONS)(node)
    scene = Scene(probe, node, at, vs, [probe.slope(node, v) for v in vs])
    return Culprit(first, at, diagnose(scene))


def changed(one: Trace, other: Trace) -> str:
    """What differs first between two evaluations of the same numbers."""
    ops = one.point.objective.network.ops
    pairs = [(f"the output {op.node}", op) for op in ops]
    for (told, op), a, b in zip(pairs, one.values[1:], other.values[1:], strict=True):
        if not np.array_equal(a, b, equal_nan=True):
            layer = one.point.objective.network.layers[op.layer - 1]
            by = f" of {layer.activation.name}" if op.kind == "activation" else ""
            return f"{told}{by} differs between two evaluations of the same numbers"
    for k in reversed(range(len(ops))):
        if not np.array_equal(one.upstream[k], other.upstream[k], equal_nan=True):
            return f"d{ops[k].node} differs between two backward passes of the same numbers"
    return "the gradient differs between two evaluations of the same numbers"


def _evaluation(point: Point, rng: Rng, directions: Directions) -> list[Verdict]:
    """The walk through the network as it predicts, where that is another chain of steps."""
    if point.objective.network.evaluation.ops == point.objective.network.ops:
        return []
    begun = trace(point.evaluation)
    return walk(Probe(begun), noise(begun, rng("rounding")), directions)
