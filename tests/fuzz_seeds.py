"""Good files of each kind that deepnet reads, of many sorts, and how each is read."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from cli import Result, deepnet
from layouts import LAYOUTS, Reads
from mutations import OF_TEXT, WORDS, Rng, mutated

from deepnet_cli.training.kept.sealed import USER_BLOCK, sealed

ROOT = Path(__file__).resolve().parent.parent
m = 12

BEST: dict[str, dict[str, Any]] = {
    "data": {"train": {"file": "data.h5", "x": "x", "y": "classes"}},
    "model": {"layers": [4, 3], "activations": ["relu", "softmax"]},
    "training": {"iterations": 2, "learning_rate": 0.1},
    "output": {"plots": False},
}
"""Of which every other config is a variation."""

VARIED: dict[str, dict[str, dict[str, Any]]] = {
    "plain": {},
    "binary": {
        "data": {"train": {"file": "data.h5", "x": "x", "y": "flags"}, "scale": "standardize"},
        "model": {"layers": [4, 1], "activations": ["tanh", "sigmoid"]},
        "training": {"class_weight": None},
    },
    "numbers": {
        "data": {
            "train": {"file": "data.h5", "x": "x", "y": "numbers"},
            "scale": {"log1p": "minmax"},
            "scale_y": "standardize",
        },
        "model": {"layers": [3, 1], "activations": [{"prelu": 0.1}, "linear"]},
        "loss": {"name": "huber", "delta": 2.0},
    },
    "several": {
        "data": {"train": {"file": "data.h5", "x": "x", "y": "several"}},
        "model": {"layers": [3, 2], "activations": ["elu", "sigmoid"]},
        "loss": {"name": "binary_cross_entropy"},
    },
    "norms": {
        "model": {
            "layers": [
                {"units": 4, "activation": "gelu", "batch_norm": True, "dropout": 0.2},
                {"units": 3, "activation": "silu", "layer_norm": {"epsilon": 1e-5}},
                {"units": 3, "activation": "softmax"},
            ],
            "activations": None,
        },
        "training": {"optimizer": "adam", "batch_size": 5},
    },
    "holes": {
        "data": {
            "train": {"file": "data.h5", "x": "holes", "y": "names"},
            "impute": {"name": "median"},
            "one_hot": {"columns": [3], "unknown": "zeros"},
        },
        "training": {
            "learning_rate": {"schedule": "cosine", "initial": 0.1},
            "optimizer": {"name": "nesterov", "momentum": 0.9},
        },
    },
    "watched": {
        "data": {"validation": {"fraction": 0.3, "stratify": False}, "test": {"fraction": 0.2}},
        "training": {
            "early_stopping": {"monitor": "val_cost", "patience": 3},
            "clip_norm": 1.0,
            "l2": 0.1,
            "max_time": "30m",
        },
    },
    "double": {
        "compute": {"precision": "float64", "threads": 1},
        "model": {"initialization": {"normal": 0.01}},
        "training": {"optimizer": "lbfgs"},
    },
    "weighted": {
        "data": {"train": {"file": "data.h5", "x": "x", "y": "classes", "weights": "weights"}},
        "loss": {"name": "cross_entropy", "label_smoothing": 0.1, "class_weight": "balanced"},
        "training": {"averaging": {"name": "ema", "decay": 0.9}},
    },
    "deep": {
        "model": {"layers": [3] * 12, "activations": ["relu"] * 11 + ["softmax"]},
        "training": {"optimizer": {"name": "adamw", "weight_decay": 0.01}, "mixup": 0.2},
    },
}
"""What models are trained by, as changes of BEST: None takes a key away."""


def config(varied: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """BEST with these changes."""
    tree: dict[str, Any] = {name: dict(section) for name, section in BEST.items()}
    for name, section in varied.items():
        tree[name] = tree.get(name, {}) | section
        tree[name] = {key: value for key, value in tree[name].items() if value is not None}
    return {name: section for name, section in tree.items() if section}


def write_data(path: Path) -> None:
    """Every kind of x and y that the configs name."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 40, (m, 4)) / 8
    holes = x.copy()
    holes[::5, 0], holes[:, 3] = np.nan, np.arange(m) % 3
    with h5py.File(path, "w") as file:
        file["x"], file["holes"], file["weights"] = x, holes, np.linspace(0.5, 2, m)
        file["classes"], file["flags"] = np.arange(m) % 3, np.arange(m) % 2
        file["numbers"], file["several"] = x.sum(axis=1), np.eye(2)[np.arange(m) % 2]
        file["names"] = np.array(["cat", "dog", "eel"] * 4, h5py.string_dtype())


