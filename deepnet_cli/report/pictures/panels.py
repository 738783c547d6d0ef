"""What a picture shows, as numbers: whoever draws it needs to know nothing else."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from deepnet_cli.errors import one_line, shortened
from deepnet_cli.nn.types import Array

Style = Literal[
    "line", "dashed", "faint", "step", "area", "dotted", "dots", "mark", "spans", "rule"
]
"""How a series is meant: `faint` lies behind what is smoothed of it, a `step` goes up or down
before it goes on, an `area` is filled down to 0, `dotted` is a line with its points, a `mark` a
point of note, `spans` go upright from y to `until`, a `rule` is what to hold the others against.
"""

LONGEST_NAME = 20
MOST_POINTS = 2000


@dataclass(frozen=True)
class Series:
    """Points x and y (n,).  Series of one `colour` (a number from 0) belong together; one that
    `follows` is known by its colour, where there are colours.  Not all need a label.
    """

    label: str
    x: Array
    y: Array
    style: Style = "line"
    colour: int = 0
    until: Array | None = None
    follows: bool = False


@dataclass(frozen=True)
class Chart:
    """Series over one pair of axes, perhaps logarithmic.  `square`: both have the same values."""

    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    log: bool = False  # y
    square: bool = False
    log_x: bool = False


@dataclass(frozen=True)
class Matrix:
    """Weights C (K, K) of examples: a row a true class, a column a decision."""

    title: str
    names: tuple[str, ...]
    C: Array


@dataclass(frozen=True)
class Tiles:
    """Pictures (n, h, w) or (n, h, w, 3) of numbers around 0."""

    title: str
    tiles: Array


Panel = Chart | Matrix | Tiles


def spans(values: Array, times: float = 10.0) -> bool:
    """Whether values are all above 0 and the largest is so many `times` the smallest: by a decade
    they are better shown by their logarithms.
    """
    finite = values[np.isfinite(values)]
    return bool(finite.size and finite.min() > 0 and finite.max() / times > finite.min())


def thinned(x: Array, y: Array, most: int = MOST_POINTS) -> tuple[Array, Array]:
    """At most about so many of the points, evenly, with the first and the last."""
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), most)).astype(np.int64))
    return x[chosen], y[chosen]


def name_of(name: str) -> str:
    """A class or an output, as there is room for."""
    return shortened(one_line(name), LONGEST_NAME)
