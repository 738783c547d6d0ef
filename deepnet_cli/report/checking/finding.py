"""What a check finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deepnet_cli.training.checking.subject import Subject

OK, SKIPPED, WARNING, WRONG = LEVELS = ("ok", "skipped", "warning", "wrong")
"""From the best to the worst: a warning is likely a mistake; what is wrong cannot work."""


@dataclass(frozen=True)
class Finding:
    """How bad it is, what there is, and what to do about it, a sentence each; `figures` are those
    of the sentences, for a program.
    """

    level: str
    what: str
    do: tuple[str, ...] = ()
    figures: Mapping[str, object] = field(default_factory=dict)


Check = Callable[[Subject], Finding]
