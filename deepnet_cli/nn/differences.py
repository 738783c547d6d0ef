"""Derivatives by differences of function values, extrapolated to step 0.

Neville's tables over the steps h, h/2, h/4, ... (Ridders, Advances in Engineering Software
4, 1982): of central differences, whose error terms are h^2, h^4, ..., and of one-sided
ones, whose terms are h, h^2, ...  Everything is elementwise: f takes and returns arrays of
one shape, and each entry keeps the estimate that it trusts most.
"""

from collections.abc import Callable

import numpy as np

from deepnet_cli.nn.types import Array

FIRST_STEP = 2.0**-3
HALVINGS = 20
SETTLED = 1e-10
"""The relative error at which no smaller step is tried."""

Function = Callable[[Array], Array]


def slopes(
    f: Function,
    z: Array,
    first: float = FIRST_STEP,
    halvings: int = HALVINGS,
    settled: float = SETTLED,
    least: float = 0.0,
) -> tuple[Array, Array]:
    """f'(z) and an estimate of its error, both of z's shape.

    The first step is `first` times the size of z, or `first` where |z| < 1.  Where f is
    smooth, what the one-sided differences jump by at z goes to 0 with h; at a kink it does
    not, and counts as error, as does the rounding of f: that of numbers of the size of
    `least`, where f comes of such and is smaller itself.
    """
    z = np.asarray(z, np.float64)
    h, at_z = first * np.maximum(1.0, np.abs(z)), f(z)
    best, error = np.full(z.shape, np.nan), np.full(z.shape, np.inf)
    central: list[Array] = []
    jumps: list[Array] = []
    for _ in range(halvings):
        above, below = f(z + h), f(z - h)
        last = central[-1] if central else at_z
        central = _extrapolated((above - below) / (2 * h), central, 4, 4)
        jumps = _extrapolated((above - 2 * at_z + below) / h, jumps, 2, 4)
        size = np.maximum(np.maximum(np.abs(above), np.abs(below)), least)
        rounding = 4 * np.finfo(np.float64).eps * size / h
        if len(central) > 1:
            unsure = np.maximum(*(np.abs(central[-1] - other) for other in (central[-2], last)))
            estimate = unsure + np.abs(jumps[-1]) + rounding
            better = estimate < error
            best, error = np.where(better, central[-1], best), np.where(better, estimate, error)
        if np.all((error <= settled * np.abs(best)) | (rounding > error)):
            break
        h = h / 2
    return best, error


def sides(
    f: Function, z: Array, first: float = FIRST_STEP, halvings: int = HALVINGS
) -> tuple[Array, Array]:
    """The derivatives of f at z from the left and from the right."""
    z = np.asarray(z, np.float64)
    return tuple(_one_sided(f, z, sign * first, halvings) for sign in (-1, 1))  # type: ignore[return-value]


def _one_sided(f: Function, z: Array, first: float, halvings: int) -> Array:
    h, at_z = first * np.maximum(1.0, np.abs(z)), f(z)
    best, error = np.full(z.shape, np.nan), np.full(z.shape, np.inf)
    table: list[Array] = []
    for _ in range(halvings):
        beside = f(z + h)
        table = _extrapolated((beside - at_z) / h, table, 2, 2)
        rounding = 4 * np.finfo(np.float64).eps * np.maximum(np.abs(beside), np.abs(at_z))
        if len(table) > 1:
            estimate = np.abs(table[-1] - table[-2]) + rounding / np.abs(h)
            better = estimate < error
            best, error = np.where(better, table[-1], best), np.where(better, estimate, error)
        h = h / 2
    return best


def _extrapolated(value: Array, above: list[Array], first: int, ratio: int) -> list[Array]:
    """The next row of a table for halved steps: its k-th entry is free of k error terms."""
    row = [value]
    for k, entry in enumerate(above):
        row.append(row[-1] + (row[-1] - entry) / (first * ratio**k - 1))
    return row
