"""What an update rule is.

    update(theta, grad, slots, rate, t)    theta (P,) and slots, k times (P,), change in place

`slots` is the rule's whole memory: k vectors the shape of theta, zero at the start.
Hyperparameters live in the (frozen) rule, `rate` is the learning rate of this update,
t counts updates from 1, and nothing else is kept: (theta, slots, t) is a complete
checkpoint.  A rule is elementwise, so it may be given any part of the vectors, and decides
nothing by t or rate that changes what is done: it is compiled once for all of them.  What a
rule does to the weights alone, which it cannot know from b, is its weight_decay.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from deepnet_cli.nn.types import Array

FRACTION = {"ge": 0.0, "lt": 1.0}
POSITIVE = {"gt": 0.0}
NOT_NEGATIVE = {"ge": 0.0}
"""Bounds of options, for a field's metadata."""

Slots = Array | Sequence[Array]


class Optimizer(ABC):
    """One update rule; its fields are its options, their bounds in the fields' metadata."""

    name: ClassVar[str]
    n_slots: ClassVar[int]
    rotates: ClassVar[bool]  # whether it commutes with every rotation of theta (P,)

    @property
    def weight_decay(self) -> float:
        """W *= 1 - rate weight_decay before each update, of the weights alone: a field where
        a rule has it.
        """
        return 0.0

    @property
    def formula(self) -> str:
        """The update in a line: the first sentence of the rule's docstring."""
        return (type(self).__doc__ or self.name).split("   (")[0].split("\n")[0].strip()

    @abstractmethod
    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        """Move theta (P,) by one update and renew the slots (k, P)."""
