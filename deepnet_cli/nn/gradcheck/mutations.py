"""The classic bugs of a backward pass, planted one at a time: the check is checked.

Each says which node is then the first wrong one, and what the diagnosis must call it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deepnet_cli.nn.gradcheck.bugs import BUGS, loss_bugs
from deepnet_cli.nn.gradcheck.planted import planted, with_loss_gradient, with_op
from deepnet_cli.nn.gradcheck.trace import Point, trace
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Mutation:
    """An objective with one bug in it."""

    name: str
    node: str  # the first wrong one
    causes: tuple[str, ...]  # what the diagnosis may call it
    objective: Objective


def mutations(point: Point) -> Iterator[Mutation]:
    """Every bug in every step where it changes a number at the point."""
    right = _gradients(point)
    for mutation in _planted(point.objective, point.m):
        spoiled, node = _gradients(replace(point, objective=mutation.objective)), mutation.node
        changed = node in right and not np.array_equal(spoiled[node], right[node])
        if changed or node.startswith("penalty"):
            yield mutation


def _gradients(point: Point) -> dict[str, Array]:
    return {node.name: node.gradient for node in trace(point).nodes}


def _planted(objective: Objective, m: int) -> Iterator[Mutation]:
    network = objective.network
    scores = network.ops[-1].node
    for name, causes, spoil in loss_bugs(m):
        right = network.loss.gradient

        def gradient(
            S: Array, Y: Array, out: Array | None = None, spoil: Any = spoil, right: Any = right
        ) -> Array:
            dS: Array = np.multiply(spoil(right(S, Y)), 1, out=out)
            return dS

        yield Mutation(name, scores, causes, with_loss_gradient(objective, gradient))
    for k, op in enumerate(network.ops):
        for name, node, causes, wrong in BUGS[op.kind](op, network.input_of(k), m):
            yield Mutation(name, node, causes, with_op(objective, k, wrong))
    yield from _penalty_bugs(objective)


def _penalty_bugs(objective: Objective) -> Iterator[Mutation]:
    network = objective.network
    for i, penalty in enumerate(objective.penalties):
        first, last = penalty.layers or (1, len(network.layers))
        of = "" if penalty.layers is None else f" of layers {first} to {last}"
        trained = [l for l in range(first, last + 1) if not network.layers[l - 1].frozen]
        for name, factor in (("missing in dW", 0.0), ("twice", 2.0)) if trained else ():

            def gradient(
                self: Any, W: Array, factor: float = factor, right: Any = penalty
            ) -> Array:
                return np.asarray(factor * right.gradient(W))

            wrong = planted(penalty, gradient=gradient)
            penalties = (*objective.penalties[:i], wrong, *objective.penalties[i + 1 :])
            spoiled = replace(objective, penalties=penalties)
            node = f"penalty W{trained[0]}"
            yield Mutation(f"{penalty.name}{of} {name}", node, (penalty.name,), spoiled)
