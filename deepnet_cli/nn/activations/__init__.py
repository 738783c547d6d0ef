"""Activations A = g(Z), each next to its derivative: one file a family, all of them by name, and
the options of those that have some.
"""

from collections.abc import Callable
from typing import Any, Protocol

from deepnet_cli.nn.activations.activation import Activation
from deepnet_cli.nn.activations.exponential import CELU, ELU, EXP, SELU
from deepnet_cli.nn.activations.piecewise import (
    HARD_SIGMOID,
    HARD_TANH,
    LINEAR,
    RELU,
    LeakyReLU,
    PReLU,
)
from deepnet_cli.nn.activations.sigmoidal import SIGMOID, SOFTMAX, SOFTSIGN, TANH
from deepnet_cli.nn.activations.smooth import GELU, GELU_TANH, MISH, SILU, Softplus

__all__ = ["ACTIVATIONS", "ACTIVATION_OPTIONS", "Activation", "made_activation"]


class ActivationOptions(Protocol):
    """A choice of options; frozen, its fields are they, their bounds in the fields' metadata."""

    def activation(self) -> Activation:
        """The activation that they make."""


ACTIVATION_OPTIONS: dict[str, Callable[..., ActivationOptions]] = {
    "leaky_relu": LeakyReLU,
    "prelu": PReLU,
    "elu": ELU,
    "celu": CELU,
    "softplus": Softplus,
}

ACTIVATIONS = {
    g.name: g
    for g in (
        RELU,
        LeakyReLU().activation(),
        PReLU().activation(),
        ELU().activation(),
        CELU().activation(),
        SELU,
        SILU,
        GELU,
        GELU_TANH,
        MISH,
        Softplus().activation(),
        TANH,
        SIGMOID,
        SOFTSIGN,
        HARD_TANH,
        HARD_SIGMOID,
        EXP,
        LINEAR,
        SOFTMAX,
    )
}
"""Each as it is without options."""


def made_activation(name: str, **options: Any) -> Activation:
    """The activation of that name, with its options."""
    return ACTIVATION_OPTIONS[name](**options).activation() if options else ACTIVATIONS[name]
