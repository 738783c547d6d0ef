"""Small data files and configs to train on, and what the runs wrote."""

import csv
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import yaml

from deepnet_cli.data.dealing.parts import Part, Supply
from deepnet_cli.nn.types import Array


def write_blobs(path: Path, m: int = 90, K: int = 3, n: int = 4, seed: int = 0) -> Path:
    """K clouds in n dimensions, sorted by label, as `x` (m, n) and `y` (m,)."""
    rng = np.random.default_rng(seed)
    centers = 3 * np.random.default_rng(1).normal(size=(K, n))
    y = np.sort(rng.integers(0, K, m))
    with h5py.File(path, "w") as file:
        file["x"] = (centers[y] + rng.normal(size=(m, n))).astype(np.float32)
        file["y"] = y
    return path


def write_config(path: Path, **sections: object) -> Path:
    """A config over blobs.h5 beside it; `sections` replace or extend the defaults' keys."""
    tree: dict[str, dict[str, object]] = {
        "data": {"train": "blobs.h5"},
        "model": {"layers": [6, 3], "activations": ["tanh", "softmax"]},
        "training": {"learning_rate": 0.1, "iterations": 40, "log_every": 5},
        "output": {"plots": False},
    }
    for name, section in sections.items():
        if isinstance(section, dict):
            tree.setdefault(name, {}).update(section)
        else:
            tree[name] = section  # type: ignore[assignment]
    path.write_text(yaml.safe_dump(tree))
    return path


def parameters(run: Path) -> dict[str, Array]:
    """What a run's model.h5 holds, by h5py alone."""
    with h5py.File(run / "model.h5") as file:
        return {name: block[()] for name, block in file["parameters"].items()}


def rows(run: Path) -> list[dict[str, float]]:
    """The history of a run."""
    with (run / "history.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def same_files(a: Path, b: Path) -> None:
    """The model, the history and the last checkpoint of two runs, byte for byte."""
    for name in ("model.h5", "history.csv"):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name
    newest = [max((run / "checkpoints").iterdir()) for run in (a, b)]
    assert newest[0].name == newest[1].name
    assert newest[0].read_bytes() == newest[1].read_bytes()


def part_of(supply: Supply) -> Part:
    """The part that it is, in memory."""
    assert isinstance(supply, Part)
    return supply


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A disk that is full after `size` bytes of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
