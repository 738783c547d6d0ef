"""The names of array types used throughout."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""An array of float32, float64, or (in the gradient check) complex128."""

Kernel = Callable[..., Array]
"""A function of arrays whose last argument `out` may be one of its inputs."""

Cost = float | complex
"""J: a float, or complex when the parameters are (a complex step)."""


def working_dtype(precision: str) -> np.dtype[Any]:
    """float32 or float64, by its name in a config."""
    return np.dtype(precision)
