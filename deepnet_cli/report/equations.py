"""One iteration as the equations of the course, with their numbers.

An equation is a symbol, what it is made of, and the array that came out.  Derivatives by
values are shown as those of one example's cost, m dJ/dZ, as the course has them: the 1/m
is then in dW and db.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from string import digits
from typing import Any

import numpy as np

from deepnet_cli.nn.gradcheck.trace import Trace
from deepnet_cli.nn.gradcheck.walk import Verdict
from deepnet_cli.nn.ops.alpha_dropout import S
from deepnet_cli.nn.types import Array

BY_THE_BOOK = 1e-6
"""dA[L] * g'(Z[L]) divides by A and 1 - A: it keeps fewer digits than A[L] - Y."""


@dataclass(frozen=True)
class Equation:
    """symbol = formula, its shapes, its value; a derivative with what the check says of it."""

    symbol: str
    formula: str
    value: Array
    layer: int
    shapes: str = ""  # "(128, 64) (64, 32) + (128, 1)"
    inputs: tuple[tuple[str, Array], ...] = ()  # arrays that were not shown yet
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Step:
    """One step of the chain with the symbols of its input V and its output U."""

    op: Any
    V: str
    U: str
    m: int

    @property
    def layer(self) -> int:
        return int(self.op.layer)

    @property
    def keep(self) -> str:
        return f"{1 - self.op.rate:g}"

    @property
    def over(self) -> str:
        """What a layer norm takes its means over; a batch norm's are known."""
        return ", over the units" if self.op.kind == "layer norm" else ""


def forward(trace: Trace) -> Iterator[Equation]:
    """Z[1], A[1], ..., A[L], in order."""
    network = trace.point.objective.network
    for k, step in enumerate(_steps(trace)):
        formula, shapes = FORWARD[step.op.kind](step)
        inputs = [("A[0] = X", trace.point.X)] if k == 0 else []
        inputs += [(_indexed(name, step.layer), trace.p[name]) for name in _parameters(step.op)]
        value = trace.values[k + 1]
        yield Equation(step.U, formula, value, step.layer, shapes, tuple(inputs))
    if carried(trace):
        L, link = len(network.layers), network.loss.link
        formula = f"{link.name}({symbol(trace, len(network.ops))}) = {link.formula}"
        yield Equation(f"A[{L}]", formula, link.forward(trace.values[-1]), L)


def backward(trace: Trace, verdicts: list[Verdict]) -> Iterator[Equation]:
    """dA[L], dZ[L], dW[L], db[L], dA[L-1], ..., db[1]."""
    m, steps, first = trace.point.m, list(_steps(trace)), trace.point.objective.network.first
    by_name = {verdict.node.name: verdict for verdict in verdicts}
    yield from _start(trace, by_name[steps[-1].op.node])
    for k in reversed(range(first, len(steps))):
        step = steps[k]
        for name in (name for name in _parameters(step.op) if name in by_name):
            told = PARAMETERS[name.rstrip(digits)](step)
            verdict, shown = by_name[name], f"d{_indexed(name, step.layer)}"
            yield Equation(shown, told, verdict.node.gradient, step.layer, verdict=verdict)
        if k > first:
            verdict, told = by_name[steps[k - 1].op.node], BACKWARD[step.op.kind](step)
            value, layer = m * verdict.node.gradient, steps[k - 1].layer
            yield Equation(f"d{step.V}", told, value, layer, verdict=verdict)


def _start(trace: Trace, last: Verdict) -> Iterator[Equation]:
    """dA[L] from the loss, and dZ[L] where the loss carries g[L] inside."""
    network, point = trace.point.objective.network, trace.point
    loss, L, K = network.loss, len(network.layers), network.loss.outputs(point.Y)
    S, dS = symbol(trace, len(network.ops)), point.m * last.node.gradient
    formula = loss.start_formula + (f", divided by K = {K}" if K > 1 else "")
    formula += ", times w / mean(w)" if point.weights is not None else ""
    given = (("Y", point.Y),)
    if not carried(trace):
        yield Equation(f"d{S}", formula, dS, L, inputs=given, verdict=last)
        return
    A = loss.link.forward(trace.values[-1])
    with np.errstate(all="ignore"):
        dA = loss.start(A, point.Y) * (point.m / K * point.share)
        pulled = loss.link.backward(dA.copy(), A)
    yield Equation(f"dA[{L}]", formula, dA, L, inputs=given, verdict=_agreement(pulled, dS, last))
    short = f" = {loss.by_Z.replace('A', f'A[{L}]')}" if loss.by_Z else ""
    told = f"dA[{L}] * {loss.link.name}'({S}){short}"
    yield Equation(f"d{S}", told, dS, L, verdict=last)


