"""Dropout for selu: what is dropped goes to where selu saturates, not to 0.

    D[l] = (A[l] + s) * mask - s a keep         mask: a where a unit is kept, else 0
    a = 1 / sqrt(keep (1 + s^2 (1 - keep)))     s = 1.758... = scale alpha: selu(-infinity) = -s

Mean 0 and variance 1 of A[l] are those of D[l]; dA[l] = dD[l] * mask.  With d = 0 or 1 for a unit
that is dropped or kept it is a (A d - s (1 - d)) + b, b = a s (1 - keep).
Klambauer et al., 2017, https://arxiv.org/abs/1706.02515
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.activations.exponential import SELU_ALPHA, SELU_SCALE
from deepnet_cli.nn.ops.dropout import Dropout, DropoutCache
from deepnet_cli.nn.ops.op import Windows
from deepnet_cli.nn.types import Array

S = SELU_SCALE * SELU_ALPHA


@dataclass(frozen=True)
class AlphaDropout(Dropout):
    """Drops each entry of A[l] with probability `rate`, by itself in each example."""

    kind: ClassVar[str] = "alpha dropout"

    @property
    def kept(self) -> float:
        """a"""
        p = self.rate
        return float(1 / np.sqrt((1 - p) * (1 + S * S * p)))

    def forward(self, p: Windows, V: Array, c: DropoutCache) -> Array:
        MASKED(V, c.mask, c.U, S, S * self.kept * (1 - self.rate))
        return c.U


def _masked(V: Array, mask: Array, U: Array, s: float, middle: float) -> None:
    np.add(V, s, out=U)
    U *= mask
    U -= middle


MASKED = Pass(_masked, "fffnn")
