"""The penalties' part of dW[l], checked apart from the data's.

A small lambda would be lost beside the gradient of the data.  So what J's gradient has
more than that of the data alone is held against the complex step of the penalty alone.
"""

from dataclasses import replace

import numpy as np

from deepnet_cli.nn.gradcheck.probe import H
from deepnet_cli.nn.gradcheck.rounding import EPS
from deepnet_cli.nn.gradcheck.scene import CLOSE, Diagnosis
from deepnet_cli.nn.gradcheck.trace import Node, Trace
from deepnet_cli.nn.gradcheck.walk import Directions, Verdict, judge
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import PENALTIES
from deepnet_cli.nn.types import Array


def judge_penalties(trace: Trace, directions: Directions) -> list[Verdict]:
    """A verdict for the penalty of each W[l]; none where there are no penalties."""
    objective, layout = trace.point.objective, trace.point.objective.network.layout
    if not objective.penalties:
        return []
    total, data = layout.views(trace.total), layout.views(trace.gradient)
    verdicts = []
    for l in range(1, len(objective.network.layers) + 1):
        W = trace.p[f"W{l}"]
        node = Node(f"penalty{l}", l, 0, None, True, W, total[f"W{l}"] - data[f"W{l}"])
        vs = directions(node)
        slopes = [_slope(objective, W, v) for v in vs]
        level = EPS * float(np.linalg.norm(data[f"W{l}"]) + np.linalg.norm(node.gradient))
        verdict = judge(node, vs, slopes, level)
        # below the rounding of the data's gradient it changes no bit, and is then right
        verdicts.append(replace(verdict, status="ok") if verdict.status == "void" else verdict)
    return verdicts


def diagnose_penalty(trace: Trace, node: Node) -> Diagnosis:
    """How much of each penalty a wrong one has, and how much it should have."""
    objective, W, where = trace.point.objective, node.value, f"dW[{node.layer}]"
    terms = {p.name: PENALTIES[p.name](1.0).gradient(W).reshape(-1) for p in objective.penalties}
    basis = np.stack(list(terms.values()), axis=1)
    found = np.linalg.lstsq(basis, node.gradient.reshape(-1), rcond=None)[0]
    left = node.gradient.reshape(-1) - basis @ found
    if np.linalg.norm(left) > CLOSE * np.linalg.norm(node.gradient):
        return Diagnosis("penalty", f"the penalty in {where} is none that the config asks for")
    for penalty, has in zip(objective.penalties, found, strict=True):
        v = terms[penalty.name].reshape(W.shape)
        should = _slope(Objective(objective.network, (penalty,)), W, v) / float(np.vdot(v, v))
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


def _slope(objective: Objective, W: Array, v: Array) -> float:
    """The penalty of one W alone, along v."""
    moved = (W + 1j * H * v).reshape(-1)
    return float(sum(p.value(moved).imag for p in objective.penalties) / H)
