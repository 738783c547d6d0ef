"""Predicted against true numbers, as points."""

from collections.abc import Sequence

from deepnet_cli.report.page.chart import Dots
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import tag
from deepnet_cli.report.page.scores import examined
from deepnet_cli.report.page.section import Section

MOST_OUTPUTS = 6


def predicted(runs: Sequence[Facts]) -> Section | None:
    """A picture for each output that is a number."""
    (facts,) = runs
    if facts.held is None or facts.held.outcomes.form != "numbers":
        return None
    said = facts.held.outcomes
    names = said.names if len(said.names) > 1 else ("",)
    dots = [
        Dots(f"{name} predicted against true".strip(), said.Y[k], said.A[k])
        for k, name in enumerate(names[:MOST_OUTPUTS])
    ]
    told = f"On {examined(facts.held)}; on the line both are equal."
    return Section(
        "Predicted and true",
        [tag("p", told), tag("div", *(each.drawn() for each in dots), class_="charts")],
    )
