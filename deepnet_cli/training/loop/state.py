"""What training changes, and what it tells of its updates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.optim.rule import Rule
from deepnet_cli.training.loop.history import Row


@dataclass
class State:
    """All that training changes: theta (P,), the optimizer's slots (k, P), updates made."""

    theta: Array
    slots: Array
    iteration: int

    @classmethod
    def start(cls, theta: Array, rule: Rule) -> "State":
        """Before the first update."""
        return cls(theta, np.zeros((rule.n_slots, theta.size), theta.dtype), 0)

    def copy(self) -> "State":
        """A state that training does not touch."""
        return State(self.theta.copy(), self.slots.copy(), self.iteration)


class Steps(NamedTuple):
    """Updates that were made, one after the other."""

    iteration: int  # of the last, counted from 0
    epoch: int  # of the last, counted from 0
    costs: Sequence[float]  # J on the batch of each, before the update
    gradient_norm: Callable[[], float]  # of the last, before clipping; until the next is made
    clipped: int = 0  # of how many the gradient was

    @property
    def cost(self) -> float:
        """That of the last."""
        return self.costs[-1]


class Event(NamedTuple):
    """Steps; with a row where the last iteration is logged, and whether it is a new best."""

    steps: Steps
    row: Row | None = None
    best: bool = False
