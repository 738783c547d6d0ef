"""Whether training reduces the features to the span of the examples (nn/span.py).

It does where that is exact and pays.  Shapes and names alone decide, not how long the run
is: a run that goes on for longer decides as it did.
"""

from collections.abc import Sequence

from deepnet_cli.config.schema import Config
from deepnet_cli.data.dealing.augmentation import Augmentation
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.penalties import Penalty
from deepnet_cli.optim.clipping import Clipping
from deepnet_cli.optim.rule import Rule

UPDATES = 50
"""What they save in multiplications, the reduction may cost."""

FIXED = 10**7
"""What it costs however small the data are, counted likewise: some milliseconds."""


def reduced_features(
    config: Config,
    network: Network,
    penalties: Sequence[Penalty],
    clippings: Sequence[Clipping],
    augmentations: Sequence[Augmentation],
    rule: Rule,
    m: int,
    size: int,
) -> int | None:
    """The features m + 1 that training has in place of n[0]; None where it keeps those.

    Exact where the update rule, the penalties of W[1], what clips and what is done to the examples
    commute with a rotation; a frozen W[1] is to keep every bit, which a rotation does not.

    The factorization of X takes 2 n[0] m^2 multiplications (Householder, Q made explicit), an
    update with a batch of `size` saves 2 n[1] (n[0] - m - 1) size.  LAPACK takes two to four
    times as long for one as an update does: a run of 200 updates gains wherever this is used.
    """
    n, reduced = network.sizes, m + 1
    parts: list[Rule | Penalty | Clipping | Augmentation]
    parts = [rule, *(p for p in penalties if p.is_of(1)), *clippings, *augmentations]
    exact = all(part.rotates for part in parts) and not network.layers[0].frozen
    cost, saving = FIXED + 2 * n[0] * m**2, 2 * n[1] * (n[0] - reduced) * size
    pays = cost <= UPDATES * saving
    return reduced if config.compute.reduce and exact and pays else None


def bytes_needed(network: Network, m: int, width: int) -> int:
    """X in float64, twice, and Q, while it is factored; Q and D; the whole theta twice, the best
    and one to be written.
    """
    n, P = network.sizes, network.layout.size
    return n[0] * m * (3 * 8 + width) + (n[1] * n[0] + 2 * P) * width
