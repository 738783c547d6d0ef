"""Activations A = g(Z), each next to its derivative: one file a family, and all of them by name."""

from deepnet_cli.nn.activations.activation import Activation
from deepnet_cli.nn.activations.exponential import ELU, EXP, SELU
from deepnet_cli.nn.activations.piecewise import HARD_SIGMOID, HARD_TANH, LEAKY_RELU, LINEAR, RELU
from deepnet_cli.nn.activations.sigmoidal import SIGMOID, SOFTMAX, SOFTSIGN, TANH
from deepnet_cli.nn.activations.smooth import GELU, GELU_TANH, MISH, SILU, SOFTPLUS

__all__ = ["ACTIVATIONS", "Activation"]

ACTIVATIONS = {
    g.name: g
    for g in (
        RELU,
        LEAKY_RELU,
        ELU,
        SELU,
        SILU,
        GELU,
        GELU_TANH,
        MISH,
        SOFTPLUS,
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
