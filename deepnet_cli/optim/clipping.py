"""What limits a gradient (P,) between the objective and the update rule.

    clip(grad)    changes grad in place; whether it did

A gradient that is not finite is left as it is: the cost after the update tells.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.types import Array


class Clipping(Protocol):
    """A limit for a gradient."""

    name: ClassVar[str]
    rotates: ClassVar[bool]  # whether it commutes with every rotation of the gradient

    def clip(self, grad: Array) -> bool:
        """Hold a gradient (P,) to the limit; whether it was beyond."""


@dataclass(frozen=True)
class ClipValue:
    """g = min(max(g, -limit), limit)   (PyTorch's clip_grad_value_)"""

    name: ClassVar[str] = "clip_value"
    rotates: ClassVar[bool] = False
    limit: float

    def clip(self, grad: Array) -> bool:
        beyond = bool(grad.max() > self.limit or grad.min() < -self.limit)
        if beyond:
            LIMITED(grad, self.limit)
        return beyond


@dataclass(frozen=True)
class ClipNorm:
    """g *= min(1, limit / (||g|| + 1e-6))   (Pascanu, Mikolov and Bengio, 2013)

    ||g|| is the root of the sum of squares over all parameters, summed in float64:
    https://arxiv.org/abs/1211.5063, in the form of PyTorch's clip_grad_norm_.
    """

    name: ClassVar[str] = "clip_norm"
    rotates: ClassVar[bool] = True
    limit: float

    def clip(self, grad: Array) -> bool:
        with np.errstate(all="ignore"):
            norm = float(np.sqrt(np.einsum("i,i->", grad, grad, dtype=np.float64)))
        share = self.limit / (norm + 1e-6)
        beyond = share < 1 and norm < np.inf
        if beyond:
            SCALED(grad, share)
        return beyond


def _limited(grad: Array, limit: float) -> None:
    np.maximum(grad, -limit, out=grad)
    np.minimum(grad, limit, out=grad)


def _scaled(grad: Array, share: float) -> None:
    grad *= share


LIMITED, SCALED = Pass(_limited, "fn"), Pass(_scaled, "fn")

CLIPPINGS: dict[str, Callable[[float], Clipping]] = {
    clipping.name: clipping for clipping in (ClipValue, ClipNorm)
}
"""In the order in which they act where a config has both."""
