"""The examples that cost most: as pictures, or by what is unusual about them."""

from collections.abc import Iterator, Sequence

import numpy as np

from deepnet_cli.data.reading.tables import Table
from deepnet_cli.nn.types import Array
from deepnet_cli.report.page.facts import Facts, Held
from deepnet_cli.report.page.html import Node, tag
from deepnet_cli.report.page.pixels import picture_shape, pixels
from deepnet_cli.report.page.png import data_uri
from deepnet_cli.report.page.scores import examined
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import figure, grid
from deepnet_cli.training.results.outcomes import Outcomes

SHOWN = 12
UNUSUAL = 3
"""Columns that are named of an example."""

TYPICAL = 2000
"""Examples that say what is usual in a column."""

MOST_LABELS = 4


def hardest(runs: Sequence[Facts]) -> Section | None:
    """Those with the largest cost, largest first."""
    (facts,) = runs
    if facts.held is None:
        return None
    said = facts.held.outcomes
    costs = np.nan_to_num(said.costs, nan=np.inf)
    worst = costs.argsort(kind="stable")[::-1][:SHOWN]
    rows = np.asarray(said.table.take(np.sort(worst)).loaded().rows)
    rows = rows[np.argsort(np.argsort(worst))]  # in the order of `worst` again
    told = f"Of {examined(facts.held)}, those that add most to the cost. Rows are counted from 0."
    shape = picture_shape(said.table, rows)
    if shape is None:
        return Section("Hardest examples", [tag("p", told), _unusual(facts.held, worst, rows)])
    pictures = [
        tag(
            "li",
            tag(
                "img",
                src=data_uri(bright),
                alt=_row(said, i),
                width=bright.shape[1],
                height=bright.shape[0],
            ),
            *(tag("span", line) for line in (*_said(said, i), _row(said, i))),
        )
        for i, bright in zip(worst.tolist(), pixels(rows, shape), strict=True)
    ]
    return Section("Hardest examples", [tag("p", told), tag("ol", *pictures, class_="examples")])


def _row(said: Outcomes, i: int) -> str:
    """Where an example stands; of several files, in which."""
    origin, number = said.table.origin(i)
    where = f" of {origin.x_at}" if said.table.origins else ""
    return f"row {number:,}{where}"


def _said(said: Outcomes, i: int) -> Iterator[str]:
    """What is true of an example, and what the network says."""
    if said.form == "classes":
        true, decided = int(said.true[i]), int(said.decided[i])
        yield f"true {said.names[true]}"
        yield f"decided {said.names[decided]}{_probability(said, i, decided)}"
    elif said.form == "labels":
        yield f"true {_labels(said, said.true[:, i])}"
        yield f"decided {_labels(said, said.decided[:, i])}"
    else:
        numbers = said.Y[:1] if said.form == "quantiles" else said.Y
        yield f"true {_numbers(numbers[:, i])}"
        yield f"predicted {_numbers(said.A[:, i])}"


def _probability(said: Outcomes, i: int, decided: int) -> str:
    if not said.probable:
        return ""
    A = said.A[:, i]
    p = A[decided] if len(A) > 1 else A[0] if decided else 1 - A[0]
    return f" ({float(p):.3f})"


def _labels(said: Outcomes, flags: Array) -> str:
    named = [said.names[k] for k in np.flatnonzero(flags)]
    more = len(named) - MOST_LABELS
    return ", ".join(named[:MOST_LABELS]) + (f" and {more} more" if more > 0 else "") or "none"


def _numbers(values: Array) -> str:
    shown = ", ".join(figure(float(v)) for v in values[:MOST_LABELS])
    return shown + (", ..." if len(values) > MOST_LABELS else "")


def _unusual(held: Held, worst: Array, rows: Array) -> Node:
    """A table of them, with the columns of x that lie farthest from what is usual."""
    table = held.outcomes.table
    some = table.take(
        np.unique(np.linspace(0, table.m - 1, min(table.m, TYPICAL)).astype(np.int64))
    )
    away = _away(table, np.asarray(some.loaded().rows).astype(np.float64), rows)
    cells = [
        [
            _row(held.outcomes, i),
            *(line.partition(" ")[2] for line in _said(held.outcomes, i)),
            float(held.outcomes.costs[i]),
            "; ".join(
                f"{table.column(j)} = {_value(table, j, float(row[j]), float(z[j]))}"
                for j in np.abs(z).argsort(kind="stable")[::-1][:UNUSUAL].tolist()
            ),
        ]
        for i, row, z in zip(worst.tolist(), rows, away, strict=True)
    ]
    said = "decided" if held.outcomes.form in ("classes", "labels") else "predicted"
    head = ["", "true", said, "cost", "most unusual features"]
    return grid(head, cells, "Hardest examples")


def _away(table: Table, usual: Array, rows: Array) -> Array:
    """How many deviations values (k, n) lie from what is usual; of a category those of the 1 that
    stands for it: sqrt((1 - p) / p), where a share p has it.
    """
    with np.errstate(all="ignore"):
        mean, deviation = np.nanmean(usual, axis=0), np.nanstd(usual, axis=0)
        away: Array = (rows.astype(np.float64) - mean) / np.where(deviation > 0, deviation, np.inf)
    for j in table.categories:
        same = usual[:, j] == rows[:, j, np.newaxis]
        p = np.maximum(same.mean(axis=1), 1 / len(usual))
        away[:, j] = np.sqrt((1 - p) / p)
    away[~np.isfinite(away)] = 0
    return away


def _value(table: Table, j: int, value: float, away: float) -> str:
    """What stands in a column, a category by its name, and how unusual that is."""
    if j not in table.categories:
        return f"{figure(value)} ({away:+.1f} sd)"
    names = table.categories[j]
    known = value.is_integer() and 0 <= value < len(names)
    percent = float(f"{100 / (1 + away**2):.2g}")
    return f"{names[int(value)] if known else figure(value)} ({percent:g} % have it)"
