"""The update rules by name, and a step of one."""

from collections.abc import Callable
from functools import cache
from typing import Any

from deepnet_cli.fused.passes import Pass, player
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.adam import Adam, Adamax, AdamW, AMSGrad, NAdam, RAdam
from deepnet_cli.optim.adaptive import Adadelta, Adagrad, RMSProp
from deepnet_cli.optim.descent import GradientDescent, Lion, Momentum, Nesterov
from deepnet_cli.optim.rule import Optimizer

NOWHERE = slice(0)


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


def mover(
    rule: Optimizer, theta: Array, grad: Array, slots: Array, weights: slice = NOWHERE
) -> Callable[[float, int], None]:
    """`step` for vectors that stay where they are: a function of rate and t."""
    move = player(update(rule), theta, grad, *slots, 0.0, 1)
    if not rule.weight_decay:
        return move
    decay = player(DECAY, theta[weights], 0.0)

    def decay_and_move(rate: float, t: int) -> None:
        decay(rate * rule.weight_decay)
        move(rate, t)

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
