"""A small trained run for each kind of outputs, tested on examples that were held out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from cli import deepnet
from samples import write_config

from deepnet_cli.nn.types import Array

M = 60
HELD = 24


class Kind(NamedTuple):
    """What y is made of x (m, 4) and of noise, and by what network it is learned."""

    y: Callable[[Array, np.random.Generator], Array]
    units: int
    g: str
    loss: object = "auto"
    more: dict[str, Any] = {}  # noqa: RUF012 of the data section


def _two(x: Array, rng: np.random.Generator) -> Array:
    return (x[:, 0] + rng.normal(size=len(x)) > 0).astype(np.int64)


def _three(x: Array, rng: np.random.Generator) -> Array:
    noisy = x[:, 0] + 0.5 * rng.normal(size=len(x))
    return np.array([b"ash", b"birch", b"oak"])[np.digitize(noisy, [-0.5, 0.5])]


def _flags(x: Array, rng: np.random.Generator) -> Array:
    return (x[:, :3] + rng.normal(size=(len(x), 3)) > 0).astype(np.uint8)


def _one(x: Array, rng: np.random.Generator) -> Array:
    return 100 + 20 * x[:, 0] + 5 * rng.normal(size=len(x))


def _some(x: Array, rng: np.random.Generator) -> Array:
    return x[:, :2] * [1, 1000] + rng.normal(size=(len(x), 2))


TAUS = [0.1, 0.5, 0.9]
KINDS = {
    "two": Kind(_two, 1, "sigmoid"),
    "two softmax": Kind(_two, 2, "softmax"),
    "three": Kind(_three, 3, "softmax"),
    "scores": Kind(_two, 1, "linear", "hinge"),
    "labels": Kind(_flags, 3, "sigmoid"),
    "number": Kind(_one, 1, "linear"),
    "numbers": Kind(_some, 2, "linear", more={"scale_y": "standardize"}),
    "quantiles": Kind(
        _one, 3, "linear", {"name": "quantile", "tau": TAUS}, {"scale_y": "standardize"}
    ),
}


def write_kind(folder: Path, name: str, **sections: Any) -> Path:
    """d.h5, with an x of (m, 4) or of `shape`, and c.yaml in a new folder; the config's path."""
    kind, rng = KINDS[name], np.random.default_rng([20261126, *name.encode()])
    folder.mkdir(parents=True)
    x = rng.normal(size=(M + HELD, 4))
    y = kind.y(x, rng)
    with h5py.File(folder / "d.h5", "w") as file:
        for part, rows in (("train", slice(M)), ("test", slice(M, None))):
            file[f"x_{part}"], file[f"y_{part}"] = x[rows], y[rows]
    data = {"train": "d.h5", "test": "d.h5", **kind.more, **sections.pop("data", {})}
    model = {"layers": [5, kind.units], "activations": ["tanh", kind.g]}
    training = {"iterations": 9, "log_every": 2, "optimizer": "adam", "learning_rate": 0.05}
    training |= sections.pop("training", {})
    return write_config(
        folder / "c.yaml", data=data, model=model, training=training, loss=kind.loss, **sections
    )


def trained(folder: Path, name: str, called: str = "", **sections: Any) -> Path:
    """The run of a kind, once; in a folder of its own where it is `called`."""
    place = folder / (called or name)
    if not place.exists():
        result = deepnet(
            "train", write_kind(place, name, **sections), "-q", "--run-dir", place / "run"
        )
        assert result.code == 0, result.err
    return place / "run"
