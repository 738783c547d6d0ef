"""The last layers of a network, as a network of their own."""

import numpy as np

from deepnet_cli.nn.network import Network
from deepnet_cli.nn.types import Array


def first_of(network: Network, parameters: int) -> int:
    """The layer from which on there are at most so many parameters; or the last that is trained."""
    layout, layers = network.layout, network.layers
    last = max(l for l, layer in enumerate(layers, start=1) if not layer.frozen)
    small = (l for l in range(1, last) if layout.size - layout.until(l - 1).size <= parameters)
    return next(small, last)


def head_from(l: int, network: Network, theta: Array, X: Array) -> tuple[Network, Array, Array]:
    """Layers l, ..., L; their own theta, and what the layers before them make of X (n[0], m)."""
    head = Network.of(network.sizes[l - 1], network.layers[l - 1 :], network.loss)
    begin = next(k for k, op in enumerate(network.ops) if op.layer == l)
    p, work = network.layout.views(theta), network.workspace(X.shape[1], theta.dtype)
    with np.errstate(all="ignore"):
        V = network.forward(p, X, work, 0, begin)
    names = [name for name, _ in head.layout.given]
    theirs = [name for name, _ in network.layout.given][-len(names) :]
    blocks = {name: p[whole] for name, whole in zip(names, theirs, strict=True)}
    return head, head.layout.join(blocks, theta.dtype), V
