"""Markdown as code hosts render it: tables whose cells hold formulas."""

import re
from collections.abc import Sequence


def heading(level: int, title: str) -> str:
    return f"{'#' * level} {title}"


def anchor(title: str) -> str:
    """How a heading is linked to: `#data-train`."""
    kept = re.sub(r"[^\w\- ]", "", title.lower())
    return f"#{kept.replace(' ', '-')}"


def link(title: str, words: str = "") -> str:
    """To a heading of the same page."""
    return f"[{words or title}]({anchor(title)})"


def code(text: str) -> str:
    return f"`{text}`"


def block(text: str) -> str:
    """Lines as they are."""
    return f"```text\n{text}\n```"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """With the | in cells escaped, also within code, and without columns that are empty."""
    kept = [k for k in range(len(head)) if any(row[k] for row in rows)]
    lines = [[head[k] for k in kept], ["---"] * len(kept)]
    lines += [[row[k].replace("|", r"\|") for k in kept] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