# Seeds: a folder is filled with files whose names end in `.seed`


def write_configs(folder: Path) -> None:
    """What is shipped, what models are trained by in two styles, and all of YAML's own forms."""
    for name, varied in VARIED.items():
        tree = config(varied)
        (folder / f"{name}.seed").write_text(yaml.safe_dump(tree))
        (folder / f"{name}-flow.seed").write_text(yaml.safe_dump(tree, default_flow_style=True))
    for path in (ROOT / "configs").glob("*.yaml"):
        text = path.read_text().replace("../data/", f"{ROOT}/data/")
        (folder / f"{path.stem}.seed").write_text(text)
    (folder / "forms.seed").write_text(
        "%YAML 1.2\n--- # everything\n? data\n: train: !!str data.h5\n  'x': &a \"x\\u00e9\\n\"\n"
        "model: {layers: [4, 3], ? activations : |\n  relu\n}\ntraining: >-\n  folded\n\n  text\n"
        "<<: *a\n...\n"
    )


def write_models(folder: Path) -> None:
    """Models of every sort."""
    for name, varied in VARIED.items():
        run = train(folder, name, varied)
        (folder / f"{name}.seed").write_bytes((run / "model.h5").read_bytes())
    (folder / "largest.seed").write_bytes(sealed("model", partial(of_the_largest, run)))


def of_the_largest(run: Path, file: Any) -> None:
    """The model of a run with the largest parameters that there are: a finding."""
    with h5py.File(run / "model.h5") as good:
        for name in good:
            good.copy(name, file)
        for name, value in good.attrs.items():
            file.attrs[name] = value
    for block in file["parameters"].values():
        block[...] = np.finfo(block.dtype).max


def train(folder: Path, name: str, varied: dict[str, dict[str, Any]]) -> Path:
    """A run of this variation."""
    tree, run = config(varied), folder / f"run-{name}"
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree))
    done = deepnet("train", folder / f"{name}.yaml", "--run-dir", run, "-q")
    assert done.code == 0, done.err
    return run


def write_hdf5(folder: Path) -> None:
    """The layouts that people have, and every way in which HDF5 keeps values."""
    rng = np.random.default_rng(4)
    x = rng.integers(0, 40, (m, 4)) / 8
    stored: dict[str, dict[str, Any]] = {
        "whole": {},
        "chunks": {"chunks": (5, 3)},
        "gzip": {"chunks": (5, 4), "compression": "gzip", "shuffle": True},
        "lzf": {"chunks": (4, 4), "compression": "lzf"},
        "fletcher32": {"chunks": (6, 4), "fletcher32": True},
        "all-filters": {
            "chunks": (4, 2),
            "compression": "gzip",
            "shuffle": True,
            "fletcher32": True,
        },
        "growing": {"chunks": (4, 4), "maxshape": (None, None)},
        "filled": {"chunks": (6, 4), "fillvalue": 3.0},
    }
    for version in ("earliest", "latest"):
        for name, options in stored.items():
            with h5py.File(folder / f"{name}-{version}.seed", "w", libver=version) as file:
                fill(file, x, options)
    with h5py.File(folder / "no-flags.seed", "w") as file:  # a finding: of flags none is set
        file["x"], file["y"] = x, np.zeros((m, 3), np.uint8)
    read = [layout for layout in LAYOUTS.values() if isinstance(layout.expected, Reads)]
    for i, layout in enumerate(read):
        with h5py.File(folder / f"layout-{i:03}.seed", "w") as file:
            layout.fill(file)


