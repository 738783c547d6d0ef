"""Batch norm and dropout from a config to the files of a run, and back."""

import json
import signal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from cli import assert_refused, deepnet
from samples import parameters, write_blobs, write_config

from deepnet_cli.cli.progress import Display
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import bits
from deepnet_cli.training.session import Event

NORM = {"epsilon": 0.01, "momentum": 0.3}
MINI = {"batch_size": 16, "learning_rate": 0.02, "l2": 0.3}
"""Mini-batches with a short last one: 72 = 4 * 16 + 8."""

LAYERS: dict[str, list[object]] = {
    "dropout": [{"units": 6, "dropout": 0.4}, 3],
    "norm": [{"units": 6, "batch_norm": NORM}, 3],
    "both": [
        {"units": 6, "activation": "gelu", "batch_norm": True, "dropout": 0.2},
        {"units": 5, "dropout": 0.5},
        {"units": 3, "batch_norm": NORM},
    ],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with blobs.h5."""
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "more.h5", m=31, seed=9)
    return tmp_path


def write(folder: Path, layers: list[object], **sections: object) -> Path:
    """A config with these layers."""
    model = {"layers": layers, "activations": "tanh", **sections.pop("model", {})}  # type: ignore[dict-item]
    return write_config(folder / "c.yaml", model=model, loss="cross_entropy", **sections)


def train(*args: str | Path) -> None:
    result = deepnet("train", *args, "-q")
    assert result.code == 0, result.err


def blobs(path: Path) -> tuple[Array, Array]:
    with h5py.File(path) as file:
        return file["x"][()].astype(float), file["y"][()]


def same_files(a: Path, b: Path) -> None:
    """The model, the history and the last checkpoint of two runs, byte for byte."""
    newest = [max((run / "checkpoints").iterdir()) for run in (a, b)]
    assert newest[0].name == newest[1].name
    pairs = [(a / name, b / name) for name in ("model.h5", "history.csv")]
    for ours, theirs in [*pairs, (newest[0], newest[1])]:
        assert ours.read_bytes() == theirs.read_bytes(), ours.name


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_runs_repeat_and_resuming_equals_never_stopping(
    folder: Path, layers: list[object], optimizer: str
) -> None:
    """Stopped before, at and after the short last batch of an epoch."""
    training = {**MINI, "optimizer": optimizer, "iterations": 17}
    config = write(folder, layers, training=training, data={"validation": {"fraction": 0.2}})
    train(config, "--run-dir", "whole")
    train(config, "--run-dir", "again")
    same_files(folder / "whole", folder / "again")
    for stop in (1, 4, 5, 12, 16):
        run = f"part{stop}"
        train(config, "--run-dir", run, "--set", f"training.iterations={stop}")
        train("--resume", run, "--set", "training.iterations=17")
        same_files(folder / "whole", folder / run)


def test_a_signal_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write(folder, LAYERS["both"], training=MINI, data={"validation": {"fraction": 0.2}})
    train(config, "--run-dir", "whole")
    show = Display.show

    def interrupting(self: Display, event: Event) -> None:
        show(self, event)
        if event.steps.iteration == 13:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Display, "show", interrupting)
        assert deepnet("train", config, "--run-dir", "part").code == 143
    train("--resume", "part")
    same_files(folder / "whole", folder / "part")


@pytest.mark.parametrize("layers", [LAYERS["dropout"], LAYERS["both"]])
def test_the_seed_draws_the_masks(folder: Path, layers: list[object]) -> None:
    """From the same first parameters and batches."""
    config = write(folder, layers)
    train(config, "--run-dir", "first", "--set", "training.iterations=1")
    for seed in "01":
        start = "model.initial_parameters=first/model.h5"
        train(config, "--run-dir", seed, "--set", f"seed={seed}", "--set", start)
    assert (parameters(folder / "0")["W1"] != parameters(folder / "1")["W1"]).any()


def test_each_update_and_layer_has_its_masks(folder: Path) -> None:
    """Three updates by plain NumPy, with masks from the random bits by themselves."""
    x, y = blobs(folder / "blobs.h5")
    Y, rate, p = np.eye(3)[:, y], 0.25, write_first(scale1=None, shift1=None, b1=np.zeros(6))
    p = {name: block.reshape(len(block), -1) for name, block in p.items() if block is not None}
    p |= {"W3": p["W2"] / 2, "b3": p["b2"] + 1, "W2": np.cos(np.arange(36.0)).reshape(6, 6)}
    p["b2"] = np.zeros((6, 1))
    write_first(scale1=None, shift1=None, **p)
    layers = [{"units": 6, "dropout": rate}, {"units": 6, "dropout": rate}, 3]
    config = write(
        folder,
        layers,
        model={"initial_parameters": "first.h5"},
        training={"iterations": 3, "learning_rate": 0.1},
        compute={"precision": "float64"},
    )
    train(config, "--run-dir", "a", "--set", "seed=5")
    m = len(y)
    for step in range(3):
        masks, A, D = [], [], [x.T]
        for l in (1, 2):
            words = bits(5, f"dropout {l}", step).random_raw(3 * m).view(np.uint32)
            masks.append((words.reshape(6, m) >= rate * 2**32) / (1 - rate))
            A.append(np.tanh(p[f"W{l}"] @ D[-1] + p[f"b{l}"]))
            D.append(A[-1] * masks[-1])
        E = np.exp(p["W3"] @ D[-1] + p["b3"])
        dZ, g = (E / E.sum(axis=0) - Y) / m, {}
        for l in (3, 2, 1):
            g[f"W{l}"], g[f"b{l}"] = dZ @ D[l - 1].T, dZ.sum(axis=1, keepdims=True)
            if l > 1:
                dZ = (p[f"W{l}"].T @ dZ) * masks[l - 2] * (1 - A[l - 2] ** 2)
        p = {name: block - 0.1 * g[name] for name, block in p.items()}
    for name, block in parameters(folder / "a").items():
        np.testing.assert_allclose(block, p[name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_figures_are_of_the_whole_network_and_the_cost_is_not(folder: Path) -> None:
    """The same parameters: the row's cost with units dropped, the summary's without."""
    config = write(folder, LAYERS["dropout"], training={"iterations": 1, "learning_rate": 1e-30})
    train(config, "--run-dir", "a")
    plain = write(folder, [6, 3], training={"iterations": 1, "learning_rate": 1e-30})
    train(plain, "--run-dir", "b")
    summaries = [json.loads((folder / run / "summary.json").read_text()) for run in "ab"]
    assert summaries[0]["figures"] == summaries[1]["figures"]
    histories = [(folder / run / "history.csv").read_text() for run in "ab"]
    assert histories[0] != histories[1]


def test_the_resolved_config_keeps_what_a_layer_has(folder: Path) -> None:
    train(write(folder, LAYERS["both"]), "--run-dir", "a")
    train("a/config.yaml", "--run-dir", "b")
    assert (folder / "a/history.csv").read_bytes() == (folder / "b/history.csv").read_bytes()
    model = yaml.safe_load((folder / "a/config.yaml").read_text())["model"]
    assert model["activations"] == ["gelu", "tanh", "softmax"]
    assert model["layers"] == [
        {"units": 6, "dropout": 0.2, "batch_norm": {"epsilon": 1e-5, "momentum": 0.1}},
        {"units": 5, "dropout": 0.5},
        {"units": 3, "batch_norm": NORM},
    ]


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_predictions_are_those_of_what_the_file_holds(folder: Path, precision: str) -> None:
    """Plain NumPy on W, scale, shift, mean and variance; each row as if it were alone."""
    layers = [{"units": 6, "batch_norm": NORM, "dropout": 0.3}, {"units": 3, "batch_norm": True}]
    config = write(folder, layers, training=MINI, compute={"precision": precision})
    train(config, "--run-dir", "a")
    assert deepnet("predict", "a", "more.h5", "-o", "out.h5").code == 0
    p = {name: block.astype(float) for name, block in parameters(folder / "a").items()}
    assert sorted(p) == [
        f"{stem}{l}" for stem in ("W", "mean", "scale", "shift", "variance") for l in (1, 2)
    ]
    V = blobs(folder / "more.h5")[0].T
    for l, epsilon in ((1, 0.01), (2, 1e-5)):
        Zhat = (p[f"W{l}"] @ V - p[f"mean{l}"]) / np.sqrt(p[f"variance{l}"] + epsilon)
        N = p[f"scale{l}"] * Zhat + p[f"shift{l}"]
        V = np.tanh(N) if l == 1 else np.exp(N) / np.exp(N).sum(axis=0)
    with h5py.File("out.h5") as file:
        atol = 1e-5 if precision == "float32" else 1e-13
        np.testing.assert_allclose(file["probabilities"][()], V.T, atol=atol)


def test_a_model_goes_on_as_initial_parameters(folder: Path) -> None:
    """With its running statistics: two runs of 20 are one of 40."""
    config = write(folder, LAYERS["norm"], training={"iterations": 20})
    train(config, "--run-dir", "a")
    train(config, "--run-dir", "b", "--set", "model.initial_parameters=a/model.h5")
    train(config, "--run-dir", "c", "--set", "training.iterations=40")
    for name, block in parameters(folder / "c").items():
        np.testing.assert_array_equal(block, parameters(folder / "b")[name])


def write_first(**changed: Any) -> dict[str, Array]:
    """first.h5 for 4-6-3 with a norm in the first layer, without statistics; some changed."""
    rng = np.random.default_rng(2)
    first: dict[str, Any] = {
        "W1": rng.normal(size=(6, 4)),
        "scale1": rng.uniform(0.5, 2, 6),
        "shift1": rng.normal(size=(6, 1)),
        "W2": rng.normal(size=(3, 6)),
        "b2": rng.normal(size=3),
    } | changed
    with h5py.File("first.h5", "w") as file:
        for name, block in first.items():
            if block is not None:
                file[name] = block
    return first


@pytest.mark.parametrize("given", [True, False])
def test_statistics_that_a_file_does_not_give_start_at_0_and_1(folder: Path, given: bool) -> None:
    """One update on, they are momentum's part of the way to the batch's, ddof = 1."""
    mean, variance = np.arange(6) - 2.5, 0.5 + np.arange(6)
    first = write_first(**({"mean1": mean, "variance1": variance} if given else {}))
    config = write(
        folder,
        LAYERS["norm"],
        model={"initial_parameters": "first.h5"},
        training={"iterations": 1},
        compute={"precision": "float64"},
    )
    train(config, "--run-dir", "a")
    Z = first["W1"] @ blobs(folder / "blobs.h5")[0].T
    before = (mean, variance) if given else (np.zeros(6), np.ones(6))
    p = parameters(folder / "a")
    np.testing.assert_allclose(p["mean1"][:, 0], 0.7 * before[0] + 0.3 * Z.mean(axis=1))
    batch = Z.var(axis=1, ddof=1)
    np.testing.assert_allclose(p["variance1"][:, 0], 0.7 * before[1] + 0.3 * batch)


UNFIT: dict[str, tuple[dict[str, Any], *tuple[str, ...]]] = {
    "no_scale": ({"scale1": None}, "no parameter 'scale1'", "W1, W2, b2, shift1"),
    "no_shift": ({"shift1": None}, "no parameter 'shift1'"),
    "shape_of_scale": ({"scale1": np.ones(5)}, "scale1", "(5,)", "(6, 1)"),
    "shape_of_mean": ({"mean1": np.ones((1, 6))}, "mean1", "(1, 6)", "(6, 1)"),
    "b_beside_the_norm": ({"b1": np.ones(6)}, "holds b1", "batch norm of layer 1", "mean1"),
    "norm_where_there_is_none": (
        {"scale2": np.ones(3)},
        "holds scale2",
        "layer 2",
        "no batch norm",
    ),
    "mean_where_there_is_none": ({"mean2": np.ones(3)}, "holds mean2", "layer 2", "no batch norm"),
    "a_layer_more": ({"W3": np.ones((3, 3))}, "holds W3", "a layer more"),
    "a_norm_more": ({"scale3": np.ones(3)}, "holds scale3", "a layer more"),
    "nan": ({"scale1": np.full(6, np.nan)}, "scale1", "NaN"),
    "infinite_mean": ({"mean1": np.full(6, -np.inf)}, "mean1", "infinity"),
    "negative_variance": ({"variance1": -np.ones(6)}, "variance1", "negative"),
    "integers": ({"variance1": np.ones(6, int)}, "variance1", "int64", "floats"),
}
"""What is changed in first.h5, and the words of the message."""


@pytest.mark.parametrize("row", UNFIT.values(), ids=UNFIT)
def test_initial_parameters_that_do_not_fit(
    folder: Path, row: tuple[dict[str, Any], *tuple[str, ...]]
) -> None:
    changed, *words = row
    write_first(**changed)
    config = write(folder, LAYERS["norm"], model={"initial_parameters": "first.h5"})
    result = deepnet("train", config.name, "-q")
    assert_refused(result, 3, ["c.yaml:6:23: model.initial_parameters: first.h5: ", *words])
    assert result.err.endswith(f"      | {'':22}{'^' * len('first.h5')}\n")


def test_statistics_that_overflow_are_a_divergence(folder: Path) -> None:
    """The cost of a batch does not know them; what is left can be predicted with."""
    with h5py.File("blobs.h5", "r+") as file:
        file["x"][...] *= np.float32(1e19)
    for iterations in (1, 5):
        run, length = f"a{iterations}", f"training.iterations={iterations}"
        config = write(folder, LAYERS["norm"])
        result = deepnet("train", config, "--run-dir", run, "--set", length)
        assert result.code == 4
        assert "running statistics of a batch norm overflowed" in result.err
        assert "standardize" in result.err
        assert deepnet("predict", run, "more.h5").code == 0
    assert json.loads((folder / run / "summary.json").read_text())["stopped"] == "diverged"


def test_a_last_batch_of_one_example(folder: Path) -> None:
    """90 = 89 + 1: it trains, and predicts as a network of finite numbers."""
    config = write(folder, LAYERS["both"], training={**MINI, "batch_size": 89, "iterations": 10})
    train(config, "--run-dir", "a")
    assert all(np.isfinite(block).all() for block in parameters(folder / "a").values())
    assert deepnet("evaluate", "a", "more.h5").code == 0


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_dry_run_tells_what_a_layer_has(folder: Path, layers: list[object]) -> None:
    config = write(folder, layers)
    result = deepnet("train", config, "--dry-run")
    assert result.code == 0
    assert all(len(line) <= 80 for line in result.out.splitlines()), result.out
    plan = json.loads(deepnet("train", config, "--dry-run", "--json").out)
    for told, layer in zip(plan["layers"], layers, strict=True):
        given = layer if isinstance(layer, dict) else {}
        assert told["dropout"] == given.get("dropout", 0)
        assert told["batch_norm"] is bool(given.get("batch_norm"))
        assert ("b" in told) is not ("scale" in told)
    train(config, "--run-dir", "a")
    p = parameters(folder / "a")
    trained = sum(b.size for name, b in p.items() if not name.startswith(("mean", "variance")))
    summary = json.loads((folder / "a/summary.json").read_text())
    assert plan["parameters"] == summary["parameters"] == trained
    assert sum(layer["parameters"] for layer in plan["layers"]) == trained
