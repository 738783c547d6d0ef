"""The update rules by name, and a step of one."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from deepnet_cli.fused.passes import Pass, Player
from deepnet_cli.fused.tape import Tape
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.adam import Adam, Adamax, AdamW, AMSGrad, NAdam, RAdam
from deepnet_cli.optim.adaptive import Adadelta, Adagrad, RMSProp
from deepnet_cli.optim.descent import GradientDescent, Lion, Momentum, Nesterov
from deepnet_cli.optim.rule import Optimizer

NOWHERE = slice(0)

Numbers = Callable[[float, int], tuple[float, ...]]
"""What a pass is given, of rate and t."""


def step(
    rule: Optimizer,
    theta: Array,
    grad: Array,
    slots: Array,
    rate: float,
    t: int,
    weights: slice = NOWHERE,
) -> None:
    """Apply `rule` in one pass over the vectors, after the decay of the weights (P,)[weights]."""
    if rule.weight_decay:
        DECAY(theta[weights], rate * rule.weight_decay)
    update(rule)(theta, grad, *slots, rate, t)


class Mover:
    """`step` for vectors that stay where they are: a function of rate and t."""

    def __init__(
        self, rule: Optimizer, theta: Array, grad: Array, slots: Array, weights: slice = NOWHERE
    ) -> None:
        self._players: list[tuple[Player, Numbers]] = []
        if rule.weight_decay:
            decay = Player(DECAY, theta[weights], 0.0)
            self._players.append((decay, lambda rate, _: (rate * rule.weight_decay,)))
        move = Player(update(rule), theta, grad, *slots, 0.0, 1)
        self._players.append((move, lambda rate, t: (rate, t)))

    def __call__(self, rate: float, t: int) -> None:
        for play, numbers in self._players:
            play(*numbers(rate, t))

    @property
    def tapes(self) -> list[Tape]:
        """What a call plays, in order."""
        return [player.tape for player, _ in self._players]

    def numbers(self, rates: Iterable[float], t: int) -> Array:
        """Those that the tapes are given (turns, k), for updates t, t + 1, ... at these rates."""
        rows = [
            [x for _, numbers in self._players for x in numbers(rate, k)]
            for k, rate in enumerate(rates, start=t)
        ]
        return np.array(rows, np.float64)


def _decayed(W: Array, share: float) -> None:
    W *= 1 - share


DECAY = Pass(_decayed, "fn")
"""W *= 1 - share"""


@cache
def update(rule: Optimizer) -> Pass:
    """A rule's update as a pass: of theta, the gradient, each slot, then rate and t."""

    def updated(theta: Array, grad: Array, *others: Any) -> None:
        *slots, rate, t = others
        rule.update(theta, grad, slots, rate, t)

    return Pass(updated, "ff" + "f" * rule.n_slots + "nn")


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    rule.name: rule
    for rule in (
        GradientDescent,
        Momentum,
        Nesterov,
        Adam,
        AdamW,
        AMSGrad,
        Adamax,
        NAdam,
        RAdam,
        Adagrad,
        Adadelta,
        RMSProp,
        Lion,
    )
}
