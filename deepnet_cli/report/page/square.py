"""Charts whose axes have the same values, as SVG: dots, or curves that answer as those of `chart`
do, and what to hold them against.
"""

from dataclasses import replace

import numpy as np

from deepnet_cli.report.page.chart import BOX, framed, line_class, path_of, slider, values
from deepnet_cli.report.page.html import Element, tag
from deepnet_cli.report.page.scale import Scale
from deepnet_cli.report.page.thinning import kept
from deepnet_cli.report.pictures.panels import Chart, Series, thinned

MOST_DOTS = 2000
COLUMNS = 150
"""In which a curve keeps its outline."""
CURVES = ("line", "step")


def square(chart: Chart) -> Element:
    """On one scale both ways, with a legend where curves have names; of very many dots some."""
    drawn = [each for each in chart.series if each.style != "rule"]
    scale = Scale.of(np.concatenate([both for each in drawn for both in (each.x, each.y)]))
    chart = replace(chart, series=tuple(_thinned(each) for each in chart.series))
    lines = [_drawn(each, scale) for each in chart.series]
    read = replace(chart, series=tuple(each for each in chart.series if each.style in CURVES))
    about = slider(read, scale) if read.series else {"role": "img", "aria-label": chart.title}
    picture = tag("div", *framed(lines, scale, scale, about), class_="picture")
    named = [each for each in chart.series if each.label]
    legend = [tag("span", tag("span", class_=_class(each)), each.label) for each in named]
    caption = tag("figcaption", tag("h3", chart.title), tag("div", *legend, class_="legend"))
    up, across = tag("p", chart.y, class_="upward"), tag("p", chart.x, class_="across")
    told = values(read) if read.series else None
    return tag("figure", caption, up, picture, across, told, class_="square")


def _thinned(series: Series) -> Series:
    if series.style not in CURVES:
        return series
    i = kept(series.x, series.y, COLUMNS)
    return replace(series, x=series.x[i], y=series.y[i])


def _drawn(series: Series, scale: Scale) -> Element:
    if series.style == "dots":
        return tag("path", d=_points(series, scale), class_=_class(series))
    return tag("path", d=path_of(series, scale, scale), class_=_class(series))


def _class(series: Series) -> str:
    if series.style == "rule":
        return "line marked"
    return f"dots c{series.colour}" if series.style == "dots" else line_class(series)


def _points(series: Series, scale: Scale) -> str:
    x, y = thinned(series.x.astype(np.float64), series.y.astype(np.float64), MOST_DOTS)
    a, b = BOX * scale.place(x), BOX * (1 - scale.place(y))
    finite = np.flatnonzero(np.isfinite(a) & np.isfinite(b))
    return "".join(f"M{a[k]:.1f},{b[k]:.1f}h0" for k in finite)
