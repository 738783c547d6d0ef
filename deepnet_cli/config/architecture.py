"""The network that a config describes, once the data have said what the config left open."""

from functools import partial
from itertools import groupby

import numpy as np

from deepnet_cli.config.checks import named_activations, settled_activations
from deepnet_cli.config.schema import Config
from deepnet_cli.data.dealing.augmentation import AUGMENTATIONS, Augmentation
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.nn.activations import made_activation
from deepnet_cli.nn.initializers import INITIALIZERS, Initializer
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import LOSSES, made_loss
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import PENALTIES, Penalty
from deepnet_cli.optim.clipping import CLIPPINGS, Clipping
from deepnet_cli.randomness import bits


def resolve(config: Config, table: Table) -> Config:
    """The config with every activation and the loss by name, as the training table needs."""
    *hidden, chosen = named_activations(config.model)
    loss = config.loss.name
    if chosen is not None:
        output = chosen.name
    else:
        units = config.model.layers[-1].units
        output = LOSSES[loss].link.name if loss != "auto" else _fitting_output(table, units)
    if loss == "auto":
        fitting = (name for name, known in LOSSES.items() if known.link.name == output)
        loss = next(fitting, "mean_squared_error")
    resolved = config.model_dump()
    resolved["model"]["activations"] = [*hidden, chosen or output]
    for layer in resolved["model"]["layers"]:
        layer["activation"] = None
    resolved["loss"]["name"] = loss
    return Config.model_validate(_without_none(resolved))


def build_network(config: Config, features: int) -> Network:
    """The network of a resolved config for n[0] = features."""
    named = zip(config.model.layers, settled_activations(config.model), strict=True)
    layers = [
        Layer(
            spec.units,
            made_activation(**g.model_dump()),
            Norm(**spec.batch_norm.model_dump()) if spec.batch_norm else None,
            spec.dropout,
            partial(bits, config.seed, f"dropout {l}"),
            layer_norm=spec.layer_norm.epsilon if spec.layer_norm else None,
            alpha_dropout=spec.alpha_dropout,
            max_norm=config.training.max_norm if spec.max_norm is None else spec.max_norm,
            rate_factor=spec.rate_factor if spec.trainable else 0.0,
        )
        for l, (spec, g) in enumerate(named, start=1)
    ]
    return Network.of(features, layers, made_loss(**config.loss.model_dump()))


def build_objective(config: Config, network: Network, m: int) -> Objective:
    """J of a resolved config, trained on m examples."""
    return Objective(network, build_penalties(config, m))


def build_penalties(config: Config, m: int) -> tuple[Penalty, ...]:
    """What J is larger by, for m examples."""
    return tuple(
        PENALTIES[name](strength / m, layers)
        for name in PENALTIES
        for strength, layers in _strengths(config, name)
        if strength > 0
    )


def _strengths(config: Config, name: str) -> list[tuple[float, tuple[int, int] | None]]:
    """The lambda of a penalty for each run of layers that have the same; None: it is all layers."""
    everywhere, specs = getattr(config.training, name), config.model.layers
    own = [getattr(spec, name) for spec in specs]
    of_layers = [everywhere if strength is None else strength for strength in own]
    runs, last = list[tuple[float, tuple[int, int] | None]](), 0
    for strength, run in groupby(of_layers):
        first, last = last + 1, last + len(list(run))
        runs.append((strength, (first, last) if last - first + 1 < len(specs) else None))
    return runs


def build_clippings(config: Config) -> tuple[Clipping, ...]:
    """What limits the gradient, in the order in which it acts."""
    limits = {name: getattr(config.training, name) for name in CLIPPINGS}
    return tuple(CLIPPINGS[name](limit) for name, limit in limits.items() if limit is not None)


def build_augmentations(config: Config) -> tuple[Augmentation, ...]:
    """What is done to the examples of each batch, in the order in which it is."""
    given = {
        "mixup": config.training.mixup,
        "input_noise": config.model.input_noise,
        "input_dropout": config.model.input_dropout,
    }
    return tuple(
        AUGMENTATIONS[name](given[name], config.seed) for name in AUGMENTATIONS if given[name]
    )


def build_initializers(config: Config, network: Network) -> list[Initializer]:
    """One for each layer; `auto` takes what suits the layer's activation."""
    chosen = config.model.initialization
    if chosen.name == "auto":
        return [layer.activation.weights for layer in network.layers]
    initializer: Initializer = chosen.build(INITIALIZERS)
    return [initializer] * len(network.layers)


def _fitting_output(table: Table, units: int) -> str:
    """sigmoid for two classes and one unit, softmax for classes, linear for numbers.

    Floats that hold integers are read as the integers would be.
    """
    y = np.asarray(table.y)
    is_text = y.dtype.kind in "OSUT"
    whole = is_text or bool(np.isfinite(y).all() and (y == np.floor(y)).all())
    if not whole:
        return "linear"
    if y.ndim == 2:
        flags = not is_text and bool(((y == 0) | (y == 1)).all())
        if not flags:
            return "linear"
        return "softmax" if (y.sum(axis=1) == 1).all() else "sigmoid"
    if units > 1:
        return "softmax"
    return "sigmoid" if is_text or len(np.unique(y)) <= 2 else "linear"


def _without_none(tree: object) -> object:
    if isinstance(tree, dict):
        return {key: _without_none(value) for key, value in tree.items() if value is not None}
    return [_without_none(item) for item in tree] if isinstance(tree, list) else tree
