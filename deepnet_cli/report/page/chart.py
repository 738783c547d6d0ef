"""Charts as SVG, with their values beside them for page.js: it reads places off the picture and
figures off the values, and computes neither.

The picture fills whatever room it has: lines are drawn in a box of 1000 by 1000 that is stretched,
text and dots stand beside and above it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from deepnet_cli.report.page.html import Element, Verbatim, tag
from deepnet_cli.report.page.scale import Scale
from deepnet_cli.report.page.tables import figure
from deepnet_cli.report.page.thinning import kept
from deepnet_cli.report.pictures.panels import Chart, Series, spans

BOX = 1000
COLORS = 6
"""That page.css has; then they begin again."""

VARIED = 2.0
"""Times that the largest value is the smallest, from where on a logarithmic scale may be asked for.
"""


def curves(name: str, chart: Chart) -> Element:
    """Lines, dashed or not, and marks: a legend to click on, the picture, and what it is made of.

    `name` is of the page's own words; x are ascending and finite.
    """
    thin = [_thinned(each) for each in chart.series if each.style != "mark"]
    marks = [each for each in chart.series if each.style == "mark"]
    chart = replace(chart, series=(*marks, *thin))
    across = Scale.exactly(np.concatenate([each.x for each in thin]))
    y = np.concatenate([each.y for each in thin])
    both = chart.log or spans(y[y > 0], VARIED)
    logs = (False, True) if both else (False,)
    pictures = [
        _picture(chart, across, Scale.of(y, log=log), hidden=log != chart.log) for log in logs
    ]
    return tag(
        "figure",
        tag("figcaption", tag("h3", chart.title), _legend(chart, switch=both)),
        *pictures,
        tag("p", chart.x, class_="across"),
        values(chart),
        class_="chart",
        id=f"chart-{name}",
    )


def _thinned(series: Series) -> Series:
    i = kept(series.x, series.y)
    return replace(series, x=series.x[i], y=series.y[i])


def _lines(chart: Chart) -> list[Series]:
    return [each for each in chart.series if each.style != "mark"]


def _label(chart: Chart, series: Series) -> str:
    """What a curve is called; one that needs no name by itself is what y is."""
    return series.label or chart.y or chart.title


def _legend(chart: Chart, *, switch: bool) -> Element:
    """A button a curve, and one for the scale."""
    buttons = [
        tag(
            "button",
            tag("span", class_=line_class(each), aria_hidden="true"),
            _label(chart, each),
            type="button",
            class_="toggle",
            aria_pressed="true",
        )
        for each in _lines(chart)
    ]
    pressed = str(chart.log).lower()
    scale = tag("button", "log", type="button", class_="scale", aria_pressed=pressed)
    return tag("div", *buttons, scale if switch else None, class_="legend")


def values(chart: Chart) -> Element:
    """What page.js tells of the points: JSON in which no end of an element can stand."""
    told = {
        "across": chart.x,
        "series": [
            {
                "label": _label(chart, each),
                "x": [int(x) if x.is_integer() else float(figure(x)) for x in each.x.tolist()],
                "y": [figure(float(v)) if np.isfinite(v) else None for v in each.y],
            }
            for each in _lines(chart)
        ],
    }
    text = json.dumps(told, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return tag("script", Verbatim(text), type="application/json")


def slider(chart: Chart, across: Scale) -> dict[str, str | int]:
    """The attributes of a plot that answers to the arrow keys."""
    last = ", ".join(f"{_label(chart, s)} {figure(float(s.y[-1]))}" for s in _lines(chart))
    return {
        "tabindex": 0,
        "role": "slider",
        "aria-label": f"{chart.title}: read it with the arrow keys",
        "aria-valuemin": f"{across.low:.10g}",
        "aria-valuemax": f"{across.high:.10g}",
        "aria-valuenow": f"{across.high:.10g}",
        "aria-valuetext": last,  # for who does not see the picture
    }


def _picture(chart: Chart, across: Scale, up: Scale, *, hidden: bool) -> Element:
    """The curves on one scale, with its marks."""
    series = _lines(chart)
    lines = [tag("path", d=path_of(each, across, up), class_=line_class(each)) for each in series]
    marked = [
        tag("path", tag("title", each.label), d=f"M{at:.1f},0V{BOX}", class_="marked")
        for each in chart.series
        if each.style == "mark"
        for at in BOX * across.place(each.x)
        if 0 <= at <= BOX
    ]
    return tag(
        "div",
        *framed([*marked, *lines], across, up, slider(chart, across)),
        class_="picture",
        data_scale="log" if up.log else "linear",
        hidden=hidden,
    )


def framed(
    lines: Sequence[Element], across: Scale, up: Scale, attributes: Mapping[str, str | int]
) -> list[Element]:
    """The marks of one axis, what is drawn, the marks of the other."""
    ups = [mark for mark in up.marks() if up.low <= mark <= up.high]
    rules = [tag("path", d=f"M0,{BOX * (1 - _at(up, m)):.1f}H{BOX}", class_="rule") for m in ups]
    up_marks = [
        tag("text", _mark(m), x="100%", y=f"{100 - 100 * _at(up, m):.2f}%", dy="0.35em")
        for m in ups
    ]
    along = [
        tag("text", _mark(m), x=f"{100 * _at(across, m):.2f}%", y="1.2em") for m in across.marks()
    ]
    box = {"viewBox": f"0 0 {BOX} {BOX}", "preserveAspectRatio": "none", "aria-hidden": "true"}
    drawn = Element("svg", [*rules, *lines], box)
    return [
        tag("svg", *up_marks, class_="up", aria_hidden="true"),
        Element("div", [drawn], {"class": "plot", **attributes}),
        tag("svg", *along, class_="along", aria_hidden="true"),
    ]


def path_of(series: Series, across: Scale, up: Scale) -> str:
    """M x,y L x,y ..., of a step with V y before it goes on; where a value has no place the line is
    broken.
    """
    x, y = BOX * across.place(series.x), BOX * (1 - up.place(series.y))
    drawn, points = np.isfinite(y), list[str]()
    before, after = np.roll(drawn, 1), np.roll(drawn, -1)
    before[:1] = after[-1:] = False
    for i in np.flatnonzero(drawn):
        alone = "" if before[i] or after[i] else "h0"  # a dot
        to = f"V{y[i]:.1f}L" if series.style == "step" else "L"
        points.append(f"{to if before[i] else 'M'}{x[i]:.1f},{y[i]:.1f}{alone}")
    return "".join(points)


def line_class(series: Series) -> str:
    """How page.css draws a line."""
    kinds = {"dashed": series.style == "dashed", "alone": len(series.x) == 1}
    return " ".join(
        ["line", f"c{series.colour % COLORS}", *(k for k, is_so in kinds.items() if is_so)]
    )


def _at(scale: Scale, value: float) -> float:
    return float(scale.place(np.array([value]))[0])


def _mark(value: float) -> str:
    return f"{value:,.10g}" if 1 <= abs(value) < 1e6 else f"{value:g}"
