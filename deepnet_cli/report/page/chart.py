"""Curves as SVG, with their values beside them for page.js: it reads places off the picture and
figures off the values, and computes neither.

The picture fills whatever room it has: lines are drawn in a box of 1000 by 1000 that is stretched,
text and dots stand beside and above it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.report.page.html import Element, Verbatim, tag
from deepnet_cli.report.page.scale import Scale, spans_decades, varied
from deepnet_cli.report.page.tables import figure
from deepnet_cli.report.page.thinning import kept

BOX = 1000
COLORS = 6
"""That page.css has; then they begin again."""

MOST_DOTS = 2000


@dataclass(frozen=True)
class Series:
    """A curve: x (k,) ascending and finite, y (k,)."""

    label: str
    x: Array
    y: Array
    color: int = 0
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves over one axis x; `name` is of the page's own words, `marked` places on x that stand
    out, each with what it is.
    """

    name: str
    title: str
    across: str  # what x is
    series: Sequence[Series]
    marked: Sequence[tuple[float, str]] = ()
    decades: bool = True  # where it spans some, they are shown first

    def drawn(self) -> Element:
        """The figure: a legend to click on, the picture, and what it is made of."""
        thin = [self._thinned(each) for each in self.series]
        across = Scale.exactly(np.concatenate([each.x for each in thin]))
        values = np.concatenate([each.y for each in thin])
        log = self.decades and spans_decades(values)
        also = log or varied(values[values > 0])
        pictures = [_picture(self, thin, across, Scale.of(values), hidden=log)]
        if also:
            pictures.append(
                _picture(self, thin, across, Scale.of(values, log=True), hidden=not log)
            )
        return tag(
            "figure",
            tag("figcaption", tag("h3", self.title), self._legend(switch=also, log=log)),
            *pictures,
            tag("p", self.across, class_="across"),
            tag("script", Verbatim(self._values(thin)), type="application/json"),
            class_="chart",
            id=f"chart-{self.name}",
        )

    def _thinned(self, series: Series) -> Series:
        i = kept(series.x, series.y)
        return Series(series.label, series.x[i], series.y[i], series.color, series.dashed)

    def _legend(self, *, switch: bool, log: bool) -> Element:
        """A button a curve, and one for the scale."""
        buttons = [
            tag(
                "button",
                tag("span", class_=_line_class(each), aria_hidden="true"),
                each.label,
                type="button",
                class_="toggle",
                aria_pressed="true",
            )
            for each in self.series
        ]
        scale = tag("button", "log", type="button", class_="scale", aria_pressed=str(log).lower())
        return tag("div", *buttons, scale if switch else None, class_="legend")

    def _values(self, thin: Sequence[Series]) -> str:
        """JSON in which no end of an element can stand."""
        told = {
            "across": self.across,
            "series": [
                {
                    "label": each.label,
                    "x": each.x.tolist(),
                    "y": [figure(float(v)) if np.isfinite(v) else None for v in each.y],
                }
                for each in thin
            ],
        }
        text = json.dumps(told, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@dataclass(frozen=True)
class Dots:
    """Points x, y (k,) around the line y = x, on one scale both ways."""

    title: str
    x: Array
    y: Array

    def drawn(self) -> Element:
        """The figure; of very many points some."""
        i = np.unique(np.linspace(0, len(self.x) - 1, MOST_DOTS).astype(np.int64))
        x, y = self.x[i].astype(np.float64), self.y[i].astype(np.float64)
        scale = Scale.of(np.concatenate([x, y]))
        a, b = BOX * scale.place(x), BOX * (1 - scale.place(y))
        finite = np.flatnonzero(np.isfinite(a) & np.isfinite(b))
        points = "".join(f"M{a[k]:.1f},{b[k]:.1f}h0" for k in finite)
        lines = [
            tag("path", d=f"M0,{BOX}L{BOX},0", class_="marked"),
            tag("path", d=points, class_="dots c0"),
        ]
        picture = tag(
            "div",
            *_framed(lines, scale, scale, {"role": "img", "aria-label": self.title}),
            class_="picture",
        )
        return tag("figure", tag("figcaption", tag("h3", self.title)), picture, class_="square")


def _picture(
    chart: Chart, series: Sequence[Series], across: Scale, up: Scale, *, hidden: bool
) -> Element:
    """The curves on one scale, with its marks."""
    lines = [tag("path", d=_path(each, across, up), class_=_line_class(each)) for each in series]
    marked = [
        tag("path", tag("title", what), d=f"M{BOX * _at(across, x):.1f},0V{BOX}", class_="marked")
        for x, what in chart.marked
        if across.low <= x <= across.high
    ]
    slider: dict[str, str | int] = {
        "tabindex": 0,
        "role": "slider",
        "aria-label": f"{chart.title}: read it with the arrow keys",
        "aria-valuemin": f"{across.low:.10g}",
        "aria-valuemax": f"{across.high:.10g}",
        "aria-valuenow": f"{across.high:.10g}",
        "aria-valuetext": _last(series),
    }
    return tag(
        "div",
        *_framed([*marked, *lines], across, up, slider),
        class_="picture",
        data_scale="log" if up.log else "linear",
        hidden=hidden,
    )


def _framed(
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


def _path(series: Series, across: Scale, up: Scale) -> str:
    """M x,y L x,y ...; where a value has no place the line is broken."""
    x, y = BOX * across.place(series.x), BOX * (1 - up.place(series.y))
    drawn, points = np.isfinite(y), list[str]()
    before, after = np.roll(drawn, 1), np.roll(drawn, -1)
    before[:1] = after[-1:] = False
    for i in np.flatnonzero(drawn):
        alone = "" if before[i] or after[i] else "h0"  # a dot
        points.append(f"{'L' if before[i] else 'M'}{x[i]:.1f},{y[i]:.1f}{alone}")
    return "".join(points)


def _line_class(series: Series) -> str:
    kinds = {"dashed": series.dashed, "alone": len(series.x) == 1}
    return " ".join(
        ["line", f"c{series.color % COLORS}", *(k for k, is_so in kinds.items() if is_so)]
    )


def _at(scale: Scale, value: float) -> float:
    return float(scale.place(np.array([value]))[0])


def _mark(value: float) -> str:
    return f"{value:,.10g}" if 1 <= abs(value) < 1e6 else f"{value:g}"


def _last(series: Sequence[Series]) -> str:
    """The last values, for who does not see the picture."""
    return ", ".join(f"{s.label} {figure(float(s.y[-1]))}" for s in series if len(s.y))
