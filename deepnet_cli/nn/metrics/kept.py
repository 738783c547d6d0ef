"""Statistics that need every example: a state is blocks of arrays, one after the other."""

import numpy as np

from deepnet_cli.nn.metrics.statistic import State
from deepnet_cli.nn.types import Array


def append(width: int, old: State, new: State) -> State:
    """The blocks of both, `width` arrays each; a block joins the one before it once it is as long.

    So there are few blocks, and no example is copied more often than log2 of their number.
    """
    blocks = old + new
    while len(blocks) > width and blocks[-1].shape[-1] >= blocks[-1 - width].shape[-1]:
        joined = joined_blocks(width, blocks[-2 * width :])
        blocks = (*blocks[: -2 * width], *joined)
    return blocks


def joined_blocks(width: int, blocks: State) -> list[Array]:
    """The arrays of all blocks as those of one."""
    return [np.concatenate(blocks[i::width], axis=-1) for i in range(width)]
