"""L-BFGS: down a function of one vector, whose last gradients say how it curves.

    d = -H g      H from the last pairs, s = change of W, y = change of g
    W += a d      a = 1, or the next that is tried, where
                  J(a) <= J + 1e-4 a g d  and  g(a) d >= 0.9 g d   (weak Wolfe)

H by the two loops of Nocedal and Wright, Numerical Optimization, algorithm 7.4.  The lengths
are those of a bisection that ends at kinks too (Lewis and Overton, Nonsmooth optimization via
quasi-Newton methods, 2013, algorithm 2.6), divided where a parabola has its minimum.
"""

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import ClassVar

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.optim.rule import Evaluate, Search, Valued

ENOUGH, FLAT = 1e-4, 0.9
"""Of the slope at the start: what J falls by at least, and what is left of it at most."""

TRIALS = 60
"""Lengths that are tried along a direction, at most."""

MARGIN = 0.1
"""Of a bracket, that a trial keeps from its ends."""


@dataclass(frozen=True)
class LBFGS(Search):
    """W += a d,  d = -H g,  H by the last pairs s, y;  a is searched   (Nocedal, 1980)

    https://doi.org/10.1090/S0025-5718-1980-0572855-7; of full batches, without a learning rate.
    """

    name: ClassVar[str] = "lbfgs"
    rotates: ClassVar[bool] = True
    scratch: ClassVar[int] = 8 * 8  # start, g, d, two pairs and a product, in float64
    memory: int = field(default=10, metadata={"ge": 1, "le": 100})

    @property
    def n_slots(self) -> int:  # type: ignore[override]
        """A row s for each pair, then a row y; update t writes row t mod memory of both."""
        return 2 * self.memory

    def converged(self, slots: Array, t: int) -> bool:
        return t > 0 and not slots[t % self.memory].any()

    @np.errstate(all="ignore")
    def step(self, f: Evaluate, theta: Array, J: float, g: Array, slots: Array, t: int) -> Valued:
        """Where nothing along d is lower than J the pairs are forgotten; where nothing along -g
        is either, theta stays, and so s = 0.  Sums are in float64.
        """
        start, before = theta.astype(np.float64), g.astype(np.float64)
        reached, after = J, g
        if slots.any():
            d = self._direction(before, slots, t)
            reached, after = _search(f, theta, start, d, 1.0, J, float(before @ d))
        if not reached < J:
            slots[...] = 0
            norm = float(np.linalg.norm(before))
            length = 1 / norm if norm else 1.0
            reached, after = _search(f, theta, start, -before, length, J, -(norm**2))
        row = t % self.memory
        slots[row], slots[self.memory + row] = theta - start, after - before
        return reached, after

    def _direction(self, g: Array, slots: Array, t: int) -> Array:
        """-H g (P,) before update t; a pair with s y <= 0 says nothing that H can hold."""
        d, known = -g, list[tuple[int, float, float]]()
        for k in range(1, self.memory + 1):
            row = (t - k) % self.memory
            s, y = self._pair(slots, row)
            curvature = float(s @ y)
            if curvature > 0:
                known.append((row, curvature, float(s @ d) / curvature))
                d -= known[-1][2] * y
        if known:
            row, curvature, _ = known[0]
            _, y = self._pair(slots, row)
            d *= curvature / (y @ y)
        for row, curvature, before in reversed(known):
            s, y = self._pair(slots, row)
            d += (before - float(y @ d) / curvature) * s
        return d

    def _pair(self, slots: Array, row: int) -> tuple[Array, Array]:
        """s and y (P,)"""
        s, y = slots[row], slots[self.memory + row]
        return s.astype(np.float64, copy=False), y.astype(np.float64, copy=False)


def _search(
    f: Evaluate, theta: Array, start: Array, d: Array, a: float, J: float, slope: float
) -> Valued:
    """f where theta is left: at start + a d, or, where nothing is lower, at the
    start; the slope there is g d.
    """
    low, J_low, slope_low, high, J_high = 0.0, J, slope, inf, inf
    for _ in range(TRIALS if slope < 0 else 0):
        theta[...] = start + a * d
        J_a, g = f(theta)
        slope_a = float(g @ d)
        if not (J_a < J and J_a <= J + ENOUGH * a * slope and isfinite(slope_a)):
            high, J_high = a, J_a
        elif slope_a < FLAT * slope:
            low, J_low, slope_low = a, J_a, slope_a
        else:
            return J_a, g
        if (theta == start).all():
            break
        if high == inf:
            a = 2 * low
        else:
            a = low + (high - low) * _share(J_high - J_low, slope_low * (high - low))
    theta[...] = start + low * d if low else start
    return f(theta)


def _share(rise: float, slope: float) -> float:
    """Where in 0 ... 1 a parabola of this slope at 0 that comes to `rise` at 1 has its minimum."""
    place = float(np.float64(-slope) / (2 * (rise - slope)))
    return min(max(MARGIN, place), 1 - MARGIN)


def minimize(f: Evaluate, theta: Array, steps: int, tolerance: float = 1e-6) -> Array:
    """theta (P,) after at most `steps` steps down f.

    It ends before, where no entry of the gradient is larger than `tolerance`, or no step lowers J.
    """
    rule, theta = LBFGS(), theta.copy()
    slots = np.zeros((rule.n_slots, theta.size), theta.dtype)
    J, g = f(theta)
    for t in range(1, steps + 1):
        if not np.abs(g).max() > tolerance:
            break
        J, g = rule.step(f, theta, J, g, slots, t)
        if rule.converged(slots, t):
            break
    return theta
