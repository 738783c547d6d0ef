"""Fewer points that draw the same curve."""

import numpy as np

from deepnet_cli.nn.types import Array

COLUMNS = 400
"""Of a picture, in each of which a curve keeps its first, last, lowest and highest point."""


def kept(x: Array, y: Array, columns: int = COLUMNS) -> Array:
    """Which of the points x (k,), ascending, y (k,) are drawn: indices, ascending.

    All where they are few.  In each column the first, the last, the lowest and the highest of the
    finite ones, and where the curve is broken (y is NaN) the first of that.
    """
    if len(x) <= 4 * columns:
        return np.arange(len(x))
    place = ((x - x[0]) * columns // (x[-1] - x[0])).astype(np.int64).clip(0, columns - 1)
    begins = np.flatnonzero(np.diff(place, prepend=-1))
    found = set[int]()
    for begin, end in zip(begins, [*begins[1:], len(x)], strict=True):
        part = y[begin:end]
        ends = [begin, end - 1]
        if (finite := np.flatnonzero(np.isfinite(part))).size:
            ends += [begin + finite[part[finite].argmin()], begin + finite[part[finite].argmax()]]
        if finite.size < len(part):
            ends.append(begin + int((~np.isfinite(part)).argmax()))
        found.update(map(int, ends))
    return np.array(sorted(found))
