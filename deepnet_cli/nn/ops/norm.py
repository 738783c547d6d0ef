"""What norms have in common, along whichever axis their mean is taken."""

from collections.abc import Callable

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.types import Array


def scaled(Zhat: Array, N: Array, inverse_std: Array, scale: Array, shift: Array) -> None:
    """Zhat from Z - mean, in place, and N = scale Zhat + shift."""
    Zhat *= inverse_std
    np.multiply(Zhat, scale, out=N)
    N += shift


def pull_along(axis: int) -> Callable[[Array, Array, Array, Array], None]:
    """dZ = (dZhat - mean(dZhat) - Zhat mean(dZhat Zhat)) / std of dZhat = dN scale, in place."""

    def pull(dZ: Array, Zhat: Array, inverse_std: Array, scale: Array) -> None:
        dZ *= scale  # dZhat
        along = np.mean(dZ * Zhat, axis=axis, keepdims=True)
        dZ -= np.mean(dZ, axis=axis, keepdims=True)
        dZ -= Zhat * along
        dZ *= inverse_std

    return pull


def _sums(dN: Array, Zhat: Array, dscale: Array, dshift: Array) -> None:
    np.sum(dN * Zhat, axis=1, keepdims=True, out=dscale)
    np.sum(dN, axis=1, keepdims=True, out=dshift)


SUMS = Pass(_sums, "ffrr", axis=1)
