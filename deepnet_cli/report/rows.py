"""The rows of a run that goes on, in as many columns as a screen has room for."""

from collections.abc import Mapping, Sequence

from deepnet_cli.report.table import number

HEADS = {"iteration": "iter", "learning_rate": "rate", "gradient_norm": "|g|"}
"""Of the columns that history.csv calls by a longer name."""

WIDTHS = {
    "epoch": 5,
    "iteration": 6,
    "learning_rate": 8,
    "gradient_norm": 8,
    "seconds": 7,
    "left": 7,
}
"""Of the columns that are not as wide as a figure, or as their name."""

FIGURE = 9

STAR = " *"
"""Behind a new best; there is always room for it."""


class Rows:
    """Lines under a head.  Where a screen is not wide enough, columns are left out, beginning with
    those that are `least` needed.
    """

    def __init__(self, names: Sequence[str], screen: int, least: Sequence[str]) -> None:
        self.names = list(names)
        for name in least:
            if len(self.head) + len(STAR) > screen and name in self.names:
                self.names.remove(name)

    @property
    def head(self) -> str:
        """The names."""
        return "  ".join(_head(name).rjust(_width(name)) for name in self.names)

    def line(self, values: Mapping[str, float | str], *, best: bool) -> str:
        """A row of `values`, which has each of the names."""
        cells = [number(values[name], _width(name)) for name in self.names]
        return "  ".join(cells) + STAR * best


def clock(seconds: float) -> str:
    """A length of time in at most 7 characters: 0:07, 12:34, 1:02:03, 3d 04h."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    if hours >= 100:
        return f"{hours // 24}d {hours % 24:02}h" if hours < 24_000 else f"{hours // 24}d"
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"


def _head(name: str) -> str:
    return HEADS.get(name, name)


def _width(name: str) -> int:
    return WIDTHS.get(name, max(FIGURE, len(_head(name))))
