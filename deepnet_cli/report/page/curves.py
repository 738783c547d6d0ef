"""The history as charts: each figure of training with that of validation, of one run or several."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from deepnet_cli.report.page import chart
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import Element, tag
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.pictures.histories import Look, curve, figures_in
from deepnet_cli.report.pictures.panels import Series


def curves(runs: Sequence[Facts]) -> Section | None:
    """A chart for each figure of the history, the cost above all."""
    if not (charts := [*_charts(runs)]):
        return None
    return Section("Training", [tag("div", *charts, class_="charts")])


def _charts(runs: Sequence[Facts]) -> Iterator[Element]:
    """One with curves that are drawn; a learning rate that stays as it is needs none."""
    named = [(facts.label, facts.run.history) for facts in runs]
    marks = [*_kept(runs[0])] if len(runs) == 1 else []
    for name in dict.fromkeys(name for _, history in named for name in figures_in(history)):
        drawn = curve(name, named, Look())
        stays = len({value for each in drawn.series for value in each.y.tolist()}) == 1
        if drawn.series and not (name == "learning_rate" and stays):
            yield chart.curves(name, replace(drawn, series=(*drawn.series, *marks)))


def _kept(facts: Facts) -> Iterator[Series]:
    """Where the parameters that are kept were found."""
    best = facts.run.summary.get("best")
    iteration = best.get("iteration") if isinstance(best, dict) else None
    if isinstance(iteration, int):
        told = f"iteration {iteration:,}: the parameters that are kept"
        yield Series(told, np.array([float(iteration)]), np.array([np.nan]), "mark")
