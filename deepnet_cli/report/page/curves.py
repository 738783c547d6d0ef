"""The history as charts: each figure of training with that of validation, of one run or several."""

from collections.abc import Sequence
from math import nan

import numpy as np

from deepnet_cli.nn.metrics import EVERY, SMALLER_IS_BETTER
from deepnet_cli.nn.types import Array
from deepnet_cli.report.page.chart import Chart, Series
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import tag
from deepnet_cli.report.page.section import Section

VALIDATION = "val_"
PARTS = ("training", "validation")
NOT_DRAWN = ("iteration", "epoch")


def curves(runs: Sequence[Facts]) -> Section | None:
    """A chart for each figure of the history, the cost above all."""
    names = dict.fromkeys(
        name.removeprefix(VALIDATION)
        for facts in runs
        for name in _columns(facts)
        if name not in NOT_DRAWN
    )
    charts = [chart for name in names if (chart := _chart(name, runs)) is not None]
    if not charts:
        return None
    return Section("Training", [tag("div", *(each.drawn() for each in charts), class_="charts")])


def _columns(facts: Facts) -> list[str]:
    """The names of the history's figures; rows from before a fork may lack some."""
    rows = facts.run.history.rows
    return list(dict.fromkeys([*rows[0], *rows[-1]])) if rows else []


def _chart(name: str, runs: Sequence[Facts]) -> Chart | None:
    """Of one run a curve for training and one for validation; of several a color a run.

    A learning rate that stays as it is needs none.
    """
    found = [
        (k, held, y)
        for k, facts in enumerate(runs)
        for held, column in enumerate((name, VALIDATION + name))
        if np.isfinite(y := _values(facts, column)).any()
    ]
    both = len({held for _, held, _ in found}) == 2
    series = list[Series]()
    for k, held, y in found:
        words = [runs[k].label] if len(runs) > 1 else []
        words += [PARTS[held]] if both or not words else []
        x = np.array([row["iteration"] for row in runs[k].run.history.rows])
        color = k if len(runs) > 1 else held
        series.append(Series(", ".join(words), x, y, color, bool(held)))
    stays = len({value for each in series for value in each.y.tolist()}) == 1
    if not series or (name == "learning_rate" and stays):
        return None
    marked = _best(runs[0]) if len(runs) == 1 else []
    decades = name not in EVERY or name in SMALLER_IS_BETTER
    return Chart(name, name.replace("_", " "), "iteration", series, marked, decades)


def _values(facts: Facts, name: str) -> Array:
    return np.array([row.get(name, nan) for row in facts.run.history.rows])


def _best(facts: Facts) -> list[tuple[float, str]]:
    """Where the parameters that are kept were found."""
    best = facts.run.summary.get("best")
    iteration = best.get("iteration") if isinstance(best, dict) else None
    if not isinstance(iteration, int):
        return []
    return [(iteration, f"iteration {iteration:,}: the parameters that are kept")]
