"""A copy of a step, a loss or an objective whose way back is wrong, in memory only."""

from dataclasses import fields, replace
from typing import Any, TypeVar

from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.ops.op import Op
from deepnet_cli.nn.types import Kernel

T = TypeVar("T")


def planted(thing: T, **methods: Any) -> T:
    """The same frozen dataclass with some methods replaced."""
    kind = type(f"Planted{type(thing).__name__}", (type(thing),), methods)
    given = (f for f in fields(thing) if f.init)  # type: ignore[arg-type]
    copy: T = kind(**{f.name: getattr(thing, f.name) for f in given})
    return copy


def with_op(objective: Objective, k: int, op: Op[Any]) -> Objective:
    """An objective whose step number k is another."""
    ops = objective.network.ops
    network = replace(objective.network, ops=(*ops[:k], op, *ops[k + 1 :]))
    return replace(objective, network=network)


def with_loss_gradient(objective: Objective, gradient: Kernel) -> Objective:
    """An objective whose loss has another derivative."""
    loss = replace(objective.network.loss, gradient=gradient)
    return replace(objective, network=replace(objective.network, loss=loss))
