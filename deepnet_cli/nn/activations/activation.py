"""What an activation is.

    forward(Z, out)       A  = g(Z)            out may be Z
    backward(dA, A, out)  dZ = dA * g'(Z)      out may be dA

Where g' is a function of A alone the forward pass overwrites Z; where it is not, the
activation keeps Z, and backward is given Z in the place of A.  All arrays are
(n[l], m).  A switch looks at the real part, so that each formula also carries a complex
step of the gradient check.
"""

from dataclasses import dataclass

from deepnet_cli.nn.initializers import XAVIER, Initializer
from deepnet_cli.nn.types import Kernel

FACTOR = {"ge": 1e-3, "le": 1e3}
"""Bounds of an option that multiplies: within them float32 keeps its digits."""


@dataclass(frozen=True)
class Activation:
    """A function of Z and the map that pulls gradients back through it."""

    name: str
    forward: Kernel
    backward: Kernel
    weights: Initializer = XAVIER  # that keeps the scale of A
    keeps_Z: bool = False  # g' is a function of Z, and backward is given Z
    elementwise: bool = True  # else each column is one argument
    odd: bool = False  # g(-Z) = -g(Z)
    link_only: bool = False  # an output activation only, of the loss that carries it inside
    kinks: tuple[float, ...] = ()  # where g has no derivative
    complex_step: bool = True  # complex numbers go through forward
    trained_from: float | None = None  # its slope below 0 is trained (ops/prelu.py), from here on
    formula: str = ""  # g(Z), for a reader
    slope: str = ""  # g'(Z)
