"""Rows of x as pictures, where they are some."""

from math import isqrt

import numpy as np

from deepnet_cli.data.reading.tables import Table
from deepnet_cli.nn.types import Array
from deepnet_cli.report.pictures.parameters import as_images, is_image

LARGEST = 2**18
"""Values of a picture, at most: the page holds them."""


def picture_shape(table: Table, rows: Array) -> tuple[int, ...] | None:
    """(h, w), (h, w, 3) or (3, h, w), where examples are images: as the file has them; or square,
    where they are flat, columns have no names, and in them is what may be brightness: shares, or
    whole numbers up to 255.
    """
    shape = tuple(side for side in table.example if side != 1)
    if len(shape) == 1 and not table.feature_names:
        side = isqrt(shape[0])
        bright = (rows >= 0) & ((rows <= 1) | (rows <= 255) & (rows == np.floor(rows)))
        shape = (side, side) if side * side == shape[0] and bright.all() else shape
    fits = int(np.prod(shape)) == rows.shape[1] <= LARGEST
    return shape if fits and is_image(shape) else None


def pixels(rows: Array, shape: tuple[int, ...]) -> Array:
    """Bytes (m, h, w) or (m, h, w, 3), the largest of all values white and the smallest, or 0,
    black; what is not finite is black.
    """
    rows = np.nan_to_num(rows.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = min(0.0, float(rows.min())), float(rows.max())
    bright = (rows / 2 - low / 2) / ((high / 2 - low / 2) or 1.0)
    return as_images(np.round(255 * bright).astype(np.uint8), shape)
