"""Predicted against true numbers, as points."""

from collections.abc import Sequence

from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import tag
from deepnet_cli.report.page.scores import examined
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.square import square
from deepnet_cli.report.pictures import numbers


def predicted(runs: Sequence[Facts]) -> Section | None:
    """A picture for each output that is a number."""
    (facts,) = runs
    if facts.held is None or facts.held.outcomes.form != "numbers":
        return None
    charts = [square(each) for each in numbers.predicted(facts.held)]
    told = f"On {examined(facts.held)}; on the line both are equal."
    return Section(
        "Predicted and true",
        [tag("p", told), tag("div", *charts, class_="charts")],
    )
