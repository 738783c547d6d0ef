"""95 % intervals by the bootstrap: what a figure is of examples drawn again from these.

Each resample draws m of the m examples with replacement; the interval is between percentiles of the
figure over the resamples, "bias-corrected and accelerated" (BCa: Efron, 1987).  With z0 the normal
quantile of the share of resamples below the figure, a a sixth of the skewness of what the figure
gains by each example, and z = -+1.96, they are

    Phi(z0 + (z0 + z) / (1 - a (z0 + z)))

Many examples are dealt to groups by chance, and groups are drawn: as sums, they vary as much.
"""

from collections.abc import Callable, Mapping
from statistics import NormalDist

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import generator

RESAMPLES = 1000
GROUPS = 500
Z = NormalDist().inv_cdf(0.975)

MOST_BIAS = 0.3
"""Deviations (z0) that are believed: more of them is no longer a bias that could be corrected."""

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
    found = draws(np.concatenate([drawn, 1 - np.eye(groups)]))
    return {name: _bca(value, *np.split(found[name], [RESAMPLES])) for name, value in known.items()}


def _bca(figure: float, drawn: Array, others: Array) -> Interval:
    """Of a figure, of those of resamples (R,) and those without each of the groups (G,)."""
    drawn, others = drawn[np.isfinite(drawn)], others[np.isfinite(others)]
    if not (np.isfinite(figure) and drawn.size):
        return float("nan"), float("nan")
    apart = drawn - figure
    apart[np.abs(apart) <= 1e-12 * np.abs(drawn)] = 0  # only rounding
    bias = _quantile(float(np.mean(apart < 0) + np.mean(apart <= 0)) / 2)
    low, high = np.quantile(drawn, [_share(bias, _acceleration(others), z) for z in (-Z, Z)])
    return min(float(low), figure), max(float(high), figure)


def _quantile(share: float) -> float:
    most = NormalDist().cdf(MOST_BIAS)
    return NormalDist().inv_cdf(min(max(share, 1 - most), most))


def _acceleration(others: Array) -> float:
    gains = others.mean() - others if others.size else np.zeros(1)
    deviation = np.sqrt((gains**2).sum())
    return float(((gains / deviation) ** 3).sum() / 6) if deviation else 0.0


def _share(bias: float, acceleration: float, z: float) -> float:
    return NormalDist().cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))
