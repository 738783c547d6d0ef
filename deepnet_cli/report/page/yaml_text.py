"""YAML as it stands, its keys, words and comments told apart."""

import re
from collections.abc import Iterator

from deepnet_cli.report.page.html import Element, Node, tag

TOKENS = re.compile(
    r"""(?P<comment>(?:(?<=\s)|^)\#.*)
      | (?P<key>"(?:[^"\\]|\\.)*"(?=:\s|:$)|[\w.-]+(?=:\s|:$))
      | (?P<text>"(?:[^"\\]|\\.)*"|'[^']*')
      | (?P<number>(?<![\w.+-])[-+]?\.?\d[\w.+-]*(?![\w/]))
      | (?P<word>\b(?:true|false|null)\b)""",
    re.VERBOSE | re.MULTILINE,
)


def highlighted(text: str) -> Element:
    """A <pre>, whose text is `text`."""
    return tag("pre", tag("code", *_parts(text)), tabindex=0, aria_label="config.yaml")


def _parts(text: str) -> Iterator[Node]:
    end = 0
    for found in TOKENS.finditer(text):
        yield text[end : found.start()]
        yield tag("span", found.group(), class_=found.lastgroup)
        end = found.end()
    yield text[end:]
