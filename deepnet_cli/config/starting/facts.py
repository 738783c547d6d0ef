"""The little that has to be known of data to choose a first network for them."""

from dataclasses import dataclass

from deepnet_cli.data.describing.inspection import Found
from deepnet_cli.data.describing.profile import Profile
from deepnet_cli.errors import shortened

LONGEST_NAME = 24


@dataclass(frozen=True)
class Facts:
    """m rows of n values to train on, and for each a y.

    kind, why    as data/describing/target.py has them
    outputs      how many units it takes to say it: a class, label or number each
    counts       how often each class is there
    low          the smallest of the numbers in y
    second       of two classes the name of the second
    x            pixels (bytes of images), flags (0 and 1 alone) or numbers
    spreads      the smallest and the largest deviation of its features
    """

    m: int
    n: int
    kind: str
    why: str
    outputs: int = 1
    counts: tuple[int, ...] = ()
    low: float = 0.0
    second: str = ""
    x: str = "numbers"
    spreads: tuple[float, float] = (1.0, 1.0)
    missing: int = 0  # values of x
    sorted: bool = False  # neighbors have a like y
    empty: int = 0  # columns without a value
    fills: tuple[float, ...] = ()  # what stands for a missing value, surely
    categories: tuple[int | str, ...] = ()  # columns of named ones

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


def facts_of(found: Found) -> Facts:
    """Those of examples with y."""
    profile = found.profile
    target, columns = profile.target, profile.columns
    if target is None:
        raise ValueError("a profile with y")
    apart = target.classes if target.kind in ("binary", "classes") else None
    counts = () if apart is None else tuple(map(int, apart.counts))
    return Facts(
        profile.m,
        profile.n,
        target.kind,
        target.why,
        1 if target.kind == "binary" else max(target.outputs, len(counts)),
        counts,
        0.0 if target.numbers is None else float(target.numbers.quantiles[0].min()),
        shortened(apart.names[-1], LONGEST_NAME) if apart else "",
        "pixels" if found.pixels else "flags" if columns.flags else "numbers",
        _spreads(profile),
        int(columns.statistics.nan.sum()),
        target.sorted,
        int(columns.empty.sum()),
        tuple(columns.fill_values) if columns.fills_are_safe else (),
        tuple(_name(found, j) for j in found.categorical.tolist()),
    )


def _name(found: Found, j: int) -> int | str:
    """How a config names a column: by its name, where that is one and its own."""
    name = found.names[j]
    return name if found.names.count(name) == 1 and not name.isdigit() else j


def _spreads(profile: Profile) -> tuple[float, float]:
    columns = profile.columns
    varying = columns.statistics.deviation[~columns.constant & (columns.fills == 0)]
    return (float(varying.min()), float(varying.max())) if len(varying) else (0.0, 0.0)
