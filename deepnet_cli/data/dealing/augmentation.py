"""What training does to the examples of a batch before the network sees them.

The input's are keys of `model`, mixup is one of `training`.  Each is a function of (seed,
iteration), whatever the precision.  Nothing of it is done where
nothing is trained.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from deepnet_cli.fused.blocks import blocks
from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.ops.dropout import MASK, draw_mask
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import bits, generator, order


@dataclass
class Examples:
    """A batch that may be changed: rows (m, n[0]), Y (n[L], m), perhaps weights (m,)."""

    rows: Array
    Y: Array
    weights: Array | None
    scratch: Array  # as the rows


class Augmentation(Protocol):
    """A change of the examples."""

    name: ClassVar[str]
    rotates: ClassVar[bool]  # whether it commutes with every rotation of the features
    strength: float

    def change(self, examples: Examples, iteration: int) -> None:
        """Change the examples of the batch of an iteration in place."""


@dataclass(frozen=True)
class Mixup(Augmentation):
    """x = lam x + (1 - lam) x', y likewise (Zhang et al., 2018)

    x', y' are the batch in another order and lam is drawn from Beta(alpha, alpha), both once a
    batch; weights are mixed as the examples are: https://arxiv.org/abs/1710.09412.
    """

    name: ClassVar[str] = "mixup"
    rotates: ClassVar[bool] = True
    strength: float  # alpha
    seed: int

    def change(self, examples: Examples, iteration: int) -> None:
        lam = generator(self.seed, "mixup", iteration).beta(self.strength, self.strength)
        others = order(self.seed, "mixup order", iteration, len(examples.rows))
        examples.rows.take(others, axis=0, out=examples.scratch, mode="clip")
        MIX(examples.rows, examples.scratch, lam)
        MIX(examples.Y, examples.Y.take(others, axis=1), lam)
        if (w := examples.weights) is not None:
            examples.weights = lam * w + (1 - lam) * w[others]


@dataclass(frozen=True)
class InputNoise(Augmentation):
    """x = x + std N(0, 1)

    Each entry with noise of its own, of a standard deviation in units of the scaled input.
    """

    name: ClassVar[str] = "input_noise"
    rotates: ClassVar[bool] = False
    strength: float
    seed: int

    def change(self, examples: Examples, iteration: int) -> None:
        draw = generator(self.seed, self.name, iteration).standard_normal
        entries = examples.rows.reshape(-1)
        for block in blocks(entries.size):
            entries[block] += self.strength * draw(entries[block].size)


@dataclass(frozen=True)
class InputDropout(Augmentation):
    """x = x mask, the mask being 1 / keep where an entry is kept, else 0

    Each entry is dropped by itself with probability 1 - keep, as hidden units are.
    """

    name: ClassVar[str] = "input_dropout"
    rotates: ClassVar[bool] = False
    strength: float
    seed: int

    def change(self, examples: Examples, iteration: int) -> None:
        drawn, mask = bits(self.seed, self.name, iteration), examples.scratch
        draw_mask(drawn, self.strength, 1 / (1 - self.strength), mask)
        MASK(examples.rows, mask)


def _mix(x: Array, other: Array, lam: float) -> None:
    x *= lam
    x += other * (1 - lam)


MIX = Pass(_mix, "ffn")

AUGMENTATIONS: dict[str, Callable[[float, int], Augmentation]] = {
    augmentation.name: augmentation for augmentation in (Mixup, InputNoise, InputDropout)
}
"""In the order in which they act."""
