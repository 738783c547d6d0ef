"""A tree of elements, written as HTML.

Text is a `str` in the tree and is escaped where it is written: there is no way to put markup into
a page but by an element.  What does not print is written out, as everywhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Union

from deepnet_cli.errors import escaped

Node = Union["Element", "Verbatim", str, None, Sequence["Node"]]
"""What an element may hold; None is nothing."""

VOID = {"br", "img", "meta", "wbr"}
"""Elements that have no end."""

LINES = {
    "dd",
    "div",
    "dt",
    "figure",
    "h2",
    "h3",
    "header",
    "li",
    "p",
    "section",
    "svg",
    "table",
    "tr",
}
"""Elements that end a line of the file: `diff` and people read it."""


@dataclass(frozen=True)
class Element:
    """An element; of its attributes None and False are left out, and True has no value."""

    name: str
    children: Sequence[Node] = ()
    attributes: Mapping[str, str | int | bool | None] = field(default_factory=dict)

    def __str__(self) -> str:
        begin = f"<{self.name}{''.join(_attribute(*pair) for pair in self.attributes.items())}>"
        if self.name in VOID:
            return begin
        return f"{begin}{html(self.children)}</{self.name}>" + "\n" * (self.name in LINES)


@dataclass(frozen=True)
class Verbatim:
    """Styles or a script of our own, in which nothing is escaped and nothing from a file stands."""

    text: str


def tag(name: str, /, *children: Node, **attributes: str | int | bool | None) -> Element:
    """An element; `class_` is the attribute class, `aria_label` is aria-label."""
    named = {key.strip("_").replace("_", "-"): value for key, value in attributes.items()}
    return Element(name, children, named)


def html(node: Node) -> str:
    """A tree as HTML."""
    if node is None:
        return ""
    if isinstance(node, str):
        return escape(escaped(node))
    if isinstance(node, Element):
        return str(node)
    return node.text if isinstance(node, Verbatim) else "".join(map(html, node))


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(escaped(str(value)))}"'
