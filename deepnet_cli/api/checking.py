"""The gradient check in Python."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from deepnet_cli.api.given import ConfigGiven, PathGiven, code_of, path_of, settings_of, source_of
from deepnet_cli.api.running import Settings
from deepnet_cli.nn.gradcheck.report import Report
from deepnet_cli.report.gradcheck import gradcheck_json, gradcheck_text
from deepnet_cli.training.checking.gradients import EXAMPLES, About, case_at, proved


@dataclass(frozen=True)
class GradientCheck:
    """What the check says.  It is printed as `deepnet gradcheck` prints it, and true where every
    derivative is right.
    """

    report: Report
    about: About

    def __bool__(self) -> bool:
        return not self.report.wrong and not self.report.inconclusive

    def __str__(self) -> str:
        return gradcheck_text(self.report, self.about)

    def to_dict(self) -> dict[str, Any]:
        """The same as `deepnet gradcheck --json` has it."""
        return gradcheck_json(self.report, self.about)


def gradcheck(
    subject: ConfigGiven,
    *,
    set: Settings = None,  # noqa: A002  # as --set
    data: PathGiven | None = None,
    after: int = 0,
    examples: int = EXAMPLES,
    exhaustive: bool = False,
    code: PathGiven | None = None,
) -> GradientCheck:
    """Prove the backward pass of a config's network, of a run's, or, with labelled `data`, of a
    model file's: as `deepnet gradcheck` does.

    Raises ConfigError, DataError and MachineError; that a derivative is wrong is no exception.
    """
    with ExitStack() as held:
        held.enter_context(code_of(code))
        named = None if data is None else path_of(data)
        checked = case_at(source_of(subject), settings_of(set), named, held, after)
        return GradientCheck(*proved(checked, examples, exhaustive=exhaustive))
