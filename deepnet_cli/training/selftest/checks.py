"""Every check, and the verdict of all."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from deepnet_cli.errors import DeepnetError
from deepnet_cli.threads import limited
from deepnet_cli.training.selftest.damage import check_damage
from deepnet_cli.training.selftest.finding import UNCLEAR, WRONG, Finding
from deepnet_cli.training.selftest.gradients import check_gradients
from deepnet_cli.training.selftest.installed import check_extras, check_versions
from deepnet_cli.training.selftest.killed import check_killed
from deepnet_cli.training.selftest.locking import check_locks
from deepnet_cli.training.selftest.products import check_products


class Checked(NamedTuple):
    """A check by its name, what it found, and how long it took."""

    name: str
    finding: Finding
    seconds: float


def _gradients(_: Path) -> Finding:
    with limited(1):  # small products
        return check_gradients()


CHECKS: dict[str, Callable[[Path], Finding]] = {
    "versions": lambda _: check_versions(),
    "extras": lambda _: check_extras(),
    "products": lambda _: check_products(),
    "gradients": _gradients,
    "damage": lambda _: check_damage(),
    "locks": check_locks,
    "killed run": check_killed,
}
"""By name; each may write into the folder that it is given."""


def checked(folder: Path) -> Iterator[Checked]:
    """Make every check, one after the other.  Where one cannot be made, it is unclear why."""
    for name, check in CHECKS.items():
        began = perf_counter()
        try:
            finding = check(folder)
        except DeepnetError as error:
            finding = Finding(UNCLEAR, str(error), {})
        yield Checked(name, finding, perf_counter() - began)


def exit_code(found: Sequence[Checked]) -> int:
    """0 where all is as promised, 1 where something is not, 5 where something is not clear."""
    verdicts = {each.finding.verdict for each in found}
    return 1 if WRONG in verdicts else 5 if UNCLEAR in verdicts else 0
