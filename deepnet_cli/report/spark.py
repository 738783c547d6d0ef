"""A curve in one line of text."""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, log10

HEIGHTS = "▁▂▃▄▅▆▇█"
PLAIN = "_.:-=+*#"
"""The same for a terminal that has ASCII alone."""

WIDTH = 40
DECADES = 1.5
"""Between the smallest and the largest value from which on heights are their logarithms."""


def sparkline(values: Sequence[float], heights: str = HEIGHTS, width: int = WIDTH) -> str:
    """At most `width` characters, each the mean of some values that follow each other."""
    values = [value for value in values if isfinite(value)]
    if not values:
        return ""
    count = min(width, len(values))
    cuts = [len(values) * i // count for i in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(cuts)]
    if min(means) > 0 and max(means) > 10**DECADES * min(means):
        means = [log10(mean) for mean in means]
    low, spread = min(means), max(means) - min(means)
    top = len(heights) - 1
    return "".join(heights[round(top * (m - low) / spread) if spread else 0] for m in means)
