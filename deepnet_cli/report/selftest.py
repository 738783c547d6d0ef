"""What a self-test has found, for a reader, 80 columns, and for a program."""

from collections.abc import Sequence
from textwrap import fill

from deepnet_cli.training.selftest.checks import CHECKS, Checked, exit_code
from deepnet_cli.training.selftest.finding import NOTE

VERDICTS = {
    0: "all is as promised",
    1: "something is not as promised: please report it, with what stands above",
    5: "nothing is wrong, but not all could be decided",
}
"""By the exit code."""

NAME = max(map(len, CHECKS))


def check_text(each: Checked) -> str:
    """The lines of a check."""
    verdict, told, _ = each.finding
    head = f"{verdict:<7}  {each.name:<{NAME}}  "
    return fill(head + told, 80, subsequent_indent=" " * len(head), break_on_hyphens=False)


def verdict_text(found: Sequence[Checked]) -> str:
    """The last line."""
    seconds = sum(each.seconds for each in found)
    notes = sum(each.finding.verdict == NOTE for each in found)
    told = f" ({notes} with a note)" if notes else ""
    return fill(f"{VERDICTS[exit_code(found)]}{told}; {len(found)} checks in {seconds:.0f} s", 80)


def selftest_json(found: Sequence[Checked]) -> dict[str, object]:
    """The same as one JSON object."""
    checks = {
        each.name: {
            "verdict": each.finding.verdict,
            "told": each.finding.told,
            **each.finding.figures,
            "seconds": each.seconds,
        }
        for each in found
    }
    return {"ok": exit_code(found) == 0, "checks": checks}
