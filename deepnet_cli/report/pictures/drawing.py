"""Panels drawn by matplotlib."""

from collections.abc import Callable, Sequence
from math import ceil, sqrt
from textwrap import fill
from typing import Any

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.report.pictures.panels import Chart, Matrix, Panel, Series, Tiles, name_of
from deepnet_cli.report.pictures.style import (
    AMOUNTS,
    AROUND_ZERO,
    COLOURS,
    DASHES,
    GREY,
    styled,
    written_as,
)

ALONE, BESIDE = (7.0, 4.2), (4.6, 3.7)
"""Inches of a panel by itself, and of one of several."""

MOST_INSIDE = 6
"""Entries of a legend that lies over the curves; a longer one stands beside them."""

SQUARE = (5.4, 4.8)
LETTERS = 11
"""Of a title, an inch."""

MOST_COLUMNS = 3
MOST_NAMED = 40
"""Classes that have their names on the axes."""

ROOM, SMALLEST = 300.0, 4.5
"""The size of a text is so much over its length and over how many stand side by side; what would be
smaller is left out.
"""


def picture(panels: Sequence[Panel], title: str, kind: str = "png") -> bytes:
    """A file with all panels, row by row."""
    with styled():
        return written_as(figure_of(panels, title), kind)


def figure_of(panels: Sequence[Panel], title: str) -> Any:
    """The figure, while the style is in force."""
    from matplotlib.figure import Figure

    count = len(panels)
    columns = count if count <= MOST_COLUMNS else min(MOST_COLUMNS, ceil(sqrt(count)))
    rows = ceil(count / columns)
    width, height = BESIDE if count > 1 else SQUARE if _square(panels[0]) else ALONE
    figure = Figure(figsize=(columns * width, rows * height + 0.35), layout="constrained")
    figure.suptitle(_wrapped(title, columns * width), x=0.012, ha="left")
    places = figure.subfigures(rows, columns, squeeze=False).ravel()
    for panel, place in zip(panels, places, strict=False):
        axes = place.add_subplot()
        axes.set_title(_wrapped(panel.title, width))
        DRAWN[type(panel)](axes, panel)
    return figure


def _square(panel: Panel) -> bool:
    return not isinstance(panel, Chart) or panel.square


def _wrapped(title: str, inches: float) -> str:
    return fill(title, int(LETTERS * inches))


def _chart(axes: Any, chart: Chart) -> None:
    for series in chart.series:
        STYLES[series.style](axes, series, _line(series))
    axes.set(xlabel=chart.x, ylabel=chart.y)
    if chart.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_decades())
        axes.yaxis.set_minor_formatter(_decades())
    if chart.log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(_decades())
        axes.xaxis.set_minor_formatter(_decades())
    if chart.square:
        ends = np.array([*axes.get_xlim(), *axes.get_ylim()])
        axes.set(xlim=(ends.min(), ends.max()), ylim=(ends.min(), ends.max()), box_aspect=1)
    named = axes.get_legend_handles_labels()[1]
    if len(named) > MOST_INSIDE:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    elif named:
        axes.legend()