def _agreement(pulled: Array, dS: Array, last: Verdict) -> Verdict:
    """Whether dA[L] * g'(Z[L]), by the book, is the dZ[L] that training uses."""
    scale = float(np.linalg.norm(pulled) + np.linalg.norm(dS))
    error = float(np.linalg.norm(pulled - dS))
    if not error <= BY_THE_BOOK * scale:  # a saturated A: the book divides by 0
        return replace(last, status="void")
    return replace(last, rel_error=error / scale if scale else 0.0)


def _steps(trace: Trace) -> Iterator[Step]:
    for k, op in enumerate(trace.point.objective.network.ops):
        yield Step(op, symbol(trace, k), symbol(trace, k + 1), trace.point.m)


def _parameters(op: Any) -> list[str]:
    return [name for name, block in op.blocks.items() if block.kind != "statistic"]


def _indexed(name: str, l: int) -> str:
    """W1 -> W[1]"""
    return f"{name.rstrip(digits)}[{l}]"


def carried(trace: Trace) -> bool:
    """Whether the loss carries the output activation inside, so that S is Z[L]."""
    network = trace.point.objective.network
    return network.layers[-1].activation is network.loss.link


def symbol(trace: Trace, k: int) -> str:
    """The course's name of the input of step k: A[0], Z[1], A[1], ..."""
    if k == 0:
        return "A[0]"
    op = trace.point.objective.network.ops[k - 1]
    return f"{op.letter}[{op.layer}]"


def _affine(s: Step) -> tuple[str, str]:
    shapes = f"({s.op.units}, {s.op.inputs}) ({s.op.inputs}, {s.m})"
    if not s.op.bias:
        return f"W[{s.layer}] {s.V}", shapes
    return f"W[{s.layer}] {s.V} + b[{s.layer}]", f"{shapes} + ({s.op.units}, 1)"


def _norm(s: Step) -> tuple[str, str]:
    l, epsilon = s.layer, s.op.epsilon
    formula = f"scale[{l}] ({s.V} - mean) / sqrt(variance + {epsilon:g}) + shift[{l}]"
    return formula + s.over, ""


def _norm_back(s: Step) -> str:
    return (
        f"(D - mean(D) - Zhat mean(D Zhat)) / std,  D = d{s.U} scale[{s.layer}], "
        f"Zhat = ({s.V} - mean) / std{s.over}"
    )


def _alpha_dropout(s: Step) -> tuple[str, str]:
    a, shift = s.op.kept, S * s.op.kept * (1 - s.op.rate)
    return f"({s.V} + {S:.4g}) * mask - {shift:.4g}, mask = a or 0, a = {a:.4g}", ""


def _activation(s: Step) -> tuple[str, str]:
    g = s.op.g
    return f"{g.name}({s.V})" + (f" = {g.formula}" if g.formula else ""), ""


def _activation_back(s: Step) -> str:
    g = s.op.g
    return f"d{s.U} * {g.name}'({s.V})" + (f",  {g.name}' = {g.slope}" if g.slope else "")


FORWARD: dict[str, Callable[[Step], tuple[str, str]]] = {
    "affine": _affine,
    "activation": _activation,
    "dropout": lambda s: (f"{s.V} * mask / {s.keep}", ""),
    "alpha dropout": _alpha_dropout,
    "batch norm": _norm,
    "layer norm": _norm,
    "running norm": _norm,
}
"""By the kind of a step: the formula and its shapes."""

BACKWARD: dict[str, Callable[[Step], str]] = {
    "affine": lambda s: f"W[{s.layer}]^T d{s.U}",
    "activation": _activation_back,
    "dropout": lambda s: f"d{s.U} * mask / {s.keep}",
    "alpha dropout": lambda s: f"d{s.U} * mask",
    "batch norm": _norm_back,
    "layer norm": _norm_back,
    "running norm": lambda s: f"d{s.U} scale[{s.layer}] / std",
}
"""The derivative by the input V of a step, from that by its output U."""

PARAMETERS: dict[str, Callable[[Step], str]] = {
    "W": lambda s: f"1/m d{s.U} {s.V}^T",
    "b": lambda s: f"1/m sum of d{s.U} over the examples",
    "scale": lambda s: f"1/m sum of d{s.U} * Zhat over the examples",
    "shift": lambda s: f"1/m sum of d{s.U} over the examples",
    "slope": lambda s: f"1/m sum of d{s.U} * min(0, {s.V}) over the examples",
}
