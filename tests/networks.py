"""Networks and data for the laws."""

from itertools import cycle

import numpy as np

from deepnet_cli.config.draws import labels_for
from deepnet_cli.nn.activations import ACTIVATIONS, Activation, made_activation
from deepnet_cli.nn.layer import Layer
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.types import Array

__all__ = ["labels_for"]

OPTIONED = [
    ("leaky_relu", {"slope": 0.0}),
    ("leaky_relu", {"slope": 0.2}),
    ("leaky_relu", {"slope": 1.0}),
    ("prelu", {"initial": 0.0}),
    ("prelu", {"initial": 0.6}),
    ("elu", {"alpha": 0.3}),
    ("elu", {"alpha": 1e3}),
    ("celu", {"alpha": 2.0**-9}),
    ("celu", {"alpha": 0.25}),
    ("celu", {"alpha": 1e3}),
    ("softplus", {"beta": 1e-3}),
    ("softplus", {"beta": 7.0}),
    ("softplus", {"beta": 1e3}),
]
"""Names with options, small and large ones; PyTorch has the alpha of celu' in float32 alone."""

MADE: dict[str, tuple[Activation, dict[str, float]]] = {
    name: (g, {}) for name, g in ACTIVATIONS.items()
} | {
    f"{name}-{value:g}": (made_activation(name, **options), options)
    for name, options in OPTIONED
    for value in options.values()
}
"""Every activation, and those of OPTIONED, each with the options that it was made with."""

HIDDEN = [g for g in ACTIVATIONS.values() if not g.link_only]

FREE = [loss for loss in LOSSES.values() if all(map(loss.takes, HIDDEN))]
"""The losses that take any output activation but those that other losses carry."""

HEADS = [(loss.link, loss) for loss in LOSSES.values()]
HEADS += [(g, loss) for g, loss in zip(HIDDEN, cycle(FREE)) if g is not loss.link]
HEADS += [(ACTIVATIONS["tanh"], loss) for loss in LOSSES.values() if loss.scored]
"""Every loss with the output activation that it carries; every other one with a loss in turn."""

IN_TURN = [(*head, g) for head, g in zip(HEADS, cycle(HIDDEN), strict=False)]
IN_TURN += [(*head, g) for g, head in zip(HIDDEN, cycle(HEADS), strict=False)]
"""Each head with some hidden activation, and each of these with some head, for what takes long."""

HEAD_IDS = [f"{g.name}-{loss.name}" for g, loss in HEADS]


def start(network: Network, rng: np.random.Generator, scale: float = 1.0) -> Array:
    """A theta whose weights keep signals alive and whose biases are not zero."""
    theta = network.layout.start()
    views = network.layout.views(theta)
    for name in network.layout.names:
        views[name] += scale * rng.normal(size=views[name].shape) / np.sqrt(views[name].shape[1])
    return theta


def network_of(
    sizes: tuple[int, ...], hidden: Activation, output: Activation, loss: Loss
) -> Network:
    """One hidden activation throughout."""
    activations = (*[hidden] * (len(sizes) - 2), output)
    layers = [Layer(n, g) for n, g in zip(sizes[1:], activations, strict=True)]
    return Network.of(sizes[0], layers, loss)
