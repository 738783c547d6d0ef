"""How well scores rank the examples of each class or label above the others."""

from collections.abc import Sequence

from deepnet_cli.report.page.chart import COLORS
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import tag
from deepnet_cli.report.page.scores import examined
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.square import square
from deepnet_cli.report.pictures import decisions


def ranked(runs: Sequence[Facts]) -> Section | None:
    """The ROC, and precision over recall; of many classes of those with the smallest areas."""
    (facts,) = runs
    if facts.held is None or decisions.no_ranking(facts.held):
        return None
    told = f"On {examined(facts.held)}, as the threshold falls"
    if (names := len(facts.held.outcomes.names)) > 2:
        some = f"; of {names:,} those with the smallest areas" if names > COLORS else ""
        told = f"{told}: each against the rest{some}"
    makers = (decisions.roc_curves, decisions.precision_recall_curves)
    charts = [square(panel) for make in makers for panel in make(facts.held, COLORS)]
    return Section("Ranking", [tag("p", f"{told}."), tag("div", *charts, class_="charts")])
