"""Figures of merit for a reader."""

from collections.abc import Sequence

from deepnet_cli.errors import shortened
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.nn.types import Array
from deepnet_cli.report.table import table

WIDEST_NAME = 16
LONGEST_NAME = 30
COLUMNS = 80
MOST_CLASSES = 12


def figures_text(parts: dict[str, Figures]) -> str:
    """A row a part, a column a figure; or the other way round, where that would be too wide.

    What a part lacks, such as the auc of one class, is left open.
    """
    names = list(dict.fromkeys(name for figures in parts.values() for name in figures))
    rows = [[part, *(figures.get(name, "") for name in names)] for part, figures in parts.items()]
    text = table(["", *names], rows)
    if fits(text):
        return text
    turned = [[name, *(part.get(name, "") for part in parts.values())] for name in names]
    return table(["", *parts], turned)


def fits(text: str) -> bool:
    """Whether no line is wider than a screen."""
    return max(map(len, text.splitlines())) <= COLUMNS


def confusion_text(C: Array, names: Sequence[str]) -> str:
    """The confusion matrix (K, K): a row a true class, a column a decision.  Where there is no room
    for it, the most frequent confusions.
    """
    short = [shortened(name, WIDEST_NAME) for name in names]
    heads = [f"({k})" for k in range(1, len(names) + 1)]
    numbered = [f"{k} {name}" for k, name in zip(heads, short, strict=True)]
    for above, beside in ((short, short), (heads, numbered)) if len(names) <= MOST_CLASSES else ():
        rows = [[name, *row.tolist()] for name, row in zip(beside, C, strict=True)]
        if fits(text := table(["true \\ decided", *above], rows)):
            return text
    wrong = sorted(
        ((C[i, j].item(), i, j) for i in range(len(C)) for j in range(len(C)) if i != j),
        reverse=True,
    )
    worst = [
        [shortened(names[i], LONGEST_NAME), shortened(names[j], LONGEST_NAME), count]
        for count, i, j in wrong[:MOST_CLASSES]
        if count
    ]
    return table(["true", "taken for", "examples"], worst) if worst else "no confusion"
