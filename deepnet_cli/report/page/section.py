"""What a page is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import Node


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    body: Sequence[Node]


Maker = Callable[[Sequence[Facts]], Section | None]
"""Makes a section about runs; None where they have nothing of the kind."""
