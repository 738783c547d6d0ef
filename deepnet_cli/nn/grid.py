"""A derivative held against differences of its function, on a grid of arguments.

The grid reaches from -30 to 30 in quarters, and closes in on 0: what is wrong only far out,
or only beside 0, is found.  A numerical slope knows its own error (differences.py), and is
compared where that is small.  Where it is not there may be a kink, which shows in the slopes
from the left and from the right.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.differences import Function, sides, slopes
from deepnet_cli.nn.losses import Loss
from deepnet_cli.nn.types import Array

_NEAR = 10.0 ** np.arange(-8, 0)
GRID: Array = np.unique(np.concatenate([-_NEAR, _NEAR, np.linspace(-30, 30, 241)]))[None, :]
LABELS = (0.0, 1.0, -2.0, 0.25)
"""The y that a loss is tried with."""

RELATIVE = 1e-4
SETTLED = 1e-5
ROUNDING = 1e-9
"""Relative to 1 + |f|."""

JUMP = 1e-3
"""How much the slopes from the left and from the right differ at a kink, at least."""

FIRST, HALVINGS = 2.0**-6, 13
"""Steps that a sine of 50 z does not fool, nor the rounding of 1 + tanh far out."""

BESIDE = 1e-4
"""So near to a kink no difference quotient keeps clear of it."""

MOST_KINKS = 5
H = 1e-20


@dataclass(frozen=True)
class Slopes:
    """What differences of f say at each z, (1, n)."""

    f: Function
    z: Array

    @cached_property
    def central(self) -> tuple[Array, Array]:
        """f'(z) and its error."""
        with np.errstate(all="ignore"):
            return slopes(self.f, self.z, FIRST, HALVINGS)

    @cached_property
    def sides(self) -> tuple[Array, Array]:
        """f'(z) from the left and from the right."""
        with np.errstate(all="ignore"):
            return sides(self.f, self.z, FIRST, HALVINGS)

    @cached_property
    def rounding(self) -> Array:
        """What a formula for f' may lose to rounding: in 1 - tanh^2 far out, in a quotient at 0."""
        eps, z = np.finfo(np.float64).eps, np.maximum(np.abs(self.z), np.min(_NEAR))
        size: Array = ROUNDING * (1 + np.abs(self.f(self.z))) + 8 * eps / z
        return size

    @cached_property
    def settled(self) -> Array:
        """Where the central differences are good to many digits."""
        slope, error = self.central
        good: Array = error <= SETTLED * np.abs(slope) + self.rounding
        return good

    @cached_property
    def jumps(self) -> Array:
        """Where the two sides differ."""
        left, right = self.sides
        with np.errstate(all="ignore"):
            jump: Array = np.abs(left - right) > JUMP * np.maximum(np.abs(left), np.abs(right))
        return jump & ~self.settled

    def agrees(self, derivative: Array) -> Array:
        """Where a derivative has the value of the central differences."""
        slope, error = self.central
        with np.errstate(all="ignore"):
            near = np.abs(derivative - slope) <= (
                RELATIVE * np.abs(slope) + self.rounding + 10 * error
            )
        return np.asarray(near)

    def between(self, derivative: Array) -> Array:
        """Where a derivative is one of the two sides or between them."""
        left, right = self.sides
        slack = RELATIVE * np.maximum(np.abs(left), np.abs(right)) + 1e-6
        low, high = np.minimum(left, right) - slack, np.maximum(left, right) + slack
        return np.asarray((low <= derivative) & (derivative <= high))

    def wrong(self, derivative: Array, where: Array, place: Callable[[float], str]) -> str:
        """A sentence on the worst of the points `where` a derivative is wrong; or nothing."""
        if not where.any():
            return ""
        left, right = (side[where] for side in self.sides)
        z, says, count = self.z[where], derivative[where], np.count_nonzero(where)
        nearer = np.where(np.abs(says - left) < np.abs(says - right), left, right)
        slope = np.where(self.settled[where], self.central[0][where], nearer)
        with np.errstate(all="ignore"):
            off = np.abs(says - slope) / np.maximum(1, np.abs(slope))
        i = int(np.argmax(np.nan_to_num(off, nan=np.inf)))
        numerical = f"the function's slope is {slope[i]:.8g}"
        if not self.settled[where][i]:
            numerical = f"from the left it is {left[i]:.8g}, from the right {right[i]:.8g}"
        text = f"the derivative is wrong at {place(z[i])}: it says {says[i]:.8g}, {numerical}"
        if count == 1:
            return text
        return (
            f"{text} (the largest error of {count} points "
            f"that are wrong, from {z[0]:g} to {z[-1]:g})"
        )


