"""The names of array types used throughout."""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
"""An array of float32, float64, or (in the gradient check) complex128."""

Kernel = Callable[..., Array]
"""A function of arrays with an argument `out`, None or a buffer, which may be an input."""

Cost = float | complex
"""J: a float, or complex when the parameters are (a complex step)."""
