"""One family of user-facing errors, each knowing its exit code.

A message names the place, what is wrong, what was expected and the nearest right thing.
Everything else that is raised is a bug of ours.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

LONGEST_MESSAGE = 500
LISTED_NAMES = 10


class DeepnetError(Exception):
    """A failure that the user can act on; `exit_code` is what the command ends with."""

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str) -> None:
        super().__init__(escaped(message))


class ConfigError(DeepnetError):
    """Wrong usage or config.  Several problems may stand in one message, each on its lines."""

    exit_code = 2


class DataError(DeepnetError):
    """A data or model file cannot be used."""

    exit_code = 3


class DivergedError(DeepnetError):
    """The cost is not finite; the last good state is saved."""

    exit_code = 4


class MachineError(DeepnetError):
    """Disk full, I/O error, permission, memory, run directory in use."""

    exit_code = 6


def escaped(text: str) -> str:
    """`text` with control characters written out: a name in a file cannot drive a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """`text`, cut to at most `longest` characters."""
    return text if len(text) <= longest else text[: longest - 4] + " ..."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known word that a misspelled one most likely means."""
    by_folded = {word.casefold(): word for word in known}
    near = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ "; did you mean 'nearest'?", or nothing where nothing known is near."""
    near = nearest(name, known)
    return f"; did you mean '{near}'?" if near else ""


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    every = list(names)
    more = len(every) - LISTED_NAMES
    return ", ".join(every[:LISTED_NAMES]) + (f" and {more} more" if more > 0 else "")
