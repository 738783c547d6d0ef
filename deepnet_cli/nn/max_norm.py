"""W[l] with each row held to a norm: the weights that come into a unit.

    W = W min(1, c / ||W||)         each row by itself, after each update

Srivastava et al., 2014, section 5.1, https://jmlr.org/papers/v15/srivastava14a.html.  It
commutes with every rotation of the inputs.  A row whose norm is no finite number is left as it
is: the cost tells.
"""

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.types import Array


def _held(W: Array, c: float) -> None:
    wide = W.astype(np.float64)
    norm = np.sqrt(np.sum(wide * wide, axis=1, keepdims=True))
    W *= np.where(norm < np.inf, c / np.maximum(norm, c), 1)


HOLD = Pass(_held, "fn", axis=1)
