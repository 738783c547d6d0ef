"""The penalties' part of dW[l], checked apart from the data's.

A small lambda would be lost beside the gradient of the data.  So what J's gradient has
more than that of the data alone is held against the complex step of the penalty alone.
"""

from dataclasses import replace
from string import ascii_letters

import numpy as np

from deepnet_cli.nn.gradcheck.bisection import Entry
from deepnet_cli.nn.gradcheck.probe import H
from deepnet_cli.nn.gradcheck.rounding import EPS
from deepnet_cli.nn.gradcheck.scene import CLOSE, Diagnosis
from deepnet_cli.nn.gradcheck.trace import Node, Trace
from deepnet_cli.nn.gradcheck.walk import Directions, Verdict, judge
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import PENALTIES, Penalty
from deepnet_cli.nn.types import Array


def judge_penalties(trace: Trace, directions: Directions) -> list[Verdict]:
    """A verdict for the penalty of each W[l]; for that of any other block where it has one."""
    objective, layout = trace.point.objective, trace.point.objective.network.layout
    if trace.total is trace.gradient:
        return []
    total, data = layout.views(trace.total), layout.views(trace.gradient)
    verdicts = []
    for name in layout.names:
        block, layer = layout.blocks[name], int(name.lstrip(ascii_letters))
        penalties = _of(objective, layer) if block.kind == "weight" else []
        extra = total[name] - data[name]
        node = Node(f"penalty {name}", layer, 0, None, True, trace.p[name], extra)
        vs = directions(node)
        slopes = [_slope(penalties, node.value, v) for v in vs]
        level = EPS * float(np.linalg.norm(data[name]) + np.linalg.norm(extra))
        verdict = judge(node, vs, slopes, level)
        # below the rounding of the data's gradient it changes no bit, and is then right
        verdict = replace(verdict, status="ok") if verdict.status == "void" else verdict
        if penalties or verdict.status == "wrong":
            verdicts.append(verdict)
    return verdicts


def diagnose_penalty(trace: Trace, node: Node) -> tuple[Entry, Diagnosis]:
    """The largest entry of a wrong one; how much of each penalty it has, and should have."""
    objective = trace.point.objective
    place = int(np.argmax(np.abs(node.gradient)))
    e = np.zeros(node.value.size)
    e[place] = 1
    index = tuple(int(i) for i in np.unravel_index(place, node.value.shape))
    is_weight = node.name.startswith("penalty W")
    penalties = _of(objective, node.layer) if is_weight else []
    at = Entry(
        index,
        float(node.gradient[index]),
        _slope(penalties, node.value, e.reshape(node.value.shape)),
    )
    if not penalties:
        why = f"that of W[{node.layer}] is 0" if is_weight else "it is of W alone"
        return at, Diagnosis("penalized", f"{node.title}: {why}, and J has none here")
    return at, _fitted(penalties, node)


def _fitted(penalties: list[Penalty], node: Node) -> Diagnosis:
    W, where = node.value, f"dW[{node.layer}]"
    terms = {p.name: PENALTIES[p.name](1.0).gradient(W).reshape(-1) for p in penalties}
    basis = np.stack(list(terms.values()), axis=1)
    found = np.linalg.lstsq(basis, node.gradient.reshape(-1), rcond=None)[0]
    left = node.gradient.reshape(-1) - basis @ found
    if np.linalg.norm(left) > CLOSE * np.linalg.norm(node.gradient):
        return Diagnosis("penalty", f"the penalty in {where} is none that the config asks for")
    for penalty, has in zip(penalties, found, strict=True):
        v = terms[penalty.name].reshape(W.shape)
        should = _slope([penalty], W, v) / float(np.vdot(v, v))
        if abs(has - should) <= CLOSE * abs(should):
            continue
        name, values = penalty.name, f"lambda/m = {should:.6g}"
        if abs(has) <= CLOSE * abs(should):
            return Diagnosis(name, f"the {name} term is missing in {where}: {values}")
        return Diagnosis(
            name,
            f"the {name} term in {where} is {has / should:.6g} times what it should be: "
            f"fitted lambda/m = {has:.6g}, in J {should:.6g}",
        )
    return Diagnosis("penalty", f"the penalty in {where} is off")


def _of(objective: Objective, layer: int) -> list[Penalty]:
    return [penalty for penalty in objective.penalties if penalty.is_of(layer)]


def _slope(penalties: list[Penalty], W: Array, v: Array) -> float:
    """What they say of one W alone, along v."""
    moved = (W + 1j * H * v).reshape(-1)
    return float(sum(p.value(moved).imag for p in penalties) / H)