def fill(file: Any, x: Any, options: dict[str, Any]) -> None:
    """x stored so, and what else a file may hold: attributes, scales, links, text."""
    file.create_dataset("x", data=x, **options)
    file["y"] = np.array(["cat", "dog", "eel"] * 4, h5py.string_dtype())
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    compact = h5py.h5d.create(
        file.id, b"small", h5py.h5t.NATIVE_INT16, h5py.h5s.create_simple((m,)), properties
    )
    compact.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(m, dtype="i2"))
    file["x"].attrs["columns"] = np.array(["a", "b", "c", "d"], h5py.string_dtype())
    file["x"].attrs["long_name"], file.attrs["made"] = np.bytes_("x of twelve"), 2026
    file["axis"] = np.arange(4.0)
    file["axis"].make_scale("column")
    file["x"].dims[1].attach_scale(file["axis"])
    file["more/names"] = np.array([b"one", b"three"])
    file["soft"], file["again"] = h5py.SoftLink("/x"), file["more"]


# How a mutant is made and read


def mutated_text(seed: bytes, rng: Rng) -> bytes:
    return mutated(seed, rng, (*YAML_WORDS, *WORDS[:8]), OF_TEXT)


def mutated_model(seed: bytes, rng: Rng) -> bytes:
    """Every second one sealed again, so that its digest is right."""
    if rng.random() < 0.5:
        return mutated(seed, rng)
    body = mutated(seed, rng, start=USER_BLOCK)[USER_BLOCK:]
    header = sealed("model", lambda _: None)[:USER_BLOCK]
    digest = hashlib.sha256(body).hexdigest().encode()
    at = header.index(b"sha256 ") + 7
    return header[:at] + digest + header[at + 64 :] + body


FORMS = (
    "&a ",
    "*a",
    "<<: *a\n",
    "!!str ",
    "!x ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "? ",
    "- ",
    ": ",
)
SIGNS = ("[", "]", "{", "}", ",", ":", "'", '"', "#", " #", "|", ">", "@", "`", "\\x00", "\\ud800")
SPACES = ("\t", "\r\n", "\n ", "\n  ", "\n\n", "\u00a0", "\ufeff", "\u2028")
VALUES = ("1e999", "-0", ".nan", ".inf", "010", "0x1f", "1_0", "1:30", "~", "true", "no", "9" * 20)
NAMES = ("../../x", "~/x", "/dev/zero", "data.h5", "x", "model", "training", "layers", "[" * 25)
YAML_WORDS = tuple(map(str.encode, (*FORMS, *SIGNS, *SPACES, *VALUES, *NAMES)))
"""What means something in YAML, or in a config."""


@dataclass(frozen=True)
class Kind:
    """What is read: how its seeds are made, how one is changed, and the commands that read it."""

    write: Callable[[Path], None]
    mutate: Callable[[bytes, Rng], bytes]
    name: str  # of the file
    commands: tuple[tuple[str, ...], ...]
    codes: frozenset[int]

    def read(self, turn: int) -> Result:
        """What the command whose turn it is says of the file in the working directory.

        Raises AssertionError where that is not what a person is to meet.
        """
        command = self.commands[turn % len(self.commands)]
        result = deepnet(*command)
        assert result.code in self.codes, (command, result)
        assert result.code == 0 or result.err.strip(), command
        assert "Warning" not in result.err, result.err
        return result


KINDS = {
    "yaml": Kind(
        write_configs,
        mutated_text,
        "case.yaml",
        (("train", "case.yaml", "--dry-run"),),
        frozenset((0, 2, 3, 6)),
    ),
    "model": Kind(
        write_models,
        mutated_model,
        "case.h5",
        (("inspect", "case.h5"), ("predict", "case.h5", "data.h5", "--x", "x")),
        frozenset((0, 3, 6)),
    ),
    "data": Kind(
        write_hdf5,
        mutated,
        "case.h5",
        (("inspect", "case.h5"), ("train", "data.yaml", "--dry-run")),
        frozenset((0, 2, 3, 6)),
    ),
}
