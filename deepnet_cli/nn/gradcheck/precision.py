"""How many digits a gradient in float32 has, block by block.

The same theta and examples, rounded to float32, go through the objective in float32 and
in float64: what differs is arithmetic alone.
"""

import numpy as np

from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.types import Array

SINGLE = np.float32


def float32_digits(point: Point) -> dict[str, float]:
    """The decimal digits of dW1, db1, ...; a block whose gradient is 0 is left out."""
    layout = point.objective.network.layout
    single, double = (layout.views(_gradient(point, kind)) for kind in (SINGLE, np.float64))
    digits = {}
    for name in layout.names:
        norm = float(np.linalg.norm(double[name]))
        error = float(np.linalg.norm(single[name].astype(np.float64) - double[name]))
        if norm > 0:
            lost = min(1.0, error / norm) if np.isfinite(error) else 1.0
            digits[name] = float(-np.log10(max(lost, 1e-16)))
    return digits


def _rounded(array: Array, kind: type) -> Array:
    single: Array = array.astype(SINGLE)
    return single.astype(kind)


def _gradient(point: Point, kind: type) -> Array:
    """Of the point rounded to float32, in the precision `kind`."""
    arrays = (point.theta, point.X, point.Y)
    with np.errstate(all="ignore"):
        theta, X, Y = (_rounded(array, kind) for array in arrays)
        weights = None if point.weights is None else _rounded(point.weights, kind)
        return point.objective(theta, X, Y, weights, point.step)[1].copy()
