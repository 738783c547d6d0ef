"""The update rules by name, and a step of one.

A step moves stretches of the vectors, each with its own factor on the learning rate: mostly one
that is all.  What is in none of them stays as it is, and so do its slots.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from deepnet_cli.fused.passes import Pass, player
from deepnet_cli.nn.parameters import Stretch
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.adam import Adam, Adamax, AdamW, AMSGrad, NAdam, RAdam
from deepnet_cli.optim.adaptive import Adadelta, Adagrad, RMSProp
from deepnet_cli.optim.descent import GradientDescent, Lion, Momentum, Nesterov
from deepnet_cli.optim.rule import Optimizer

EVERYWHERE: tuple[Stretch, ...] = ((slice(None), 1.0),)


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


def mover(
    rule: Optimizer,
    theta: Array,
    grad: Array,
    slots: Array,
    decaying: Sequence[Stretch] = (),
    moving: Sequence[Stretch] = EVERYWHERE,
) -> Callable[[float, int], None]:
    """`step` for vectors that stay where they are: a function of rate and t."""
    decays = [
        (player(DECAY, theta[place], 0.0), factor * rule.weight_decay)
        for place, factor in decaying
        if rule.weight_decay
    ]
    moves = [
        (player(update(rule), theta[place], grad[place], *slots[:, place], 0.0, 1), factor)
        for place, factor in moving
    ]
    (move, factor), *others = moves
    if factor == 1 and not others and not decays:
        return move

    def decay_and_move(rate: float, t: int) -> None:
        for decay, factor in decays:
            decay(rate * factor)
        for move, factor in moves:
            move(rate * factor, t)

    return decay_and_move


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
