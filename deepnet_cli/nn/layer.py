"""A layer as it is asked for, and the steps that it is made of."""

from dataclasses import dataclass
from typing import Any

from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.ops.activate import Activate
from deepnet_cli.nn.ops.affine import Affine
from deepnet_cli.nn.ops.alpha_dropout import AlphaDropout
from deepnet_cli.nn.ops.batch_norm import BatchNorm
from deepnet_cli.nn.ops.dropout import Bits, Dropout
from deepnet_cli.nn.ops.layer_norm import LayerNorm
from deepnet_cli.nn.ops.op import Op
from deepnet_cli.nn.ops.prelu import PReLU
from deepnet_cli.nn.products import NUMPY, Product


@dataclass(frozen=True)
class Norm:
    """Options of a batch norm."""

    epsilon: float = 1e-5
    momentum: float = 0.1


@dataclass(frozen=True)
class Layer:
    """n[l], g[l], and what stands around g[l]."""

    units: int
    activation: Activation
    batch_norm: Norm | None = None
    dropout: float = 0.0
    bits: Bits | None = None  # of the dropout
    multiply: Product = NUMPY
    layer_norm: float | None = None  # its epsilon
    alpha_dropout: float = 0.0
    max_norm: float | None = None  # of each row of W
    rate_factor: float = 1.0  # on the learning rate; 0: the layer is frozen

    @property
    def frozen(self) -> bool:
        return self.rate_factor == 0

    def steps(self, l: int, inputs: int) -> list[Op[Any]]:
        """Those of layer number l, for so many inputs."""
        units, norm = self.units, self.batch_norm
        steps: list[Op[Any]] = [Affine(l, inputs, units, norm is None, self.multiply)]
        if norm is not None:
            steps.append(BatchNorm(l, units, norm.epsilon, norm.momentum))
        if self.layer_norm is not None:
            steps.append(LayerNorm(l, units, self.layer_norm))
        trained = self.activation.trained_from is not None
        steps.append((PReLU if trained else Activate)(l, units, self.activation))
        if self.bits is not None and self.dropout:
            steps.append(Dropout(l, units, self.dropout, self.bits))
        if self.bits is not None and self.alpha_dropout:
            steps.append(AlphaDropout(l, units, self.alpha_dropout, self.bits))
        return [step.frozen() for step in steps] if self.frozen else steps