def activation_problem(g: Activation) -> str:
    """What is wrong with g' on the grid and at the kinks that g declares; or nothing."""
    beside = [z + d for z in g.kinks for d in (-1e-8, 0.0, 1e-8)]
    z = np.unique(np.append(GRID, beside))[None, :]
    if problem := _entries_problem(g.forward, z):
        return problem
    derivative = g.backward(np.ones_like(z), z if g.keeps_Z else g.forward(z))
    found = Slopes(g.forward, z)
    declared = np.zeros(z.shape, bool)
    for kink in g.kinks:
        declared |= np.abs(z - kink) <= BESIDE * max(1, abs(kink))
    wrong = np.where(
        declared, ~found.between(derivative), found.settled & ~found.agrees(derivative)
    )
    if problem := found.wrong(derivative, wrong, partial(_at, "z")):
        return problem
    if kinks := _kinks(z[0], (found.jumps & ~declared)[0]):
        return _undeclared(kinks, g.kinks)
    return "" if found.settled.any() else _nothing("z")


def loss_problem(loss: Loss) -> str:
    """The same for a loss by A.  Where costs have a kink, any slope between its two will do."""
    for y in LABELS:
        f = at_label(loss, y)
        if problem := _entries_problem(f, GRID):
            return problem
        derivative = loss.gradient(GRID, np.full(GRID.shape, y))
        found = Slopes(f, GRID)
        wrong = (found.settled & ~found.agrees(derivative)) | (
            found.jumps & ~found.between(derivative)
        )
        if problem := found.wrong(derivative, wrong, partial(_at, f"Y = {y:g}, A")):
            return problem
        if not found.settled.any():
            return _nothing("A")
    return ""


def _at(argument: str, value: float) -> str:
    return f"{argument} = {value:.6g}"


def at_label(loss: Loss, y: float) -> Function:
    """The cost as a function of A, for one y."""
    return lambda A: loss.entries(A, np.full(A.shape, y))


def carries_complex_step(f: Function) -> bool:
    """Whether f(z + ih) has the slope of f in its imaginary part, all over the grid."""
    try:
        found = Slopes(f, GRID)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, where the imaginary part is cut off
            slope = f(GRID + 1j * H).imag / H
        agrees = found.agrees(slope)
    except Exception:  # it raises, as the function of a math library does: no
        return False
    return bool(found.settled.any() and agrees[found.settled].all())


def _entries_problem(f: Function, z: Array) -> str:
    """Each value is a function of its own entry alone, and the same each time."""
    whole = f(z)
    for part in (slice(None), slice(None, None, -1), slice(z.size // 2)):
        same = np.isclose(f(z[:, part].copy()), whole[:, part], 1e-9, 1e-12, equal_nan=True)
        if not same.all():
            at = z[:, part][~same][0]
            return (
                f"the value at {at:.6g} changes with the other entries, or from call to call; "
                "it must be a function of each entry by itself"
            )
    return ""


def _kinks(z: Array, marked: Array) -> list[float]:
    """One z of each run of marked points, the roundest: beside a kink its neighbours look like
    one.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]])))
    runs = [z[begin:end] for begin, end in edges.reshape(-1, 2)]
    return [float(min(run, key=lambda at: abs(at - round(4 * at) / 4))) for run in runs]


def _undeclared(found: list[float], declared: tuple[float, ...]) -> str:
    first = ", ".join(f"{z:g}" for z in found[:MOST_KINKS])
    more = f" and {len(found) - MOST_KINKS} more" if len(found) > MOST_KINKS else ""
    every = sorted({*found[:MOST_KINKS], *declared})
    kinks = ", ".join(map(repr, every)) + ("," if len(every) == 1 else "")
    return f"the function has a kink at z = {first}{more}; declare kinks=({kinks})"


def _nothing(argument: str) -> str:
    return (
        f"the derivative could be compared at no {argument} from -30 to 30: "
        "the function has no slope there, or is not finite"
    )
