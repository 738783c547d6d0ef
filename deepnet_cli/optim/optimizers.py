"""The update rules by name, and a step of one."""

from collections.abc import Callable

from deepnet_cli.nn.blocks import blocks
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.adam import Adam, Adamax, AMSGrad, NAdam, RAdam
from deepnet_cli.optim.adaptive import Adadelta, Adagrad, RMSProp
from deepnet_cli.optim.descent import GradientDescent, Lion, Momentum, Nesterov
from deepnet_cli.optim.rule import Optimizer


def step(rule: Optimizer, theta: Array, grad: Array, slots: Array, rate: float, t: int) -> None:
    """Apply `rule` a cache-sized block at a time: same numbers, cheap temporaries."""
    for block in blocks(theta.size):
        rule.update(theta[block], grad[block], slots[:, block], rate, t)


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
