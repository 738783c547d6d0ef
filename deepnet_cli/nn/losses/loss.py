"""What a loss over the scores S of the output layer is: J is a mean over examples.

    J = mean of the entries of      entries(S, Y)    (K, m), over m K or over m
    dS = d(sum of entries)/dS =     gradient(S, Y)   (K, m)

The mean is weighted where examples have weights: sum of w_i cost_i / sum of w_i.

Each loss has a canonical link, the output activation g[L] that it carries inside.
Under that activation S is Z[L], and logarithms never see a rounded 0: the costs are
finite for any finite Z.  Under any other activation S is A[L], where the loss `takes` it:
its link is then `linear`.

`start(A, Y)` is dJ/dA[L] as the course writes it, for one example.  Training does not
need it; the law start(A, Y) * g'(Z) = gradient(Z, Y) holds the two together.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.types import Array, Cost, Kernel

ClassWeight = Literal["balanced"] | dict[str, float] | None
"""An option of losses that tell classes apart, which acts on the weights of the examples alone
(data/dealing/weighing.py): no kernel knows it.
"""

POSITIVE = {"gt": 0.0}
"""Bounds of an option."""


def shares(weights: Array | None, m: int) -> Array:
    """(m,) in float64: the part that each example has in the mean; equal without weights."""
    if weights is None:
        return np.full(m, 1 / m)
    wide: Array = weights.astype(np.float64)
    wide /= wide.max() or 1.0  # so that no sum overflows
    return wide / (wide.sum() or 1.0)


@dataclass(frozen=True)
class Loss:
    """A cost on each entry of the scores, its derivative, and what it takes Y to be: `target`.

    binary  entries 0 or 1        class      one-hot columns
    number  any numbers           quantiles  one number an example, in every row
    count   numbers >= 0
    """

    name: str
    target: str
    link: Activation
    entries: Kernel
    gradient: Kernel
    start: Kernel
    over_outputs: bool  # the mean runs over all m K entries, not over the m columns
    complex_step: bool = True  # a complex step goes through `entries`
    formula: str = ""  # of one entry, for a reader
    start_formula: str = ""  # its derivative by A
    by_Z: str = ""  # its derivative by Z, where the loss carries g inside
    columns: tuple[str, ...] = ()  # how the outputs are called, where each is of its own kind

    @property
    def scored(self) -> bool:
        """Whether A are scores that tell classes apart, and no probabilities."""
        return self.target in ("binary", "class") and self.link.name == "linear"

    @property
    def kind(self) -> str:
        """What A are, as they are measured (nn/metrics): the target, or scores that tell it."""
        return f"{self.target} scores" if self.scored else self.target

    def takes(self, g: Activation) -> bool:
        """Whether g may be the output activation: its link; numbers may come from any activation
        of single entries that no loss carries, scores from one that treats both signs alike.
        """
        free = self.link.name == "linear" and not g.link_only
        return g is self.link or (free and (g.odd or not self.scored))

    def cost(self, S: Array, Y: Array, share: Array) -> Cost:
        """J, for S and Y (K, m) and each example's share (m,) of the mean."""
        costs = np.empty((1, S.shape[1]), np.result_type(S.dtype, np.float64))
        J, Y = np.empty((1, 1), costs.dtype), np.ascontiguousarray(Y, S.real.dtype)
        self._costs(np.ascontiguousarray(S), Y, share.reshape(1, -1), costs, 1 / self.outputs(Y))
        TOTAL(costs, J)
        total: Cost = J.item()
        return total

    def cost_and_gradient(
        self,
        S: Array,
        Y: Array,
        share: Array,
        out: Array,
        costs: Array | None = None,
        J: Array | None = None,
    ) -> Cost:
        """J; dJ/dS (K, m), with the 1/m of every later gradient in it, goes into `out`.

        The buffers, where they are given, take each example's part of J (1, m), and J (1, 1).
        """
        costs = np.empty((1, S.shape[1])) if costs is None else costs
        J = np.empty((1, 1)) if J is None else J
        Y = np.ascontiguousarray(Y, S.dtype)
        self._both(S, Y, share.reshape(1, -1), costs, out, 1 / self.outputs(Y))
        TOTAL(costs, J)
        total: Cost = J.item()
        return total

    @cached_property
    def _costs(self) -> Pass:
        return Pass(self._write_costs, "ffCCn", axis=0)

    @cached_property
    def _both(self) -> Pass:
        def write(S: Array, Y: Array, share: Array, costs: Array, dS: Array, part: float) -> None:
            self._write_costs(S, Y, share, costs, part)
            self.gradient(S, Y, out=dS)
            np.multiply(dS, share * part, out=dS, casting="same_kind")

        return Pass(write, "ffCCfn", axis=0)

    def _write_costs(self, S: Array, Y: Array, share: Array, costs: Array, part: float) -> None:
        entries = self.entries(S, Y).sum(axis=0, keepdims=True)
        np.multiply(entries, share * part, out=costs)

    def outputs(self, Y: Array) -> int:
        """What the mean divides by beside the examples: K, or 1."""
        return len(Y) if self.over_outputs else 1


def _total(costs: Array, J: Array) -> None:
    np.sum(costs, axis=1, keepdims=True, out=J)


TOTAL = Pass(_total, "fr", axis=1)
