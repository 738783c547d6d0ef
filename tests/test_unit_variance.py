"""LSUV: an orthogonal draw, each W[l] divided by the standard deviation that Z[l] has."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transcription
from cli import deepnet
from samples import parameters, write_blobs, write_config

from deepnet_cli.config import reduction
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.layer import Layer
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.ops.dropout import Dropout
from deepnet_cli.nn.types import Array
from deepnet_cli.nn.unit_variance import unit_variance

HIDDEN = ["relu", "tanh", "gelu", "prelu", {"leaky_relu": 0.3}, "softplus"]
DEEP: dict[str, list[object]] = {
    "plain": [7, 6, 5, 3],
    "norms": [{"units": 7, "batch_norm": True}, 6, {"units": 5, "batch_norm": True}, 3],
    "masks": [{"units": 7, "dropout": 0.3}, {"units": 6, "dropout": 0.5}, 5, 3],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")


def config_of(initialization: str, hidden: object = "relu", **sections: Any) -> Path:
    model = {"layers": DEEP["plain"], "activations": hidden, "initialization": initialization}
    return write_config(
        Path("c.yaml"),
        model=model | sections.pop("model", {}),
        loss="cross_entropy",
        **{"compute": {"precision": "float64"}} | sections,
    )


def blocks(job: Job) -> dict[str, Array]:
    return job.network.layout.views(job.initial_theta())


def deviation(numbers: list[float]) -> float:
    """The root of the mean square around the mean, term by term."""
    mean = sum(numbers) / len(numbers)
    return float((sum((v - mean) ** 2 for v in numbers) / len(numbers)) ** 0.5)


@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
@pytest.mark.parametrize("size", ["full", 16])
def test_each_Z_of_the_first_batch_has_variance_1(hidden: object, size: int | str) -> None:
    """By loops over examples and units, which know nothing of ours; W keeps its direction."""
    job = load_job(config_of("lsuv", hidden, training={"batch_size": size}))
    p, (batch,) = blocks(job), job.batches.deal(0, 1)
    names = [layer.activation.name for layer in job.network.layers]
    given = {name: block.tolist() for name, block in p.items()}
    if isinstance(hidden, dict):  # the transcription knows it as a prelu
        names = ["prelu" if name == "leaky_relu" else name for name in names]
        given |= {f"slope{l}": [[0.3]] * len(p[f"W{l}"]) for l in (1, 2, 3)}
    found: list[list[float]] = [[] for _ in names]
    for x in batch.X.T.tolist():
        for numbers, z in zip(
            found, transcription.forward_layers(given, x, names)[0][1:], strict=True
        ):
            numbers += z
    assert [deviation(numbers) for numbers in found] == pytest.approx([1.0] * 4, rel=1e-12)
    drawn = blocks(load_job(config_of("orthogonal", hidden, training={"batch_size": size})))
    for l in (1, 2, 3, 4):
        ratio = drawn[f"W{l}"] / p[f"W{l}"]
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-12)
        assert not p[f"b{l}"].any()


@pytest.mark.parametrize("layers", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_so_it_is_where_the_first_update_is_made(layers: list[object], precision: str) -> None:
    """With norms, and with the very masks of that update."""
    config = config_of(
        "lsuv",
        model={"layers": layers},
        training={"batch_size": 20},
        compute={"precision": precision},
    )
    job = load_job(config)
    network, theta, (batch,) = job.network, job.initial_theta(), job.batches.deal(0, 1)
    work, p, V = network.workspace(20, theta.dtype), network.layout.views(theta), batch.X
    network.draw(work, batch.iteration)
    drops = 0
    for k, op in enumerate(network.ops):
        V = network.forward(p, V, work, k, k + 1)
        drops += isinstance(op, Dropout) and bool((V == 0).any())
        if op.letter == "Z":
            assert V.std() == pytest.approx(1, rel=1e-5 if precision == "float32" else 1e-12)
    assert drops == sum(isinstance(layer, dict) and "dropout" in layer for layer in layers)
    assert theta.dtype == precision
    statistics = theta[network.layout.statistics]
    np.testing.assert_array_equal(statistics, network.layout.start()[network.layout.statistics])


def small(units: int, hidden: Activation = ACTIVATIONS["relu"]) -> tuple[Network, Array]:
    layers = [Layer(units, hidden), Layer(2, ACTIVATIONS["linear"])]
    network = Network.of(3, layers, LOSSES["mean_squared_error"])
    draws = [INITIALIZERS["lsuv"]()] * 2
    return network, network.initialize(draws, np.random.default_rng(1))


SAME: dict[str, tuple[int, Array]] = {
    "nothing": (4, np.zeros((3, 6))),
    "one unit, all examples the same": (1, np.full((3, 6), 0.1) * [[1], [3], [7]]),
    "one unit, one example": (1, np.array([[0.3], [-2.0], [1.0]])),
    "not finite": (4, np.full((3, 6), np.nan)),
    "infinite": (4, np.full((3, 6), np.inf)),
    "too large for a square": (4, np.diag([1e200, 1e250, 1e300])),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SAME)
def test_what_has_no_variance_stays_as_it_was_drawn(name: str, dtype: type) -> None:
    units, X = SAME[name]
    network, theta = small(units)
    theta = theta.astype(dtype)
    drawn = network.layout.views(theta.copy())
    with np.errstate(over="ignore"):
        unit_variance(network, theta, X.astype(dtype), 0)
    p = network.layout.views(theta)
    np.testing.assert_array_equal(p["W1"], drawn["W1"])
    assert np.isfinite(theta).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_is_no_variance(dtype: type) -> None:
    """One unit, and examples that differ in their last digits."""
    network, theta = small(1)
    theta, digits = theta.astype(dtype), np.random.default_rng(0).integers(0, 4, (3, 9))
    drawn = network.layout.views(theta.copy())["W1"]
    X: Array = (1 + np.finfo(dtype).eps * digits).astype(dtype)
    assert (drawn @ X).std() > 0
    unit_variance(network, theta, X, 0)
    np.testing.assert_array_equal(network.layout.views(theta)["W1"], drawn)


def test_a_dead_layer_leaves_the_next_as_it_is() -> None:
    network, theta = small(1)
    network.layout.views(theta)["W1"][...] = 1
    drawn = network.layout.views(theta.copy())
    unit_variance(network, theta, -np.random.default_rng(0).random((3, 9)), 0)
    p = network.layout.views(theta)
    assert not np.array_equal(p["W1"], drawn["W1"])
    np.testing.assert_array_equal(p["W2"], drawn["W2"])


@pytest.mark.parametrize("wide", [False, True])
def test_a_run_repeats_and_goes_on_as_if_never_stopped(
    wide: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where training is in the span of the examples, whose directions come from W[1]."""
    if wide:
        write_blobs(Path("blobs.h5"), m=25, n=60)
        monkeypatch.setattr(reduction, "FIXED", 0)
    config = config_of("lsuv", training={"batch_size": 16, "iterations": 12})
    assert (load_job(config).reduced is not None) == wide
    for run, stop in (("whole", 12), ("again", 12), ("part", 5)):
        length = f"training.iterations={stop}"
        assert deepnet("train", config, "--run-dir", run, "--set", length).code == 0
    assert deepnet("train", "--resume", "part", "--set", "training.iterations=12").code == 0
    whole = parameters(Path("whole"))
    for run in ("again", "part"):
        for name, block in parameters(Path(run)).items():
            np.testing.assert_array_equal(block, whole[name])


def test_the_gradient_check_starts_there_too() -> None:
    checked = deepnet("gradcheck", config_of("lsuv", "elu"))
    assert checked.code == 0, checked.out
