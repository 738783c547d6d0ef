"""Panels drawn with characters, 80 columns wide.

The first curve is drawn in Braille, whose letters have 4 x 2 dots each, the others with a mark of
their own; where a terminal has ASCII alone, all of them are.
"""

from collections.abc import Sequence
from textwrap import wrap

import numpy as np

from deepnet_cli.errors import ConfigError
from deepnet_cli.nn.types import Array
from deepnet_cli.report.figures import COLUMNS, confusion_text
from deepnet_cli.report.pictures.panels import Chart, Panel, Series, Tiles

HEIGHT = 16
"""Lines of a chart."""

WHOLE = 1e9
"""Whole numbers below are written with all their digits."""

BLANK = 0x2800
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The letter without dots, and what each dot adds to it (Unicode, Braille Patterns)."""

BRAILLE, PLAIN, RULE, MARKS = "\u2812", "*", ".", "ox+#@%&=$"
NO_BREAK = "\xa0"
HIDING = ("faint", "spans")
"""What is left out: it would cover the rest."""


def panels_text(panels: Sequence[Panel], title: str, *, braille: bool) -> str:
    """One below the other.  Raises ConfigError where there are no characters for one."""
    told = [title]
    for panel in panels:
        if isinstance(panel, Tiles):
            raise ConfigError(f"{panel.title}: are images; write them to a file: -o FILE.png")
        if isinstance(panel, Chart):
            text = chart_text(panel, braille=braille)
        else:
            text = confusion_text(panel.C, panel.names)
        told.append(f"{panel.title}\n{text}")
    return "\n\n".join(told)


def chart_text(chart: Chart, *, braille: bool) -> str:
    """The curves in a frame, and below it whose mark is which."""
    drawn = sorted(
        (series for series in chart.series if series.style not in HIDING),
        key=lambda series: series.style != "rule",  # what lies behind the others is first
    )
    x, y = (_ends([getattr(series, axis) for series in drawn]) for axis in ("x", "y"))
    highest, lowest = _tick(y[1]), _tick(y[0])
    margin = max(len(highest), len(lowest))
    width = COLUMNS - margin - 2
    letters = np.full((HEIGHT, width), " ")
    marks, legend = iter([BRAILLE if braille else PLAIN, *MARKS]), list[str]()
    for series in drawn:
        mark = RULE if series.style == "rule" else next(marks, MARKS[-1])
        rows, columns = DOTS.shape if mark == BRAILLE else (1, 1)
        shape = HEIGHT * rows, width * columns
        i, j = _places(series, chart, x, y, shape)
        if mark == BRAILLE:
            _dot(letters, i, j)
        else:
            letters[i, j] = mark
        legend += [f"{mark} {series.label}"] if series.label else []
    left = [highest, *[""] * (HEIGHT - 2), lowest]
    framed = [
        f"{tick:>{margin}} |{''.join(row)}".rstrip()
        for tick, row in zip(left, letters, strict=True)
    ]
    first, last = _tick(x[0]), _tick(x[1])
    across = f"{chart.x} (logarithmic)" if chart.log_x else chart.x
    below = first + across.center(width - len(first) - len(last)) + last
    indent = " " * (margin + 1)
    axis = f"{chart.y or chart.title} (logarithmic)" if chart.log else chart.y
    told = [f"{indent} {axis}"] if axis else []
    told += [*framed, f"{indent}+{'-' * (width - 1)}", f"{indent} {below}"[:COLUMNS]]
    return "\n".join(told + _filled(legend, indent + " "))


def _tick(value: float) -> str:
    """Iterations whole, other numbers with four digits."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < WHOLE else f"{value:.4g}"


def _filled(legend: Sequence[str], indent: str) -> list[str]:
    """Its lines, in which no entry is broken."""
    whole = "   ".join(entry.replace(" ", NO_BREAK) for entry in legend)
    lines = wrap(whole, COLUMNS, initial_indent=indent, subsequent_indent=indent)
    return [line.replace(NO_BREAK, " ") for line in lines]


def _ends(values: Sequence[Array]) -> tuple[float, float]:
    """From where to where an axis goes."""
    every = np.concatenate([np.zeros(0), *values])
    every = every[np.isfinite(every)]
    if not len(every):
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    apart = 0.0 if low < high else max(abs(low) / 2, 0.5)
    return low - apart, high + apart


def _places(
    series: Series,
    chart: Chart,
    x: tuple[float, float],
    y: tuple[float, float],
    shape: tuple[int, int],
) -> tuple[Array, Array]:
    """The rows and columns of a grid that a series goes through, with the highest y in row 0."""
    seen = np.isfinite(series.x) & np.isfinite(series.y)
    across = _along(series.x[seen], x, log=chart.log_x)
    down = 1 - _along(series.y[seen], y, log=chart.log)
    i, j = down * (shape[0] - 1), across * (shape[1] - 1)
    if series.style == "step":
        i, j = np.repeat(i, 2)[1:], np.repeat(j, 2)[:-1]
    if series.style not in ("dots", "mark") and len(i) > 1:
        lengths = np.maximum(abs(np.diff(i)), abs(np.diff(j)))
        along = np.append(0.0, np.cumsum(np.ceil(lengths)))
        wanted = np.arange(along[-1] + 1)
        i, j = np.interp(wanted, along, i), np.interp(wanted, along, j)
    return np.rint(i).astype(np.int64), np.rint(j).astype(np.int64)


def _along(values: Array, ends: tuple[float, float], *, log: bool) -> Array:
    """How far along an axis values are: 0 at its first end, 1 at its last."""
    scaled = np.log if log else np.asarray
    low, high = (float(scaled(end)) for end in ends)
    share: Array = (scaled(values) - low) / (high - low)
    return share


def _dot(letters: Array, i: Array, j: Array) -> None:
    """Put dots at rows i and columns j of dots."""
    sums = np.zeros(letters.shape, np.int64)
    rows, columns = DOTS.shape
    np.bitwise_or.at(sums, (i // rows, j // columns), DOTS[i % rows, j % columns])
    for place in np.argwhere(sums):
        letters[tuple(place)] = chr(BLANK + sums[tuple(place)])
