"""The gradient check: dJ/dtheta from the backward pass against numerical derivatives.

For each W[l] and b[l], over the entries checked, the course's ratio

    ||g - g'|| / (||g|| + ||g'||)

of the backward pass's g and the numerical g'.  It has no absolute tolerance, so a small
gradient is held to the same digits as a large one.  Each numerical derivative is a
central difference extrapolated to step 0 (Ridders, 1982), which comes with an estimate
of its own error: where that estimate does not settle (a relu's kink is closer than the
smallest step, or J is lost in rounding), the entry is left out and counted, not failed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array

TOLERANCE = 1e-6
EVERY_ENTRY = 10_000
"""Networks of up to this many parameters are checked entry by entry."""

_FIRST_STEP = 2.0**-3
_HALVINGS = 20
_SETTLED = 1e-3
"""An entry counts when its own error is below this part of the tolerance it serves."""


@dataclass(frozen=True)
class Row:
    """The verdict on one W[l] or b[l]."""

    name: str
    shape: tuple[int, int]
    entries: int  # compared
    unsettled: int  # left out
    norm: float  # ||g|| over the entries compared
    rel_error: float  # the ratio
    status: str  # ok, wrong, or unclear: too few entries settled
    worst: tuple[int, ...]  # where |g - g'| is largest
    backward: float  # g there
    numerical: float  # g' there


def derivative(J: Callable[[float], float], scale: float) -> tuple[float, float]:
    """dJ/dh at h = 0 and an estimate of its error.

    Neville's tables over steps h = scale 2^-3, 2^-4, ... (Ridders, Advances in Engineering
    Software 4, 1982): of central differences, whose error terms are h^2, h^4, ..., and of
    the jump between the one-sided ones, whose terms are h, h^3, ...  Where J is smooth the
    jump goes to 0; at a kink it does not, and counts as error, as does the rounding of J.
    """
    h, at_0 = _FIRST_STEP * scale, J(0.0)
    best, error = np.nan, np.inf
    slopes: list[float] = []
    jumps: list[float] = []
    for _ in range(_HALVINGS):
        above, below = J(h), J(-h)
        slopes = _extrapolated((above - below) / (2 * h), slopes, 4)
        jumps = _extrapolated((above - 2 * at_0 + below) / h, jumps, 2)
        rounding = 4 * np.finfo(float).eps * max(abs(above), abs(below)) / h
        if len(slopes) > 1:
            estimate = abs(slopes[-1] - slopes[-2]) + abs(jumps[-1]) + rounding
            if estimate < error:
                best, error = slopes[-1], estimate
        if error <= _SETTLED * TOLERANCE * abs(best) or rounding > error:
            break
        h /= 2
    return best, error


def _extrapolated(value: float, above: list[float], first: int) -> list[float]:
    """The next row of a table for halved steps: its k-th entry is free of k error terms."""
    row = [value]
    for k, entry in enumerate(above):
        row.append(row[-1] + (row[-1] - entry) / (first * 4**k - 1))
    return row


def chosen_entries(size: int, samples: int, rng: np.random.Generator) -> Array:
    """`samples` of range(size) without repeats, in order; all where there are no more."""
    if size <= samples:
        return np.arange(size)
    return np.sort(rng.choice(size, samples, replace=False))


def check(
    objective: Objective, theta: Array, X: Array, Y: Array, samples: int, rng: np.random.Generator
) -> Iterator[Row]:
    """A row for each W[l] and b[l]: at most `samples` entries of each, drawn by `rng`.

    theta (P,), X (n[0], m) and Y (n[L], m) in float64.
    """
    _, gradient = objective(theta, X, Y)
    gradient = gradient.copy()
    layout = objective.network.layout
    probe = theta.copy()

    for name, shape in layout.shapes.items():
        place = layout.places[name]
        entries = place.start + chosen_entries(place.stop - place.start, samples, rng)
        numerical, errors = np.empty(len(entries)), np.empty(len(entries))
        for i, entry in enumerate(entries):

            def J(h: float, entry: int = entry) -> float:
                probe[entry] = theta[entry] + h
                return float(objective.cost(probe, X, Y).real)

            numerical[i], errors[i] = derivative(J, max(1.0, abs(theta[entry])))
            probe[entry] = theta[entry]
        yield _verdict(name, shape, entries - place.start, gradient[entries], numerical, errors)


def _verdict(
    name: str, shape: tuple[int, int], entries: Array, g: Array, numerical: Array, errors: Array
) -> Row:
    scale = np.linalg.norm(g) + np.linalg.norm(numerical[np.isfinite(numerical)])
    settled = errors <= TOLERANCE / 10 * scale / np.sqrt(len(errors))
    settled |= (g == 0) & (numerical == 0)  # a dead unit: J does not depend on the entry
    difference = np.where(settled, np.abs(g - numerical), 0.0)
    scale = np.linalg.norm(g[settled]) + np.linalg.norm(numerical[settled])
    ratio = float(np.linalg.norm(difference) / scale) if scale > 0 else 0.0
    worst = int(np.argmax(difference))
    if ratio > TOLERANCE:
        status = "wrong"
    else:
        status = "ok" if 2 * settled.sum() >= len(entries) else "unclear"
    return Row(
        name,
        shape,
        entries=int(settled.sum()),
        unsettled=int((~settled).sum()),
        norm=float(np.linalg.norm(g[settled])),
        rel_error=ratio,
        status=status,
        worst=tuple(int(i) + 1 for i in np.unravel_index(entries[worst], shape)),
        backward=float(g[worst]),
        numerical=float(numerical[worst]),
    )
