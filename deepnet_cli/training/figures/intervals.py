"""95 % intervals by the bootstrap: what a figure is of examples drawn again from these.

Each resample draws m of the m examples with replacement; the interval is between percentiles of the
figure over the resamples, corrected for bias (BC: Efron, 1981).  With z0 the normal quantile of the
share of resamples below the figure, they are

    Phi(2 z0 -+ 1.96)

BCa (Efron, 1987), which corrects for skewness as well, is not used: it takes the skewness from the
same examples, and where they have long tails it finds two models that are as good to differ in up
to 16 of 100 comparisons, in place of 5.

Many examples are dealt to groups by chance, and groups are drawn: as sums, they vary as much.
"""

from collections.abc import Callable, Mapping
from statistics import NormalDist

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import generator

RESAMPLES = 1000
GROUPS = 500
NORMAL = NormalDist()
Z = NORMAL.inv_cdf(0.975)

MOST_BIAS = 0.3
"""Deviations (z0) that are believed: where there are more, bias is not what is wrong."""

Interval = tuple[float, float]
Draws = Callable[[Array], dict[str, Array]]
"""Figures (R,) as functions of how often each group was drawn (R, G)."""


def dealt(m: int, seed: int = 0) -> Array:
    """The number (m,) of the group of each of m examples: GROUPS of them, or each has its own."""
    return generator(seed, "groups").permutation(m) % GROUPS if m > GROUPS else np.arange(m)


def intervals(
    draws: Draws, known: Mapping[str, float], groups: int, seed: int = 0
) -> dict[str, Interval]:
    """The interval of each of the `known` figures.  Resamples for which a figure is not defined are
    left out of it.
    """
    drawn = generator(seed, "bootstrap").multinomial(groups, np.full(groups, 1 / groups), RESAMPLES)
    found = draws(drawn.astype(np.float64))
    return {name: _between(value, found[name]) for name, value in known.items()}


def _between(figure: float, drawn: Array) -> Interval:
    """Of a figure, and of those of resamples (R,)."""
    drawn = drawn[np.isfinite(drawn)]
    if not (np.isfinite(figure) and drawn.size):
        return float("nan"), float("nan")
    apart = drawn - figure
    apart[np.abs(apart) <= 1e-12 * np.abs(drawn)] = 0  # only rounding
    below = float(np.mean(apart < 0) + np.mean(apart <= 0)) / 2
    most = NORMAL.cdf(MOST_BIAS)
    bias = NORMAL.inv_cdf(min(max(below, 1 - most), most))
    low, high = np.quantile(drawn, [NORMAL.cdf(2 * bias + z) for z in (-Z, Z)])
    return min(float(low), figure), max(float(high), figure)
