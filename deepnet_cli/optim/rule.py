"""What an update rule is.

    update(theta, grad, slots, rate, t)    theta (P,) and slots, k times (P,), change in place

`slots` is the rule's whole memory: k vectors the shape of theta, zero at the start.
Hyperparameters live in the (frozen) rule, `rate` is the learning rate of this update,
t counts updates from 1, and nothing else is kept: (theta, slots, t) is a complete
checkpoint.  Such a rule is elementwise, so it may be given any part of the vectors, and decides
nothing by t or rate that changes what is done: it is compiled once for all of them.  What a
rule does to the weights alone, which it cannot know from b, is its weight_decay.

A search (lbfgs.py) sees the objective itself and tries more than one theta in an update.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from deepnet_cli.nn.types import Array

FRACTION = {"ge": 0.0, "lt": 1.0}
POSITIVE = {"gt": 0.0}
NOT_NEGATIVE = {"ge": 0.0}
"""Bounds of options, for a field's metadata."""

Slots = Array | Sequence[Array]


Valued = tuple[float, Array]
"""J and dJ/dtheta (P,)"""

Evaluate = Callable[[Array], Valued]
"""Those at theta (P,); the gradient may be a buffer."""


class Rule(ABC):
    """What moves theta; its fields are its options, their bounds in the fields' metadata."""

    name: ClassVar[str]
    sees: ClassVar[str]  # what it makes an update from: the "gradient" or the "objective"
    n_slots: ClassVar[int]
    scratch: ClassVar[int] = 0  # bytes that an update takes beside, for each entry of theta
    rotates: ClassVar[bool]  # whether it commutes with every rotation of theta (P,)

    @property
    def formula(self) -> str:
        """The update in a line: the first sentence of the rule's docstring."""
        return (type(self).__doc__ or self.name).split("   (")[0].split("\n")[0].strip()

    def converged(self, slots: Array, t: int) -> bool:
        """Whether update t, which left these slots, found nowhere to go."""
        return False


class Optimizer(Rule):
    """A rule that makes an update from the gradient and a rate."""

    sees: ClassVar[str] = "gradient"

    @property
    def weight_decay(self) -> float:
        """W *= 1 - rate weight_decay before each update, of the weights alone: a field where
        a rule has it.
        """
        return 0.0

    @abstractmethod
    def update(self, theta: Array, grad: Array, slots: Slots, rate: float, t: int) -> None:
        """Move theta (P,) by one update and renew the slots (k, P)."""


class Search(Rule):
    """A rule that looks for its step where the objective is lower."""

    sees: ClassVar[str] = "objective"

    @abstractmethod
    def step(self, f: Evaluate, theta: Array, J: float, g: Array, slots: Array, t: int) -> Valued:
        """Move theta (P,) in place from where f is (J, g), by update t, and renew the slots (k, P).
        Returns f where theta then is: the last that it was called for.
        """
