"""The update rules by name, and a step of one."""

from collections.abc import Callable
from functools import cache
from typing import Any

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.adam import Adam, Adamax, AMSGrad, NAdam, RAdam
from deepnet_cli.optim.adaptive import Adadelta, Adagrad, RMSProp
from deepnet_cli.optim.descent import GradientDescent, Lion, Momentum, Nesterov
from deepnet_cli.optim.rule import Optimizer


def step(rule: Optimizer, theta: Array, grad: Array, slots: Array, rate: float, t: int) -> None:
    """Apply `rule` in one pass over the vectors."""
    update(rule)(theta, grad, *slots, rate, t)


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
