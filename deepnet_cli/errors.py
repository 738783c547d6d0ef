"""One family of user-facing errors, each knowing its exit code.

A message names the place, what is wrong, what was expected and the nearest right thing.
Everything else that is raised is a bug of ours.
"""

import re
from collections.abc import Iterable
from typing import ClassVar

LONGEST_MESSAGE = 500
LISTED_NAMES = 10
ALIASES = {
    "bce": "binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "gd": "gradient_descent",
    "glorot": "xavier",
    "identity": "linear",
    "kaiming": "he",
    "l-bfgs": "lbfgs",
    "logistic": "sigmoid",
    "lr": "learning_rate",
    "mae": "mean_absolute_error",
    "min_lr": "minimum",
    "mse": "mean_squared_error",
    "path": "file",
    "plateau": "reduce_on_plateau",
    "sgd": "gradient_descent",
    "softmax_cross_entropy": "cross_entropy",
    "swish": "silu",
}
"""What other tools call the same thing."""

_PARTS = re.compile(r"[\W_]+")


class DeepnetError(Exception):
    """A failure that the user can act on; `exit_code` is what the command ends with."""

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str) -> None:
        super().__init__(escaped(message))


class CheckError(DeepnetError):
    """A check said no."""

    exit_code = 1


class ConfigError(DeepnetError):
    """Wrong usage or config.  Several problems may stand in one message, each on its lines."""

    exit_code = 2


class DataError(DeepnetError):
    """A data or model file cannot be used."""

    exit_code = 3


class DamagedError(DataError):
    """Values that a data file should hold cannot be read."""


class NoDatasetError(DataError):
    """A file has no dataset of a name, which is all that the message says."""


class DivergedError(DeepnetError):
    """The cost is not finite; the last good state is saved."""

    exit_code = 4


class MachineError(DeepnetError):
    """Disk full, I/O error, permission, memory, run directory in use."""

    exit_code = 6


def escaped(text: str) -> str:
    """`text` with control characters written out: a name in a file cannot drive a terminal."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def one_line(text: str) -> str:
    """`text` with control characters and line ends written out: a name, or a line of a file."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """`text`, cut to at most `longest` characters."""
    return text if len(text) <= longest else text[: longest - 4].rstrip() + " ..."


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that a misspelled one most likely means: x_train for train_x, too."""
    words = list(known)
    if ALIASES.get(name.casefold()) in words:
        return ALIASES[name.casefold()]
    if begun := [word for word in words if len(name) > 3 and word.startswith(name)]:
        return min(begun, key=len)
    parts = sorted(_PARTS.split(name.casefold()))
    for word in words:
        if sorted(_PARTS.split(word.casefold())) == parts:
            return word
    by_folded = {word.casefold(): word for word in words}
    letters = sorted(name.casefold())
    if swapped := [word for folded, word in by_folded.items() if sorted(folded) == letters]:
        return swapped[0]
    from difflib import get_close_matches

    near = get_close_matches(name.casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ "; did you mean 'nearest'?", or nothing where nothing known is near."""
    near = nearest(name, known)
    return f"; did you mean '{one_line(near)}'?" if near else ""


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    every = [one_line(name) for name in names]
    more = len(every) - LISTED_NAMES
    return ", ".join(every[:LISTED_NAMES]) + (f" and {more} more" if more > 0 else "")
