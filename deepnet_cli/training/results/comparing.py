"""Two trained models on the same rows: the differences of their figures, and how sure they are.

    B - A of each figure, with a 95 % interval from resamples that both are measured on
    of two that tell classes apart, McNemar's exact test: where only one of them is right, either
    would be so with the same chance if both were as good (McNemar, 1947)

It is the models that are compared, as they are; how much another seed changes is another question.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from deepnet_cli.nn.improvement import smaller_is_better
from deepnet_cli.nn.metrics import (
    DEFAULTS,
    HEADLINE,
    Figures,
    Metric,
    chosen,
    drawn_figures,
    figures_of,
    observed,
)
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.evaluation import COST
from deepnet_cli.training.figures.intervals import GROUPS, Draws, Interval, dealt, intervals
from deepnet_cli.training.results.pairing import Side, in_common
from deepnet_cli.training.results.questions import check_comparable
from deepnet_cli.training.results.seen import seen_in_training

ALPHA = 0.05
FEWEST_ROWS = 6
"""Of which all may favor one of two alike by chance, less often than ALPHA: 2 / 2^6.  Resamples of
fewer know no other outcome, and their interval is too narrow to say anything.
"""

UNJUDGED = ("coverage", "width")
"""Figures of which neither a smaller nor a larger one is better by itself."""


class McNemar(NamedTuple):
    """How many rows only one of two has right, and how probable so uneven numbers are by chance."""

    only_a: int
    only_b: int
    p: float


class Difference(NamedTuple):
    """A figure of A and of B, B - A, and its interval; which of them is better: neither, where
    there is no evidence of a difference.
    """

    a: float
    b: float
    difference: float
    interval: Interval
    better: str  # "A", "B" or nothing


@dataclass(frozen=True)
class Comparison:
    """Two models on m rows that both were measured on."""

    a: Side
    b: Side
    of: tuple[int, int]  # rows that each was measured on
    figures: dict[str, Difference]
    mcnemar: McNemar | None
    judged: str  # the figure that decides
    notes: Sequence[str]

    @property
    def m(self) -> int:
        return self.a.outcomes.m

    @property
    def better(self) -> str:
        """By the figure that decides: "A", "B" or nothing."""
        return self.figures[self.judged].better


def compared(a: Side, b: Side) -> Comparison:
    """Two models on the rows that both have.  Raises DataError where they do not answer the same
    question, or have no rows in common.
    """
    check_comparable(a, b)
    of = a.outcomes.m, b.outcomes.m
    places, notes = in_common(a, b)
    a, b = a.take(places[0]), b.take(places[1])
    notes += [each for side in (a, b) for each in seen_in_training(side.path, side.outcomes.table)]
    pair = Pair(a, b)
    if pair.unweighted:
        notes.append("they do not weigh the rows alike: here all count the same")
    if pair.costs is None:
        notes.append("they were trained by different losses: their costs are not compared")
    m, mcnemar = len(places[0]), pair.mcnemar
    if m < FEWEST_ROWS:
        notes.append(f"fewer than {FEWEST_ROWS} rows are no evidence, whatever they say")
    found: dict[str, Difference] = {}
    with np.errstate(all="ignore"):
        of_a, of_b = pair.figures()
        known = {name: of_b[name] - of_a[name] for name in of_a}
        between = intervals(pair.draws(dealt(m)), known, min(m, GROUPS))
    for name, interval in between.items():
        by_chance = name == "accuracy" and mcnemar is not None and mcnemar.p > ALPHA
        better = "" if by_chance or m < FEWEST_ROWS else _better(name, interval)
        found[name] = Difference(of_a[name], of_b[name], known[name], interval, better)
    return Comparison(a, b, of, found, mcnemar, pair.judged, notes)


@dataclass(frozen=True)
class Pair:
    """Two models on the same rows, in the same order."""

    a: Side
    b: Side

    @cached_property
    def weights(self) -> Array | None:
        """Those of the rows, where both models have the same."""
        a, b = self.a.outcomes.weights, self.b.outcomes.weights
        return a if a is not None and b is not None and np.array_equal(a, b) else None

    @property
    def unweighted(self) -> bool:
        """Whether there are weights that are left out."""
        sides = (self.a.outcomes.weights, self.b.outcomes.weights)
        return self.weights is None and any(weights is not None for weights in sides)

    @cached_property
    def costs(self) -> tuple[Array, Array] | None:
        """J of each row (m,), where both have the same loss in the same units."""
        a, b = self.a.model, self.b.model
        units, others = a.encoding.units, b.encoding.units
        same = units is others if units is None or others is None else units.same(others)
        if not same or a.config.loss != b.config.loss:
            return None
        return self.a.outcomes.costs, self.b.outcomes.costs

    @cached_property
    def names(self) -> list[str]:
        """Metrics that both have: those of every summary and those that a config asks for."""
        asked = [*(self.a.model.config.training.metrics or ())]
        asked += self.b.model.config.training.metrics or ()
        kinds = self.a.outcomes.kind, self.b.outcomes.kind
        known = [chosen(kind, [*DEFAULTS[kinds[0]], *asked]) for kind in kinds]
        return [name for name in known[0] if name in known[1]]

    @property
    def judged(self) -> str:
        """The metric that both configs ask for first, or that of the kind; or else the cost."""
        asked = [side.model.config.training.metrics or [""] for side in (self.a, self.b)]
        first = {metrics[0] for metrics in asked} - {""}
        name = first.pop() if len(first) == 1 else HEADLINE[self.a.outcomes.kind]
        if (name in UNJUDGED or name not in self.names) and self.costs is not None:
            return "cost"
        return name if name in self.names else self.names[0]

    @property
    def mcnemar(self) -> McNemar | None:
        """Of models that tell classes apart, where all rows count the same."""
        if self.a.outcomes.form != "classes" or self.weights is not None:
            return None
        a, b = self.a.outcomes.right, self.b.outcomes.right
        only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
        return McNemar(only_a, only_b, evenly(only_a, only_b))

    def figures(self) -> tuple[Figures, Figures]:
        """Of A and of B."""
        w = self._counted[np.newaxis]
        of_a, of_b = (
            [figures_of(metrics, observed(metrics, A, Y, w)) for metrics, A, Y in side]
            for side in self._sides
        )
        return _joined(of_a), _joined(of_b)

    def draws(self, group: Array) -> Draws:
        """B - A of each figure, for the number of the group of each row (m,)."""
        of_a, of_b = (
            [drawn_figures(*each, self._counted, group) for each in side] for side in self._sides
        )

        def differences(times: Array) -> dict[str, Array]:
            a, b = (_joined([figures(times) for figures in side]) for side in (of_a, of_b))
            return {name: b[name] - a[name] for name in a}

        return differences

    @property
    def _counted(self) -> Array:
        """How much each row counts (m,)."""
        return np.ones(self.a.outcomes.m) if self.weights is None else self.weights

    @property
    def _sides(self) -> Iterator[list[tuple[Mapping[str, Metric], Array, Array]]]:
        """Of A and of B, metrics and the A and Y that they are of: first the cost, where costs are
        compared.
        """
        for k, told in enumerate((self.a.outcomes, self.b.outcomes)):
            J = None if self.costs is None else self.costs[k][np.newaxis]
            costs = [] if J is None else [(COST, J, J)]
            yield [*costs, (chosen(told.kind, self.names), told.A, told.Y)]


V = TypeVar("V")


def _joined(parts: Iterable[Mapping[str, V]]) -> dict[str, V]:
    return {name: value for part in parts for name, value in part.items()}


def evenly(b: int, c: int) -> float:
    """How probable it is that b + c throws of a coin fall so unevenly, or more: the two-sided p of
    the exact binomial test with 1/2.
    """
    n, k = b + c, min(b, c)
    steps = np.arange(1, k + 1)
    logs = np.concatenate(([0.0], np.cumsum(np.log((n - steps + 1) / steps)))) - n * np.log(2)
    return min(1.0, 2 * float(np.exp(logs).sum()))


def _better(name: str, interval: Interval) -> str:
    """Which is better where 0 is not in the interval of B - A."""
    low, high = interval
    if name in UNJUDGED or not (low > 0 or high < 0):
        return ""
    return "B" if (high < 0) is smaller_is_better(name) else "A"
