"""Tables as HTML."""

from collections.abc import Sequence

from deepnet_cli.report.page.html import Element, Node, tag

SHORT, LONG = 24, 40
"""Letters of a text that stands in a line, and of one that wants a wide column."""


def grid(head: Sequence[str], rows: Sequence[Sequence[object]], caption: str) -> Element:
    """A table whose first column names its rows; numbers stand to the right.

    It scrolls by itself where it is wider than the page.
    """
    body = [
        tag(
            "tr",
            tag("th", _name(str(row[0])), scope="row", class_=_width(str(row[0]))),
            *map(_cell, row[1:]),
        )
        for row in rows
    ]
    right = [
        not all(isinstance(value, str) for value in column) for column in zip(*rows, strict=True)
    ]
    heads = [
        tag("th", _name(name), scope="col", class_="number" if is_number else None)
        for name, is_number in zip(head, right or [False] * len(head), strict=True)
    ]
    return scrolling(
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *body),
        ),
        caption,
    )


def scrolling(table: Element, what: str) -> Element:
    """Room for something wide, which scrolls by pointer and by keyboard."""
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=what)


def pairs(rows: Sequence[tuple[str, Node]]) -> Element:
    """What something is called, and what it is."""
    return tag("dl", *(tag("div", tag("dt", _name(k)), tag("dd", v)) for k, v in rows if v))


def _cell(value: object) -> Element:
    if isinstance(value, str):
        return tag("td", value, class_=_width(value))
    return tag("td", figure(value), class_="number")


def _width(text: str) -> str | None:
    return "short" if len(text) <= SHORT else "long" if len(text) > LONG else None


def figure(value: object) -> str:
    """A figure as everywhere: whole, or with five digits; or what stands in its place in a file
    that somebody has changed.
    """
    if isinstance(value, float):
        return f"{value:.5g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _name(name: str) -> Sequence[Node]:
    """A name that may be broken behind a `_`."""
    first, *rest = name.split("_")
    return [first, *(part for word in rest for part in ("_", tag("wbr"), word))]
