"""Losses: one file a family, all of them by name, and the options of those that have some."""

from collections.abc import Callable
from typing import Any, Protocol

from deepnet_cli.nn.losses.entropy import POISSON, BinaryCrossEntropy, CrossEntropy
from deepnet_cli.nn.losses.loss import Loss, shares
from deepnet_cli.nn.losses.regression import (
    LOG_COSH,
    MEAN_ABSOLUTE_ERROR,
    MEAN_SQUARED_ERROR,
    Huber,
    Quantile,
)

__all__ = ["LOSSES", "LOSS_OPTIONS", "Loss", "made_loss", "shares"]


class LossOptions(Protocol):
    """A choice of options; frozen, its fields are they, their bounds in the fields' metadata."""

    def loss(self) -> Loss:
        """The loss that they make."""


LOSS_OPTIONS: dict[str, Callable[..., LossOptions]] = {
    "binary_cross_entropy": BinaryCrossEntropy,
    "cross_entropy": CrossEntropy,
    "huber": Huber,
    "quantile": Quantile,
}

LOSSES = {
    loss.name: loss
    for loss in (
        BinaryCrossEntropy().loss(),
        CrossEntropy().loss(),
        MEAN_SQUARED_ERROR,
        MEAN_ABSOLUTE_ERROR,
        Huber().loss(),
        LOG_COSH,
        Quantile().loss(),
        POISSON,
    )
}
"""Each as it is without options."""


def made_loss(name: str, **options: Any) -> Loss:
    """The loss of that name, with its options."""
    return LOSS_OPTIONS[name](**options).loss() if options else LOSSES[name]