def _decades() -> Any:
    """What is written at the ticks of a logarithmic axis, which are not all where they are many."""
    from matplotlib.ticker import LogFormatter

    class Decades(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    return Decades(minor_thresholds=(1.5, 0.5))


def _line(series: Series) -> dict[str, Any]:
    """Its colour and, where the colours are used up, its dashes."""
    return {
        "color": COLOURS[series.colour % len(COLOURS)],
        "linestyle": DASHES[series.colour // len(COLOURS) % len(DASHES)],
        "label": None if series.follows else series.label or None,
    }


def _lined(axes: Any, series: Series, line: dict[str, Any]) -> None:
    marker = "o" if len(series.x) < 3 else None
    axes.plot(series.x, series.y, **line, marker=marker)


def _dashed(axes: Any, series: Series, line: dict[str, Any]) -> None:
    axes.plot(series.x, series.y, **{**line, "linestyle": (0, (4, 1.5))})


def _faint(axes: Any, series: Series, line: dict[str, Any]) -> None:
    axes.plot(series.x, series.y, **line, alpha=0.3, linewidth=1)


def _step(axes: Any, series: Series, line: dict[str, Any]) -> None:
    axes.plot(series.x, series.y, **line, drawstyle="steps-pre")


def _area(axes: Any, series: Series, line: dict[str, Any]) -> None:
    axes.fill_between(series.x, series.y, color=line["color"], alpha=0.75, linewidth=0)
    axes.update_datalim([(0, 0)], updatex=False)
    axes.yaxis.get_major_locator().set_params(integer=True)  # it is counts that are filled


def _dotted(axes: Any, series: Series, line: dict[str, Any]) -> None:
    axes.plot(series.x, series.y, **line, marker="o", markersize=4.5)


def _dots(axes: Any, series: Series, line: dict[str, Any]) -> None:
    alpha = 0.75 if len(series.x) < 500 else 0.4
    size = 14 if len(series.x) < 500 else 7
    axes.scatter(
        series.x, series.y, size, color=line["color"], alpha=alpha, linewidth=0, label=line["label"]
    )


def _mark(axes: Any, series: Series, line: dict[str, Any]) -> None:
    axes.plot(series.x, series.y, "*", color=line["color"], markersize=10, label=line["label"])


def _spans(axes: Any, series: Series, line: dict[str, Any]) -> None:
    axes.vlines(
        series.x, series.y, series.until, color=line["color"], alpha=0.35, label=line["label"]
    )


def _rule(axes: Any, series: Series, line: dict[str, Any]) -> None:
    axes.plot(
        series.x, series.y, color=GREY, linewidth=1, linestyle=(0, (3, 2)), label=line["label"]
    )


STYLES: dict[str, Callable[[Any, Series, dict[str, Any]], None]] = {
    "line": _lined,
    "dashed": _dashed,
    "faint": _faint,
    "step": _step,
    "area": _area,
    "dotted": _dotted,
    "dots": _dots,
    "mark": _mark,
    "spans": _spans,
    "rule": _rule,
}


def _matrix(axes: Any, matrix: Matrix) -> None:
    """Coloured by the share of each true class; the root of it, so that single ones are seen."""
    C, K = matrix.C, len(matrix.C)
    share = C / np.maximum(C.sum(axis=1, keepdims=True), 1e-300)
    axes.imshow(np.sqrt(share), cmap=AMOUNTS, vmin=0, vmax=1.15)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="decided", ylabel="true")
    names = [name_of(name) for name in matrix.names]
    if K > MOST_NAMED:
        axes.set(xlabel="decided (number of the class, from 0)")
    else:
        turned = max(map(len, names)) * K > 50
        axes.set_xticks(
            range(K), names, rotation=45 if turned else 0, ha="right" if turned else "center"
        )
        axes.set_yticks(range(K), names)
        axes.tick_params(length=0, labelsize=8 if 2 * K <= MOST_NAMED else 6)
    told = {at: _count(weight) for at, weight in np.ndenumerate(C) if weight}
    size = min(10.0, ROOM / K / max(map(len, told.values()), default=1))
    for (i, j), text in told.items() if size >= SMALLEST else ():
        colour = "white" if share[i, j] > 0.4 else "black"
        axes.text(j, i, text, ha="center", va="center", color=colour, size=size)


def _count(weight: float) -> str:
    return f"{int(weight):,}" if weight == int(weight) else f"{weight:.4g}"


def _tiles(axes: Any, tiles: Tiles) -> None:
    """All on one scale: of one channel by colours around 0, of three as light, 0 being grey."""
    largest = float(np.abs(tiles.tiles).max()) or 1.0
    axes.set_axis_off()
    if tiles.tiles.ndim == 4:
        axes.imshow(mosaic(0.5 + tiles.tiles / (2 * largest), gap=1.0))
        return
    shown = axes.imshow(mosaic(tiles.tiles, gap=np.nan), AROUND_ZERO, vmin=-largest, vmax=largest)
    axes.figure.colorbar(shown, ax=axes, shrink=0.6, aspect=30).outline.set_visible(False)


def mosaic(tiles: Array, gap: float) -> Array:
    """Images (n, h, w, ...) side by side in rows of about as many, a pixel apart."""
    n, h, w, *channels = tiles.shape
    columns = ceil(sqrt(n))
    rows = ceil(n / columns)
    whole = np.full((rows * (h + 1) - 1, columns * (w + 1) - 1, *channels), gap, np.float64)
    for k, tile in enumerate(tiles):
        i, j = k // columns * (h + 1), k % columns * (w + 1)
        whole[i : i + h, j : j + w] = tile
    return whole


DRAWN: dict[type[Panel], Callable[[Any, Any], None]] = {
    Chart: _chart,
    Matrix: _matrix,
    Tiles: _tiles,
}
