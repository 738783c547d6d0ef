"""Which rows of a data set are held out, as a function of the seed."""

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import order


def split(
    m: int, fraction: float, seed: int, purpose: str, strata: Array | None = None
) -> tuple[Array, Array]:
    """Row numbers (kept, held out), each ascending, of m rows.

    round(fraction * m) rows are held out, at least one, and at least one is kept.  With
    `strata` (m,) each class gives its share, the largest remainders first.
    """
    shuffled = order(seed, purpose, 0, m)
    count = min(max(1, round(fraction * m)), m - 1)
    if strata is None:
        held = shuffled[:count]
    else:
        _, stratum = np.unique(strata, return_inverse=True)
        exact = np.bincount(stratum) * (count / m)
        quota = np.floor(exact).astype(int)
        largest = np.argsort(quota - exact, kind="stable")
        quota[largest[: count - quota.sum()]] += 1
        held = np.concatenate([shuffled[stratum[shuffled] == k][:n] for k, n in enumerate(quota)])
    held = np.sort(held)
    kept = np.setdiff1d(np.arange(m), held, assume_unique=True)
    return kept, held
