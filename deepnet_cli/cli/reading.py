"""A bar, while a data file is looked at."""

import sys
from collections.abc import Callable

SLOW = 1.0
"""Seconds after which it is shown."""


def watched(part: str, m: int) -> Callable[[int], object]:
    """A bar on a terminal, where reading the examples takes long."""
    if not sys.stderr.isatty():
        return bool
    from tqdm import tqdm

    bar = tqdm(total=m, desc=part, unit=" rows", unit_scale=True, delay=SLOW, leave=False)

    def see(row: int) -> None:
        bar.update(row - bar.n)
        if row == m:
            bar.close()

    return see
