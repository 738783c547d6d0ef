"""The update rules by name, and a step of one.

A step moves stretches of the vectors, each with its own factor on the learning rate: mostly one
that is all.  What is in none of them stays as it is, and so do its slots.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from deepnet_cli.fused.passes import Pass, Player
from deepnet_cli.fused.tape import Tape
from deepnet_cli.fused.team import Team
from deepnet_cli.nn.parameters import Stretch
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.adam import Adam, Adamax, AdamW, AMSGrad, NAdam, RAdam
from deepnet_cli.optim.adaptive import Adadelta, Adagrad, RMSProp
from deepnet_cli.optim.descent import GradientDescent, Lion, Momentum, Nesterov
from deepnet_cli.optim.rule import Optimizer

EVERYWHERE: tuple[Stretch, ...] = ((slice(None), 1.0),)

Numbers = Callable[[float, int], tuple[float, ...]]
"""What a pass is given, of rate and t."""


def step(
    rule: Optimizer,
    theta: Array,
    grad: Array,
    slots: Array,
    rate: float,
    t: int,
    decaying: Sequence[Stretch] = (),
    moving: Sequence[Stretch] = EVERYWHERE,
) -> None:
    """Apply `rule` in one pass over each stretch of `moving`, after the decay in `decaying`."""
    if rule.weight_decay:
        for place, factor in decaying:
            DECAY(theta[place], rate * factor * rule.weight_decay)
    for place, factor in moving:
        update(rule)(theta[place], grad[place], *slots[:, place], rate * factor, t)


class Mover:
    """`step` for vectors that stay where they are: a function of rate and t."""

    def __init__(
        self,
        rule: Optimizer,
        theta: Array,
        grad: Array,
        slots: Array,
        decaying: Sequence[Stretch] = (),
        moving: Sequence[Stretch] = EVERYWHERE,
        team: Team | None = None,
    ) -> None:
        self._players: list[tuple[Player, Numbers]] = []
        for place, factor in decaying if rule.weight_decay else ():
            decay = Player(DECAY, theta[place], 0.0, team=team)
            self._players.append((decay, partial(_share, factor * rule.weight_decay)))
        for place, factor in moving:
            vectors = theta[place], grad[place], *slots[:, place]
            move = Player(update(rule), *vectors, 0.0, 1, team=team)
            self._players.append((move, partial(_rate, factor)))

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


def _share(decay: float, rate: float, _: int) -> tuple[float]:
    return (rate * decay,)


def _rate(factor: float, rate: float, t: int) -> tuple[float, int]:
    return rate * factor, t


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
