"""One iteration for a reader, 80 columns, and for a program."""

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import fill

from deepnet_cli.nn.gradcheck.trace import Trace
from deepnet_cli.nn.gradcheck.walk import Verdict
from deepnet_cli.nn.types import Array
from deepnet_cli.report.equations import Equation, backward, forward, symbol

COLUMNS = 6
"""Of a matrix, at most; each is 11 wide."""


@dataclass(frozen=True)
class Iteration:
    """What one update was made of; parameters (P,) before and after it."""

    name: str
    iteration: int
    epoch: int
    trace: Trace
    verdicts: list[Verdict]
    data_cost: float
    penalty: float
    rule: str  # its formula
    rate: float | None  # where the rule takes one
    augmented: tuple[str, ...]  # what was done to the examples
    clipped: tuple[str, ...]  # what held the gradient to its limit
    after: Array


def explain_text(it: Iteration, rows: int, tick: Callable[[Verdict], str]) -> str:
    """Every equation of the iteration, with the corner of each array."""
    trace, m = it.trace, it.trace.point.m
    lines = [
        f"{it.name}: iteration {it.iteration} (epoch {it.epoch}), m = {m} examples, float64",
        "dA and dZ are of one example's cost, as the course has them; 1/m is in dW and db",
    ]
    if it.augmented:
        lines.append(f"X is the batch as training has it, after {', '.join(it.augmented)}")
    layer = 0
    for equation in forward(trace):
        if equation.layer != layer:
            layer = equation.layer
            lines += ["", f"---- layer {layer}, forward ".ljust(80, "-")]
        lines += _equation(equation, rows, "")
    lines += ["", *_cost(it), "", "---- backward ".ljust(80, "-")]
    layer = 0
    for equation in backward(trace, it.verdicts):
        mark = tick(equation.verdict) if equation.verdict else ""
        lines += _equation(equation, rows, mark)
    first = symbol(trace, trace.point.objective.network.first)
    lines += ["", f"  d{first} is never computed", *_update(it, rows)]
    return "\n".join(lines)


def explain_json(it: Iteration, rows: int) -> dict[str, object]:
    """The same as one JSON object; corners as lists."""
    trace = it.trace
    return {
        "name": it.name,
        "iteration": it.iteration,
        "epoch": it.epoch,
        "examples": trace.point.m,
        "augmented": list(it.augmented),
        "dtype": "float64",
        "forward": [_told(equation, rows) for equation in forward(trace)],
        "cost": it.data_cost + it.penalty,
        "penalty": it.penalty,
        "backward": [_told(equation, rows) for equation in backward(trace, it.verdicts)],
        "update": {"rule": it.rule, "learning_rate": it.rate, "clipped": list(it.clipped)},
        "ok": all(verdict.status in ("ok", "void") for verdict in it.verdicts),
    }


def _told(equation: Equation, rows: int) -> dict[str, object]:
    verdict = equation.verdict
    told: dict[str, object] = {
        "symbol": equation.symbol,
        "formula": equation.formula,
        "shape": list(equation.value.shape),
        "corner": equation.value[:rows, :COLUMNS].tolist(),
    }
    if verdict is not None:
        told |= {"status": verdict.status, "digits": round(verdict.digits, 1)}
    return told


def _equation(equation: Equation, rows: int, mark: str) -> list[str]:
    lines = [""]
    for name, value in equation.inputs:
        lines += [f"  {name}  {value.shape}", *_corner(value, rows), ""]
    head = f"  {equation.symbol} = {equation.formula}"
    room = 80 - len(mark) - 2
    lines += fill(head, room, subsequent_indent="      ").split("\n")
    if mark:
        lines[-1] = f"{lines[-1]:<{room}}  {mark}"
    shape = f"{equation.value.shape}"
    lines.append(f"    {shape} = {equation.shapes}" if equation.shapes else f"    {shape}")
    return [*lines, *_corner(equation.value, rows)]


def _corner(value: Array, rows: int) -> list[str]:
    """The first rows and columns; a column is written as a row."""
    if value.shape[1] == 1:
        return [f"    [{_row(value[:COLUMNS, 0], value.shape[0])} ]^T"]
    lines = [f"    [{_row(row[:COLUMNS], value.shape[1])} ]" for row in value[:rows]]
    return [*lines, "     ..."] if len(value) > rows else lines


def _row(values: Array, of: int) -> str:
    cells = "".join(f"{value + 0.0:11.4g}" for value in values)  # no -0
    return cells + (" ..." if of > len(values) else "")


def _cost(it: Iteration) -> list[str]:
    loss = it.trace.point.objective.network.loss
    K = loss.outputs(it.trace.point.Y)
    over = f"m = {it.trace.point.m} examples" + (f" and K = {K} outputs" if K > 1 else "")
    formula = loss.formula or loss.name
    mean = "mean" if it.trace.point.weights is None else "weighted mean"
    told = f"  J = {mean} over the {over} of {formula} = {it.data_cost:.8g}"
    lines = fill(told, 80, subsequent_indent="      ").split("\n")
    if it.penalty:
        total = it.data_cost + it.penalty
        lines.append(f"      + penalty of the weights {it.penalty:.6g} = {total:.8g}")
    return lines


def _update(it: Iteration, rows: int) -> list[str]:
    network = it.trace.point.objective.network
    layout = network.layout
    lines = ["", "---- update ".ljust(80, "-"), ""]
    rate = "" if it.rate is None else f",  rate = {it.rate:g}"
    lines += fill(f"  {it.rule}{rate}", 80, subsequent_indent="    ").split("\n")
    if it.penalty:
        lines.append("  g = dW + the penalty's derivative for W, db for b")
    if it.clipped:
        lines.append(f"  g is held to its limit by {' and '.join(it.clipped)}")
    for l, layer in enumerate(network.layers, start=1):
        if layer.rate_factor != 1:
            rate = f"the rate is {layer.rate_factor:g} times that"
            lines.append(f"  layer {l} is frozen" if layer.frozen else f"  in layer {l} {rate}")
    if it.trace.point.objective.network.holds:
        lines.append("  each row of a W is then held to its layer's max_norm")
    after = layout.views(it.after)
    for name in layout.names:
        shown = name.rstrip("0123456789")
        lines += [f"  {shown}[{name[len(shown) :]}] after", *_corner(after[name], min(rows, 2))]
    return lines
