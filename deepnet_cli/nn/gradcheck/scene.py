"""A wrong node with all that was right before it: what the suspects are held against."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from deepnet_cli.nn.gradcheck.bisection import Entry
from deepnet_cli.nn.gradcheck.probe import Probe
from deepnet_cli.nn.gradcheck.trace import Node
from deepnet_cli.nn.types import Array

CLOSE = 1e-7
"""The relative difference below which two derivatives are the same."""


LEFT = 1e-2
"""A correction leaves at most this part of the error."""


def same(one: Array, other: Array) -> bool:
    """Whether two arrays in float64 are the same, bit for bit."""
    return bool((one.view(np.int64) == other.view(np.int64)).all())


@dataclass(frozen=True)
class Diagnosis:
    """Why a node is wrong."""

    cause: str  # a short name: "sign", "activation", ...
    sentence: str


Wrong = Iterator[tuple[str, str, Array]]
"""Wrong formulas: cause, sentence, and the derivative that they give."""


@dataclass(frozen=True)
class Scene:
    """A wrong node, with all that was right before it."""

    probe: Probe
    node: Node
    again: Array  # its derivative by a pass with no earlier one
    entry: Entry
    vs: list[Array]
    slopes: list[float]  # dJ along them

    @cached_property
    def dU(self) -> Array:
        """The derivative that the node's step was handed, (n[l], m)."""
        return self.probe.trace.upstream[self.source]

    @property
    def source(self) -> int:
        return self.node.source or 0

    @property
    def V(self) -> Array:
        """The input of the node's step."""
        return self.probe.trace.values[self.source]

    @property
    def U(self) -> Array:
        """Its output."""
        return self.probe.trace.values[self.source + 1]

    @property
    def op(self) -> Any:
        """The step whose way back made the node."""
        return self.probe.network.ops[self.source]

    def fits(self, corrected: Array) -> bool:
        """Whether a corrected derivative has the numerical slopes, and g is far from them."""
        along = np.array([np.vdot(corrected, v) for v in self.vs])
        wrong = np.array([np.vdot(self.node.gradient, v) for v in self.vs])
        numerical = np.array(self.slopes)
        off, scale = np.linalg.norm(along - numerical), np.linalg.norm(along)
        return bool(off <= min(CLOSE * scale, LEFT * np.linalg.norm(wrong - numerical)))

    def explains(self, formula: Array) -> bool:
        """Whether a wrong formula gives the node's derivative."""
        g = self.node.gradient
        if formula.shape != g.shape or not np.isfinite(formula).all():
            return False
        return bool(np.linalg.norm(formula - g) <= CLOSE * np.linalg.norm(g))
