"""What was taken for what."""

from collections.abc import Sequence

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import Element, tag
from deepnet_cli.report.page.scores import examined
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import figure, grid, scrolling

MOST = 20
"""Classes of which a matrix is shown; of more the most frequent confusions."""

SHADES = 10

WIDEST = 4
"""Letters of a class's name that stand above a column; else its number does."""


def confusion(runs: Sequence[Facts]) -> Section | None:
    """The confusion matrix, shaded by the share of each true class."""
    (facts,) = runs
    if facts.held is None or facts.held.found.confusion is None:
        return None
    C, names = facts.held.found.confusion, facts.held.found.names
    on = f"On {examined(facts.held)}: a row a true class, a column a decision."
    if len(names) > MOST:
        return Section("Confusions", [_worst(C, names)])
    return Section("Confusions", [tag("p", on), _matrix(C, names)])


def _matrix(C: Array, names: Sequence[str]) -> Element:
    short = max(map(len, names)) <= WIDEST
    heads = names if short else [f"({k})" for k in range(1, len(names) + 1)]
    sides = names if short else [f"({k}) {name}" for k, name in enumerate(names, 1)]
    corner = tag("th", "true \\ decided", scope="col")
    rows = [
        tag(
            "tr",
            tag("th", side, scope="row", title=side),
            *(_entry(C[i], i, j) for j in range(len(names))),
        )
        for i, side in enumerate(sides)
    ]
    head = tag("tr", corner, *(tag("th", name, scope="col") for name in heads))
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="matrix")
    return scrolling(table, "Confusion matrix")


def _entry(row: Array, i: int, j: int) -> Element:
    """A count, blue on the diagonal and red beside it, the darker the more of its row."""
    if not row[j]:
        return tag("td", "·", class_="none", aria_label="0")
    shade = int(np.ceil(SHADES * row[j] / row.sum()))
    count = f"{row[j]:.4g}" if row[j] < 1000 else figure(int(row[j]))  # weights need not be whole
    return tag("td", count, class_=f"{'heat' if i == j else 'wrong'}{shade}")


def _worst(C: Array, names: Sequence[str]) -> Element:
    off = C - np.diag(np.diag(C))
    order = off.ravel().argsort(kind="stable")[::-1][:MOST]
    pairs = [divmod(int(k), len(names)) for k in order if off.ravel()[k] > 0]
    rows = [[names[i], names[j], off[i, j].item()] for i, j in pairs]
    return grid(
        ["true", "taken for", "examples"], rows, f"The most frequent of {len(names)} classes"
    )
