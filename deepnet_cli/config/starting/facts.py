"""The little that has to be known of data to choose a first network for them."""

from dataclasses import dataclass, replace

import numpy as np

from deepnet_cli.data.profile import Profile

BRIGHT = 64
"""What the brightest of uint8 pixels is above."""


@dataclass(frozen=True)
class Facts:
    """m rows of n values to train on, and for each a y.

    kind, why    as data/target.py has them
    outputs      how many units it takes to say it: a class, label or number each
    counts       how often each class is there
    mean, deviation, low    of the numbers in y: of the output that varies most, and the smallest
    x            pixels (uint8), flags (0 and 1 alone) or numbers
    """

    m: int
    n: int
    kind: str
    why: str
    outputs: int = 1
    counts: tuple[int, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    low: float = 0.0
    x: str = "numbers"
    missing: int = 0  # values of x
    sorted: bool = False  # neighbors have a like y

    @property
    def task(self) -> str:
        """The kind, where counts that do not begin at 0 are numbers as any others."""
        return "numbers" if self.kind == "counts" and self.low > 0 else self.kind

    @property
    def tells_apart(self) -> bool:
        """Whether each example is of one class."""
        return self.kind in ("binary", "classes")

    @property
    def rare(self) -> int:
        """How many examples there are for one of the rarest class."""
        return self.m // min(self.counts) if self.tells_apart else 1

    @property
    def size(self) -> float:
        """About how large the outputs have to become: 1, where they are not numbers."""
        if self.task != "numbers":
            return 1.0
        return max(self.deviation, abs(self.mean) / 3) or 1.0


def facts_of(profile: Profile) -> Facts:
    """Those of examples with y."""
    target, columns = profile.target, profile.columns
    if target is None:
        raise ValueError("a profile with y")
    apart = target.classes if target.kind in ("binary", "classes") else None
    counts = () if apart is None else tuple(map(int, apart.counts))
    facts = Facts(
        profile.m,
        profile.n,
        target.kind,
        target.why,
        1 if target.kind == "binary" else max(target.outputs, len(counts)),
        counts,
        x=_kind_of_x(profile),
        missing=int(columns.missing.sum()),
        sorted=target.sorted,
    )
    if (numbers := target.numbers) is None:
        return facts
    k = int(numbers.deviation.argmax())
    return replace(
        facts,
        mean=float(numbers.mean[k]),
        deviation=float(numbers.deviation[k]),
        low=float(numbers.quantiles[0].min()),
    )


def _kind_of_x(profile: Profile) -> str:
    columns = profile.columns
    low, high = columns.statistics.low.min(), columns.statistics.high.max()
    if profile.dtype == np.uint8 and high > BRIGHT:
        return "pixels"
    return "flags" if low >= 0 and high <= 1 and columns.whole.all() else "numbers"
