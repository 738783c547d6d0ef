"""L-BFGS: down a smooth function of one vector, whose last gradients say how it curves.

d = -H g        H from the last pairs s = step, y = change of g   (Nocedal and Wright,
theta += a d    Numerical Optimization, algorithm 7.4); a = 1, halved until J falls by
                at least 1e-4 a g d (Armijo)
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from deepnet_cli.nn.types import Array

MEMORY = 10
ENOUGH = 1e-4
HALVINGS = 30

Pair = tuple[Array, Array]


def minimize(
    f: Callable[[Array], tuple[float, Array]], theta: Array, steps: int, tolerance: float = 1e-6
) -> Array:
    """theta (P,) after at most `steps` steps down f, which returns J and dJ/dtheta (P,).

    It ends before, where no entry of the gradient is larger than `tolerance`, or no step lowers J.
    """
    J, g = f(theta)
    pairs: deque[Pair] = deque(maxlen=MEMORY)
    for _ in range(steps):
        if not np.abs(g).max() > tolerance:
            break
        d = -_curved(g, pairs)
        a = 1.0 if pairs else min(1.0, 1 / float(np.linalg.norm(g)))
        slope = float(g @ d)
        for _ in range(HALVINGS):
            J_new, g_new = f(theta + a * d)
            if J_new <= J + ENOUGH * a * slope:
                break
            a /= 2
        else:
            break
        s, y = a * d, g_new - g
        if s @ y > 0:
            pairs.append((s, y))
        theta, J, g = theta + s, J_new, g_new
    return theta


def _curved(g: Array, pairs: deque[Pair]) -> Array:
    """H g"""
    d, along = g.copy(), []
    for s, y in reversed(pairs):
        along.append((s @ d) / (s @ y))
        d -= along[-1] * y
    if pairs:
        s, y = pairs[-1]
        d *= (s @ y) / (y @ y)
    for (s, y), before in zip(pairs, reversed(along), strict=True):
        d += (before - (y @ d) / (s @ y)) * s
    return d
