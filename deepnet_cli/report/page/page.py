"""The page: one file that needs no other, no network and no server.

Its Content-Security-Policy lets a browser run the one script and the one style that are in it by
their digests, show pictures that are in it, and nothing else.
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from deepnet_cli import __version__
from deepnet_cli.report.page.about import ending
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import Element, Node, Verbatim, html, tag
from deepnet_cli.report.page.scores import beside, headline
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.sections import OF_ONE, OF_SEVERAL

GENERATOR = "deepnet report"


def page(runs: Sequence[Facts]) -> str:
    """HTML about one run, or about several beside each other."""
    makers = OF_ONE if len(runs) == 1 else OF_SEVERAL
    made = {name: section for name, make in makers.items() if (section := make(runs)) is not None}
    title = ", ".join(dict.fromkeys(facts.name for facts in runs))
    style, script = (_own(name) for name in ("page.css", "page.js"))
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="generator", content=GENERATOR),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} - deepnet"),
        tag("style", Verbatim(style)),
    ]
    body = [
        _header(title, runs, made),
        tag("main", *(_drawn(name, section) for name, section in made.items())),
        tag("footer", f"Made by deepnet {__version__}: deepnet report"),
        tag("script", Verbatim(script)),
    ]
    tree = tag("html", tag("head", *head), tag("body", *body), lang="en")
    return f"<!doctype html>\n{html(tree)}\n"


def is_page(content: bytes) -> bool:
    """Whether a file is such a page, by how it begins."""
    return html(tag("meta", name="generator", content=GENERATOR)).encode() in content[:1000]


def _policy(style: str, script: str) -> str:
    digests = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    styles, scripts = (f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; style-src {styles}; script-src {scripts}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _own(name: str) -> str:
    return (files("deepnet_cli.report.page") / name).read_text("utf-8")


def _header(title: str, runs: Sequence[Facts], made: dict[str, Section]) -> Element:
    over = str(runs[0].run.path) if len(runs) == 1 else f"{len(runs)} runs"
    leads = [ending(runs[0])] if len(runs) == 1 else []
    if leads and (held := runs[0].held) is not None:
        leads.append("; ".join(filter(None, (headline(held), beside(held)))))
    links = [tag("li", tag("a", section.title, href=f"#{name}")) for name, section in made.items()]
    return tag(
        "header",
        tag("p", over, class_="over"),
        tag("h1", title),
        *(tag("p", f"{lead[0].upper()}{lead[1:]}.", class_="lead") for lead in leads),
        tag("nav", tag("ul", *links), aria_label="Sections"),
    )


def _drawn(name: str, section: Section) -> Node:
    heading = f"{name}-heading"
    return tag(
        "section",
        tag("h2", section.title, id=heading),
        section.body,
        id=name,
        aria_labelledby=heading,
    )
