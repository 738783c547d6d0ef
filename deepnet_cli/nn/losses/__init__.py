"""Losses: one file a family, all of them by name, and the options of those that have some."""

from collections.abc import Callable
from typing import Any, Protocol

from deepnet_cli.nn.losses.entropy import POISSON, BinaryCrossEntropy, CrossEntropy
from deepnet_cli.nn.losses.focal import CategoricalFocal, Focal
from deepnet_cli.nn.losses.loss import ClassWeight, Loss, shares
from deepnet_cli.nn.losses.margin import Hinge, MultiMargin, SquaredHinge
from deepnet_cli.nn.losses.regression import (
    LOG_COSH,
    MEAN_ABSOLUTE_ERROR,
    MEAN_SQUARED_ERROR,
    Huber,
    Quantile,
)

__all__ = ["LOSSES", "LOSS_OPTIONS", "ClassWeight", "Loss", "made_loss", "shares"]


class LossOptions(Protocol):
    """A choice of options; frozen, its fields are they, their bounds in the fields' metadata."""

    def loss(self) -> Loss:
        """The loss that they make."""


LOSS_OPTIONS: dict[str, Callable[..., LossOptions]] = {
    "binary_cross_entropy": BinaryCrossEntropy,
    "cross_entropy": CrossEntropy,
    "huber": Huber,
    "quantile": Quantile,
    "focal": Focal,
    "categorical_focal": CategoricalFocal,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "multi_margin": MultiMargin,
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
        Focal().loss(),
        CategoricalFocal().loss(),
        Hinge().loss(),
        SquaredHinge().loss(),
        MultiMargin().loss(),
    )
}
"""Each as it is without options; `auto` takes the first that carries the output activation."""


def made_loss(name: str, **options: Any) -> Loss:
    """The loss of that name, with its options."""
    return LOSS_OPTIONS[name](**options).loss() if options else LOSSES[name]
