"""How well a model does on what was held out, beside its intervals and baselines."""

from collections.abc import Iterator, Sequence

from deepnet_cli.nn.metrics import HEADLINE, Figures
from deepnet_cli.report.assessment import (
    calibration_rows,
    classes_rows,
    figures_rows,
    notes,
    outputs_rows,
)
from deepnet_cli.report.page.facts import Facts, Held
from deepnet_cli.report.page.html import Node, tag
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import figure, grid

OF_PART = {
    "test": "which were used neither to train nor to choose",
    "validation": "by which parameters may have been chosen: they flatter a little",
    "train": "which it was trained on: they flatter",
}


def scores(runs: Sequence[Facts]) -> Section | None:
    """Figures on held-out rows, and of every part; or why there are none."""
    (facts,) = runs
    parts = facts.run.figures
    tables: list[Node] = [] if facts.held is None else [*_tables(facts.held)]
    tables += [_of_parts(parts)] if parts else []
    if facts.held is None:
        told = tag("p", f"No figures on held-out rows: {facts.why}", class_="alarm")
    else:
        said = facts.held.outcomes
        told = tag("p", f"On {examined(facts.held)}, {OF_PART[said.part]}.")
    return Section("How well it does", [told, tag("div", *tables, class_="tables")])


def examined(held: Held, most: int | None = None) -> str:
    """Which examples, in words; of `most` of them, where they are more."""
    said = held.outcomes
    if most is not None and most < said.m:
        return f"{most:,} of the {said.part} examples"
    sample = "" if said.m == said.of else f", a sample of {said.of:,}"
    return f"the {said.m:,} {said.part} examples{sample}"


def headline(held: Held) -> str:
    """The one figure that is looked at first, with its interval."""
    found, name = held.found, _first(held)
    told = f"{name} {figure(found.figures[name])} on {examined(held)}"
    if not found.intervals:
        return told
    low, high = found.intervals[name]
    return f"{told} (95 % interval {low:.4g} to {high:.4g})"


def beside(held: Held) -> str:
    """That of the baselines; nothing where there are none."""
    name = _first(held)
    others = [
        f"{other} {figure(figures[name])}"
        for other, figures in held.found.baselines.items()
        if name in figures
    ]
    return f"baselines: {', '.join(others)}" if others else ""


def _first(held: Held) -> str:
    name = HEADLINE[held.outcomes.kind]
    return name if name in held.found.figures else "cost"  # it may be undefined


def _tables(held: Held) -> Iterator[Node]:
    found = held.found
    figures = grid(*figures_rows(found), f"Figures on {examined(held)}")
    yield tag("div", figures, tag("p", *_lines(notes(found)), class_="note"))
    if found.confusion is not None:
        yield grid(*classes_rows(found), "Each class")
    elif len(found.names) > 1 and found.each:
        yield grid(*outputs_rows(found), "Each output")
    if found.calibration is not None:
        error = f"expected calibration error {figure(found.calibration.error)}"
        yield grid(*calibration_rows(found.calibration), f"Calibration of the decisions: {error}")


def _of_parts(parts: dict[str, Figures]) -> Node:
    names = list(dict.fromkeys(name for figures in parts.values() for name in figures))
    rows = [[name, *(part.get(name, "") for part in parts.values())] for name in names]
    return grid(["", *parts], rows, "Figures of every part, when training ended")


def _lines(text: str) -> Iterator[Node]:
    for k, line in enumerate(text.splitlines()):
        yield tag("br") if k else None
        yield line
