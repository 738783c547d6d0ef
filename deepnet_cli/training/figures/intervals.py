"""95 % intervals by the bootstrap: what a figure is of examples drawn again from these.

Each resample draws m of the m examples with replacement; the interval is between the 2.5 and
97.5 percentiles of the figure over the resamples (Efron, 1979).  A resample is a row of weights,
how often each example was drawn, so that many of them are measured at once.
"""

from collections.abc import Callable

import numpy as np

from deepnet_cli.fused.blocks import blocks
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import generator

RESAMPLES = 1000
FEWEST = 200
PERCENT = (2.5, 97.5)

WORK = 2**28
"""Resamples times the entries of Y, at most: some seconds."""

AT_A_TIME = 2**19
"""Resamples times examples that are weighed at a time."""

Interval = tuple[float, float]


def affordable(m: int, K: int) -> int:
    """How many resamples m examples of K outputs get: 1000, fewer of many, 0 of too many."""
    most = min(RESAMPLES, WORK // (m * K))
    return most if most >= FEWEST else 0


def most_examples(K: int) -> int:
    """How many examples of K outputs are not too many."""
    return max(1, WORK // (FEWEST * K))


def intervals(
    figures: Callable[[Array], dict[str, Array]], m: int, resamples: int, seed: int = 0
) -> dict[str, Interval]:
    """The interval of each of the figures (R,), functions of how often each of the m examples was
    drawn (R, m).  Resamples for which a figure is not defined are left out of it.
    """
    rng = generator(seed, "bootstrap")
    found: list[dict[str, Array]] = []
    for i in blocks(resamples, max(1, AT_A_TIME // m)):
        rows = min(i.stop, resamples) - i.start
        drawn = rng.integers(0, m, (rows, m))
        found.append(figures(np.stack([np.bincount(row, minlength=m) for row in drawn])))
    return {name: _between(np.concatenate([part[name] for part in found])) for name in found[0]}


def _between(values: Array) -> Interval:
    defined = values[~np.isnan(values)]
    if not defined.size:
        return float("nan"), float("nan")
    low, high = np.percentile(defined, PERCENT)
    return float(low), float(high)
