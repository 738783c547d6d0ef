"""Random networks, drawn from the vocabulary of a config, as a config that can be typed.

Any activation, loss and initializer with any of their options, any key of a layer, any penalty,
limit and augmentation, sizes, weights of examples and of classes, parameters.  What is added to a
registry, to a layer or to the model is drawn too, within the bounds that it states; what the keys
ask of each other decides.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from deepnet_cli.config.architecture import (
    build_initializers,
    build_network,
    build_objective,
    resolve,
)
from deepnet_cli.config.fine_tuning import OF_TRAINING
from deepnet_cli.config.json_schema import json_schema
from deepnet_cli.config.load import check
from deepnet_cli.config.schema import Config
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.data.dealing.augmentation import AUGMENTATIONS
from deepnet_cli.data.dealing.weighing import balanced
from deepnet_cli.errors import ConfigError
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.penalties import PENALTIES
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.clipping import CLIPPINGS

SCHEMA = json_schema()
LAYER, MODEL, TRAINING = (
    SCHEMA["$defs"][name]["properties"] for name in ("LayerSpec", "ModelSection", "TrainingSection")
)
LOSS = SCHEMA["properties"]["loss"]
LIMITS = ("max_norm", *(name for name in (*CLIPPINGS, *AUGMENTATIONS) if name in TRAINING))
"""What of training acts on no derivative, and does not change it."""

Rng = np.random.Generator
Node = dict[str, Any]
"""Of the schema."""


@dataclass(frozen=True)
class Draw:
    """A config, examples X (n[0], m) and Y (n[L], m) with their weights, and theta."""

    config: Config
    tree: dict[str, Any]
    X: Array
    Y: Array
    weights: Array | None  # the examples' own
    theta: Array

    @property
    def point(self) -> Point:
        network = build_network(self.config, len(self.X))
        objective = build_objective(self.config, network, self.X.shape[1])
        return Point(objective, self.theta, self.X, self.Y, self._weighed())

    def _weighed(self) -> Array | None:
        """The weights of the examples, those of their classes in them."""
        given: Any = getattr(self.config.loss, "class_weight", None)
        if given is None:
            return self.weights
        K = max(2, len(self.Y))
        labels = self.Y.argmax(axis=0) if len(self.Y) > 1 else self.Y[0].astype(int)
        if given == "balanced":
            of_class = balanced(labels, K, self.weights)
        else:
            of_class = np.array([given.get(str(k), 1.0) for k in range(K)])
        own = np.ones(len(labels)) if self.weights is None else self.weights
        weights: Array = of_class[labels] * own
        return weights


def draw(seed: int) -> Draw:
    """The draw of a seed: the first whose keys fit each other."""
    rng = np.random.default_rng([seed, 20261126])
    while True:
        tree = _tree(rng, seed)
        document = parse(yaml.safe_dump(tree).encode(), "draw")
        config = check(document)
        try:
            document.raise_problems()
        except ConfigError:
            continue
        assert config is not None
        return _with_data(rng, config, tree)


def _tree(rng: Rng, seed: int) -> dict[str, Any]:
    loss = value(rng, LOSS)
    name = loss if isinstance(loss, str) else loss["name"]
    link = LOSSES[name].link.name if name in LOSSES else "linear"
    layers = [_layer(rng) for _ in range(rng.integers(1, 6))]
    if link != "linear" or rng.random() < 0.5:
        layers[-1]["activation"] = link
    if isinstance(loss, dict):
        layers[-1]["units"] = _outputs(loss, layers[-1]["units"])
    data = {"train": {"file": "draw.h5", "x": "x", "y": "y"}}
    if rng.random() < 0.3:
        data["train"]["weights"] = "w"
    apart = ("layers", "activations", "initial_parameters")
    model = {key: value(rng, node) for key, node in MODEL.items() if key not in apart}
    training = {name: value(rng, TRAINING[name]) for name in LIMITS if rng.random() < 0.2}
    for name in PENALTIES:
        if rng.random() < 0.3:
            training[name] = float(10 ** rng.uniform(-8, 1))
    return {
        "seed": seed,
        "data": data,
        "model": {"layers": layers, **model, "initial_parameters": "draw.h5"},
        "loss": loss,
        "training": training,
        "compute": {"precision": "float64"},
    }


def _outputs(loss: dict[str, Any], units: int) -> int:
    """What the options of a loss ask for: one for each tau, one of two classes with weights."""
    if isinstance(loss.get("tau"), list):
        return len(loss["tau"])
    return 1 if "class_weight" in loss and LOSSES[loss["name"]].target == "binary" else units


def _layer(rng: Rng) -> dict[str, Any]:
    """Any activation, and each other key one time in four; where it is frozen, fewer."""
    others = [key for key in LAYER if key not in ("units", "activation")]
    drawn = {key: value(rng, LAYER[key]) for key in others if rng.random() < 0.25}
    if not drawn.get("trainable", True):
        drawn = {key: value for key, value in drawn.items() if key not in OF_TRAINING}
    units, activation = int(rng.integers(1, 8)), value(rng, LAYER["activation"])
    return {"units": units, "activation": activation or "relu", **drawn}


def value(rng: Rng, node: Node) -> Any:
    """Any value that a node of the schema takes; None where it is left as it is."""
    if forms := [*node.get("anyOf", ()), *node.get("oneOf", ())]:
        forms = [f for f in forms if f.get("type") != "null" and "propertyNames" not in f]
        return value(rng, forms[rng.integers(len(forms))])
    if "$ref" in node:
        return _mapping(rng, SCHEMA["$defs"][node["$ref"].rpartition("/")[2]])
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return node["enum"][rng.integers(len(node["enum"]))]
    if "items" in node:  # of an option: ascending numbers
        return sorted(value(rng, node["items"]) for _ in range(rng.integers(2, 5)))
    if "additionalProperties" in node:  # of an option: by class, of which there are two at least
        named = ["0", "1"][slice(*sorted(rng.choice(3, 2, replace=False)))]
        return {name: value(rng, node["additionalProperties"]) for name in named}
    return _simple(rng, node)


def _mapping(rng: Rng, section: Node) -> dict[str, Any]:
    """Those without a default, and some of the others."""
    asked = [*section.get("required", ()), "name"]
    drawn = {
        key: value(rng, node)
        for key, node in section["properties"].items()
        if key in asked or rng.random() < 0.5
    }
    return {key: drawn for key, drawn in drawn.items() if drawn is not None}


def _simple(rng: Rng, node: Node) -> Any:
    if node["type"] == "boolean":
        return bool(rng.random() < 0.5)
    if node["type"] not in ("integer", "number"):
        return None
    default = node.get("default") or 1
    low = node.get("minimum", node.get("exclusiveMinimum", -10 * abs(default)))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    if high is None:  # around the default, which says what sizes make sense
        high = max(3 * abs(default), low + abs(default))
    if node["type"] == "integer":
        return int(rng.integers(low, min(high, low + 8) + 1))
    return float(low + (high - low) * rng.uniform(0.05, 0.95))


SCALES = (1e-3, 1e-2, 0.1, 1.0, 3.0)
"""Of what is added to the first parameters, so that b is not 0."""


def _with_data(rng: Rng, config: Config, tree: dict[str, Any]) -> Draw:
    config = resolve(config, None)  # type: ignore[arg-type] # nothing is left to the data
    features, m = int(rng.integers(1, 8)), int(rng.choice([1, 2, 3, 8, 21]))
    network = build_network(config, features)
    theta = network.initialize(build_initializers(config, network), rng)
    if rng.random() < 0.8:
        parameters = network.layout.parameters
        theta[parameters] += rng.choice(SCALES) * rng.normal(size=parameters.stop)
    X = rng.normal(size=(features, m))
    Y = labels_for(network.loss, network.sizes[-1], m, rng)
    weighted = config.data.train.weights is not None
    weights = rng.uniform(0, 3, m) * (rng.random(m) < 0.8) if weighted else None
    return Draw(config, tree, X, Y, weights, theta)


def labels_for(loss: Loss, K: int, m: int, rng: Rng) -> Array:
    """A Y (K, m) that the loss takes."""
    if loss.target == "class":
        return np.eye(K)[:, rng.integers(0, K, m)]
    if loss.target == "binary":
        return rng.integers(0, 2, (K, m)).astype(float)
    if loss.target == "count":
        return rng.poisson(2, (K, m)).astype(float)
    if loss.target == "quantiles":
        return np.repeat(rng.normal(size=(1, m)), K, axis=0)
    return rng.normal(size=(K, m))
