"""The training loop: a generator of steps over an explicit state."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import numpy as np

from deepnet_cli.data.batches import Batch
from deepnet_cli.errors import DivergedError
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.replay import Replay
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.clipping import Clipping
from deepnet_cli.optim.rule import Optimizer


@dataclass
class State:
    """All that training changes: theta (P,), the optimizer's slots (k, P), updates made."""

    theta: Array
    slots: Array
    iteration: int

    @classmethod
    def start(cls, theta: Array, rule: Optimizer) -> "State":
        """Before the first update."""
        return cls(theta, np.zeros((rule.n_slots, theta.size), theta.dtype), 0)

    def copy(self) -> "State":
        """A state that training does not touch."""
        return State(self.theta.copy(), self.slots.copy(), self.iteration)


class Step(NamedTuple):
    """One update that was made."""

    iteration: int  # counted from 0
    epoch: int  # counted from 0
    cost: float  # J on the batch, before the update
    clipped: bool = False  # whether its gradient was


def train(
    state: State,
    objective: Objective,
    clippings: Sequence[Clipping],
    rule: Optimizer,
    rate: Callable[[int], float],
    batches: Iterable[Batch],
) -> Iterator[Step]:
    """Make one update a batch, changing `state` in place.

    Raises DivergedError at the first cost that is not finite, or where a running statistic
    is not; that update is not made.
    """
    objective = objective.fused
    gradient, move = Replay(objective), None
    for batch in batches:
        J, grad = gradient(state.theta, batch.X, batch.Y, batch.weights, batch.iteration)
        cost = float(J.real)
        if trouble := not_finite(objective, state.theta, cost):
            raise DivergedError(f"{trouble} at iteration {batch.iteration} (epoch {batch.epoch})")
        if move is None:
            layout = objective.network.layout
            vectors = state.theta, grad, state.slots
            move = optimizers.mover(rule, *vectors, layout.decaying, layout.moving)
        clipped = False
        for clipping in clippings:
            clipped |= clipping.clip(grad)
        t = batch.iteration + 1
        move(rate(batch.iteration), t)
        objective.track(state.theta, batch.X.shape[1])
        state.iteration = t
        yield Step(batch.iteration, batch.epoch, cost, clipped)


def not_finite(objective: Objective, theta: Array, cost: float) -> str:
    """What shows that the update before this cost was a bad one; empty where nothing does.

    The cost of a batch does not depend on the running statistics, but predictions will.
    """
    if not isfinite(cost):
        return f"the cost became {cost}"
    statistics = objective.network.layout.statistics
    if statistics.start < statistics.stop and not np.isfinite(theta[statistics]).all():
        return "the running statistics of a batch norm overflowed"
    return ""
