"""Rows of x as pictures, where they are some."""

from math import isqrt

import numpy as np

from deepnet_cli.data.reading.tables import Table
from deepnet_cli.nn.types import Array

CHANNELS = (1, 3, 4)
SMALLEST, LARGEST = 4, 512
"""Pixels on a side."""


def picture_shape(table: Table, rows: Array) -> tuple[int, int, int] | None:
    """(height, width, channels) of an example, as its shape in the file says; or square, where it
    is flat, its columns have no names, and in them is what may be brightness: shares, or whole
    numbers up to 255.
    """
    shape = table.example
    if len(shape) == 1 and not table.feature_names:
        side = isqrt(shape[0])
        bright = (rows >= 0) & ((rows <= 1) | (rows <= 255) & (rows == np.floor(rows)))
        shape = (side, side) if side * side == shape[0] and bright.all() else shape
    if len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) != 3 or shape[2] not in CHANNELS:
        return None
    height, width, channels = shape
    fits = all(SMALLEST <= side <= LARGEST for side in (height, width))
    return (height, width, channels) if fits else None


def pixels(rows: Array, shape: tuple[int, int, int]) -> Array:
    """Bytes (m, height, width, channels), the largest of all values white and the smallest, or 0,
    black; what is not finite is black.
    """
    rows = np.nan_to_num(rows.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = min(0.0, float(rows.min())), float(rows.max())
    bright = (rows / 2 - low / 2) / ((high / 2 - low / 2) or 1.0)
    return np.round(255 * bright).astype(np.uint8).reshape(-1, *shape)
