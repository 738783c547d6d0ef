"""What layers have and batches go through, from a config to the files of a run, and back."""

import json
import signal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from cli import assert_refused, deepnet
from samples import parameters, same_files, write_blobs, write_config

from deepnet_cli.cli.progress import Display
from deepnet_cli.config.job import load_job
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import bits, generator, order
from deepnet_cli.training.loop.state import Event

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
    "slopes": [
        {"units": 6, "activation": "prelu", "batch_norm": True},
        {"units": 5, "activation": {"prelu": 0.4}, "dropout": 0.2},
        3,
    ],
    "layer norm": [{"units": 6, "layer_norm": {"epsilon": 0.01}}, 3],
    "many": [
        {"units": 6, "activation": "selu", "alpha_dropout": 0.2, "max_norm": 0.9},
        {"units": 5, "layer_norm": True, "dropout": 0.2, "l2": 0.0, "l1": 0.1},
        {"units": 3, "l2": 0.7},
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


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("optimizer", [pytest.param("momentum", marks=pytest.mark.long), "adam"])
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


CHANGES: dict[str, dict[str, Any]] = {
    "model": {"input_dropout": 0.2, "input_noise": 0.1},
    "training": {"mixup": 0.4, "max_norm": 1.0, "iterations": 17, "optimizer": "adam"},
}


@pytest.mark.parametrize("size", [16, "full"])
def test_resuming_with_changed_examples_equals_never_stopping(
    folder: Path, size: int | str
) -> None:
    """And a config that was resolved trains the same run."""
    training = {**MINI, **CHANGES["training"], "batch_size": size}
    config = write(folder, LAYERS["many"], model=CHANGES["model"], training=training)
    train(config, "--run-dir", "whole")
    train("whole/config.yaml", "--run-dir", "again")
    assert (folder / "whole/history.csv").read_bytes() == Path("again/history.csv").read_bytes()
    for stop in (1, 6, 16):
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


def test_each_update_by_plain_numpy(folder: Path) -> None:
    """Mixup, then noise, then dropout of the input; l2 of one layer; rows held to a norm."""
    x, y = blobs(folder / "blobs.h5")
    m, p = len(y), write_first(scale1=None, shift1=None, b1=np.zeros(6))
    p = {name: block.reshape(len(block), -1) for name, block in p.items() if block is not None}
    config = write(
        folder,
        [{"units": 6, "l2": 3.0}, {"units": 3, "max_norm": 0.8}],
        model={"initial_parameters": "first.h5", "input_noise": 0.3, "input_dropout": 0.25},
        training={"iterations": 3, "learning_rate": 0.1, "mixup": 0.6, "max_norm": 2.0, "l2": 0.5},
        compute={"precision": "float64"},
    )
    train(config, "--run-dir", "a", "--set", "seed=5")
    costs = []
    for step in range(3):
        lam = generator(5, "mixup", step).beta(0.6, 0.6)
        others = order(5, "mixup order", step, m)
        X = lam * x + (1 - lam) * x[others]
        Y = lam * np.eye(3)[y] + (1 - lam) * np.eye(3)[y[others]]
        X += 0.3 * generator(5, "input_noise", step).standard_normal(X.size).reshape(X.shape)
        words = bits(5, "input_dropout", step).random_raw(X.size // 2).view(np.uint32)
        X *= (words.reshape(X.shape) >= 0.25 * 2**32) / 0.75
        A = np.tanh(X @ p["W1"].T + p["b1"].T)
        E = np.exp(A @ p["W2"].T + p["b2"].T)
        P = E / E.sum(axis=1, keepdims=True)
        data = -(Y * np.log(P)).sum() / m
        costs.append(
            data + 3 / (2 * m) * (p["W1"] ** 2).sum() + 0.5 / (2 * m) * (p["W2"] ** 2).sum()
        )
        dZ2 = (P - Y) / m
        dZ1 = (dZ2 @ p["W2"]) * (1 - A**2)
        g = {"W2": dZ2.T @ A + 0.5 / m * p["W2"], "b2": dZ2.sum(axis=0)[:, np.newaxis]}
        g |= {"W1": dZ1.T @ X + 3 / m * p["W1"], "b1": dZ1.sum(axis=0)[:, np.newaxis]}
        p = {name: block - 0.1 * g[name] for name, block in p.items()}
        for name, limit in (("W1", 2.0), ("W2", 0.8)):
            norms = np.linalg.norm(p[name], axis=1, keepdims=True)
            p[name] = p[name] * np.minimum(1, limit / norms)
    for name, block in parameters(folder / "a").items():
        np.testing.assert_allclose(block, p[name], rtol=1e-12, atol=1e-14, err_msg=name)
    rows = (folder / "a/history.csv").read_text().splitlines()[1:]
    told = {int(row.split(",")[0]): float(row.split(",")[2]) for row in rows}
    assert told[0] == pytest.approx(costs[0], rel=1e-12)


def test_every_update_holds_the_rows(folder: Path) -> None:
    """Of whatever optimizer; the layer's own limit goes before that of all layers."""
    layers = [6, {"units": 5, "max_norm": 0.4}, 3]
    training = {**MINI, "learning_rate": 0.3, "max_norm": 0.7, "optimizer": "adam"}
    config = write(folder, layers, training=training)
    for iterations in (1, 2, 23):
        run = f"a{iterations}"
        train(config, "--run-dir", run, "--set", f"training.iterations={iterations}")
        p = parameters(folder / run)
        for name, limit in (("W1", 0.7), ("W2", 0.4), ("W3", 0.7)):
            norms = np.linalg.norm(p[name].astype(float), axis=1)
            assert norms.max() == pytest.approx(limit, rel=1e-6), name
    assert np.abs(p["b1"]).max() > 0


def test_a_layer_s_own_strength_stands_in_place_of_the_common_one(folder: Path) -> None:
    """A 0 too; layers of the same strength, one behind the other, are one penalty."""

    def penalties(layers: list[object], **training: float) -> set[tuple[Any, ...]]:
        found = load_job(write(folder, layers, training=training)).objective.penalties
        return {(p.name, round(p.strength * 90, 9), p.layers) for p in found}

    many, plain = LAYERS["many"], list[object]([6, 5, 3])
    own = {("l1", 0.1, (2, 2)), ("l2", 0.7, (3, 3))}
    assert penalties(many) == own
    assert penalties(many, l2=0.3) == own | {("l2", 0.3, (1, 1))}
    assert penalties(many, l2=0.7, l1=0.1) == {("l1", 0.1, None), ("l2", 0.7, (1, 1)), *own} - {
        ("l1", 0.1, (2, 2))
    }
    assert penalties(plain, l2=0.3) == {("l2", 0.3, None)}
    assert penalties([6, 5, {"units": 3, "l2": 0.1}], l2=0.3) == {
        ("l2", 0.3, (1, 2)),
        ("l2", 0.1, (3, 3)),
    }


def test_the_memory_of_changed_batches_is_counted(folder: Path) -> None:
    """The rows of a batch and as many again, in the precision that trains."""
    for size, m in (("full", 90), (16, 16)):
        config = write(folder, LAYERS["dropout"], training={"batch_size": size})
        assert "augmented batch" not in load_job(config).memory
        job = load_job(config, ("training.mixup=0.2",))
        assert job.memory["augmented batch"] == 2 * m * 4 * 4


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
    for n, change in enumerate(
        ("training.mixup=1", "model.input_noise=1", "model.input_dropout=0.5")
    ):
        train(plain, "--run-dir", f"c{n}", "--set", change)
        changed = json.loads((folder / f"c{n}/summary.json").read_text())
        assert changed["figures"] == summaries[1]["figures"]
        assert (folder / f"c{n}/history.csv").read_text() != histories[1]


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


def test_the_resolved_config_keeps_every_kind(folder: Path) -> None:
    """An l2 of 0 too, which is not that of all layers."""
    training = {"l2": 0.3, "max_norm": 2.0, "mixup": 0.1}
    train(
        write(folder, LAYERS["many"], training=training, model=CHANGES["model"]), "--run-dir", "a"
    )
    resolved = yaml.safe_load((folder / "a/config.yaml").read_text())
    assert resolved["model"]["layers"] == [
        {"units": 6, "alpha_dropout": 0.2, "max_norm": 0.9},
        {"units": 5, "dropout": 0.2, "layer_norm": {"epsilon": 1e-5}, "l2": 0.0, "l1": 0.1},
        {"units": 3, "l2": 0.7},
    ]
    assert resolved["model"].items() >= CHANGES["model"].items()
    assert resolved["training"].items() >= training.items()


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


def test_a_layer_norm_predicts_by_the_example_alone(folder: Path) -> None:
    """Plain NumPy on W, b, scale and shift."""
    layers = [{"units": 6, "layer_norm": {"epsilon": 0.01}}, {"units": 3, "layer_norm": True}]
    train(write(folder, layers, training=MINI, compute={"precision": "float64"}), "--run-dir", "a")
    assert deepnet("predict", "a", "more.h5", "-o", "out.h5").code == 0
    p, V = parameters(folder / "a"), blobs(folder / "more.h5")[0].T
    assert sorted(p) == [f"{stem}{l}" for stem in ("W", "b", "scale", "shift") for l in (1, 2)]
    for l, epsilon in ((1, 0.01), (2, 1e-5)):
        Z = p[f"W{l}"] @ V + p[f"b{l}"]
        N = (
            p[f"scale{l}"] * (Z - Z.mean(axis=0)) / np.sqrt(Z.var(axis=0) + epsilon)
            + p[f"shift{l}"]
        )
        V = np.tanh(N) if l == 1 else np.exp(N) / np.exp(N).sum(axis=0)
    with h5py.File("out.h5") as file:
        np.testing.assert_allclose(file["probabilities"][()], V.T, atol=1e-13)


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
    """90 = 89 + 1: it trains, predicts as a network of finite numbers, and is warned of."""
    config = write(folder, LAYERS["both"], training={**MINI, "batch_size": 89, "iterations": 10})
    result = deepnet("train", config, "--run-dir", "a", "-q")
    assert result.code == 0
    for words in ("training.batch_size: 90 examples leave a last batch of one", "batch_size 90"):
        assert words in result.err
    assert all(np.isfinite(block).all() for block in parameters(folder / "a").values())
    assert deepnet("evaluate", "a", "more.h5").code == 0
    for layers, size in ((LAYERS["both"], 88), (LAYERS["layer norm"], 89), (LAYERS["dropout"], 89)):
        config = write(folder, layers, training={**MINI, "batch_size": size})
        assert "warning" not in deepnet("train", config, "--dry-run").err


def test_the_batch_size_that_is_advised_leaves_no_batch_of_one(folder: Path) -> None:
    """Not the next one, where it leaves one too: 7 = 2 * 3 + 1 = 6 + 1."""
    for m, size in ((7, 2), (7, 3), (91, 9), (91, 45)):
        write_blobs(folder / "blobs.h5", m=m)
        config = write(folder, LAYERS["norm"], training={"batch_size": size})
        result = deepnet("train", config, "--dry-run")
        advised = int(result.err.split("use batch_size ")[1].split()[0])
        assert m % size == 1
        assert size < advised <= m
        assert m % advised != 1


def test_one_example_to_train_on(folder: Path) -> None:
    """A batch norm would never learn; a layer norm does."""
    with h5py.File("one.h5", "w") as file:
        file["x"], file["y"] = np.array([[1.0, 2.0, 3.0]]), np.array([0.5])
    layers: list[object] = [4, {"units": 3, "batch_norm": True}, 1]
    config = write(folder, layers, data={"train": "one.h5"})
    config.write_text(config.read_text().replace("cross_entropy", "mean_squared_error"))
    result = deepnet("train", config.name)
    assert_refused(result, 2, ["model.layers[1].batch_norm", "several examples", "layer_norm"])
    config.write_text(config.read_text().replace("batch_norm", "layer_norm"))
    assert deepnet("train", config.name, "-q").code == 0


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"activation": "selu", "dropout": 0.1}, "layers[0].dropout: dropout takes from selu"),
        ({"activation": "relu", "alpha_dropout": 0.1}, "layers[0].alpha_dropout: alpha_dropout"),
        ({"activation": "selu", "alpha_dropout": 0.1}, ""),
        ({"activation": "relu", "dropout": 0.1}, ""),
    ],
)
def test_the_dropout_that_suits_selu(folder: Path, layer: dict[str, object], words: str) -> None:
    result = deepnet("train", write(folder, [{"units": 6, **layer}, 3]), "--dry-run")
    assert result.code == 0
    assert words in result.err
    assert ("warning" in result.err) is bool(words)


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
        assert told["alpha_dropout"] == given.get("alpha_dropout", 0)
        for norm in ("batch_norm", "layer_norm"):
            assert told[norm] is bool(given.get(norm))
        assert ("b" in told) is not told["batch_norm"]
        assert ("scale" in told) is (told["batch_norm"] or told["layer_norm"])
    train(config, "--run-dir", "a")
    p = parameters(folder / "a")
    assert all(("slope" in told) == (f"slope{told['layer']}" in p) for told in plan["layers"])
    trained = sum(b.size for name, b in p.items() if not name.startswith(("mean", "variance")))
    summary = json.loads((folder / "a/summary.json").read_text())
    assert plan["parameters"] == summary["parameters"] == trained
    assert sum(layer["parameters"] for layer in plan["layers"]) == trained
