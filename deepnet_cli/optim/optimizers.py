"""The update rules by name, and a step of one."""

from collections.abc import Callable
from functools import cache
from typing import Any

from deepnet_cli.fused.passes import Pass
from deepnet_cli.fused.tape import record
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.adam import Adam, Adamax, AMSGrad, NAdam, RAdam
from deepnet_cli.optim.adaptive import Adadelta, Adagrad, RMSProp
from deepnet_cli.optim.descent import GradientDescent, Lion, Momentum, Nesterov
from deepnet_cli.optim.rule import Optimizer


def step(rule: Optimizer, theta: Array, grad: Array, slots: Array, rate: float, t: int) -> None:
    """Apply `rule` in one pass over the vectors."""
    update(rule)(theta, grad, *slots, rate, t)


def mover(rule: Optimizer, theta: Array, grad: Array, slots: Array) -> Callable[[float, int], None]:
    """`step` for vectors that stay where they are: a function of rate and t."""
    vectors = (theta, grad, *slots)
    with record() as tape:
        update(rule)(*vectors, 0.0, 1)
    return tape.play if not tape.broken else lambda rate, t: update(rule)(*vectors, rate, t)


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
