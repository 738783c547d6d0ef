"""The entry where a wrong derivative is wrong: about log2(entries) numerical derivatives.

With one Gaussian direction v, <g - g', v> is known for the whole node.  Cut the entries in
two, take the numerical derivative with v kept on one half and 0 on the other: the other
half's share is the difference.  The half with the larger share is cut again.
"""

from dataclasses import dataclass

import numpy as np

from deepnet_cli.nn.gradcheck.probe import Probe
from deepnet_cli.nn.gradcheck.trace import Node
from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Entry:
    """One entry of a derivative."""

    index: tuple[int, ...]  # counted from 0
    backward: float
    numerical: float


def worst_entry(probe: Probe, node: Node, rng: np.random.Generator) -> Entry:
    """An entry of a wrong node that is wrong; where only one is, that one."""
    v = rng.standard_normal(node.value.size)
    g = node.gradient.reshape(-1)
    if not np.isfinite(g).all():
        return entry(probe, node, int(np.argmin(np.isfinite(g))))
    start, stop = 0, v.size
    whole = _difference(probe, node, g, v, start, stop)
    while stop - start > 1:
        middle = (start + stop) // 2
        first = _difference(probe, node, g, v, start, middle)
        second = whole - first
        if abs(first) >= abs(second):
            stop, whole = middle, first
        else:
            start, whole = middle, second
    return entry(probe, node, start)


def entry(probe: Probe, node: Node, place: int) -> Entry:
    """The two derivatives by one entry, counted in C order."""
    direction = np.zeros(node.value.size)
    direction[place] = 1
    numerical = probe.slope(node, direction.reshape(node.value.shape))
    index = tuple(int(i) for i in np.unravel_index(place, node.value.shape))
    return Entry(index, float(node.gradient.reshape(-1)[place]), numerical)


def _difference(probe: Probe, node: Node, g: Array, v: Array, start: int, stop: int) -> float:
    part = np.zeros_like(v)
    part[start:stop] = v[start:stop]
    return float(g @ part) - probe.slope(node, part.reshape(node.value.shape))
