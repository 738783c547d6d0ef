"""What went wrong in a run whose cost did not stay finite."""

from collections.abc import Sequence

from deepnet_cli.errors import DataError
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import tag
from deepnet_cli.report.page.repeat import typed
from deepnet_cli.report.page.section import Section
from deepnet_cli.training.run.post_mortem import NAME, recorded


def diverged(runs: Sequence[Facts]) -> Section | None:
    """The first tensor that was not finite, and the command that makes it so again."""
    (facts,) = runs
    path = facts.run.path / NAME
    if not path.is_file():
        return None
    try:
        _, found = recorded(path)
        told = "nothing, when it was looked for" if found is None else found.told
    except DataError as error:
        told = str(error)
    return Section(
        "What went wrong",
        [
            tag("p", f"First not finite: {told}.", class_="alarm"),
            tag("p", "It can be made to happen again:"),
            typed("deepnet replay", facts.run.path),
        ],
    )
