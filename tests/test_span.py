"""Training in the span of the examples is training, but for rounding.

The oracle is the ordinary training of the same config, and once a loop over examples.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import parameters, write_config

from deepnet_cli.config import foresight, reduction
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.nn.penalties import PENALTIES
from deepnet_cli.nn.span import Span, factored
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.clipping import CLIPPINGS
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.training.loop import space as spaces
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.space import space_of
from deepnet_cli.training.loop.state import State

M, N = 18, 40
"""Examples to train on, and features."""

ROTATING = ["gradient_descent", "momentum", "nesterov"]
RULES: list[object] = [*ROTATING, {"name": "momentum", "momentum": 0.8, "dampening": 0.8}]
LAYERS: dict[str, list[object]] = {
    "plain": [6, 3],
    "norm": [{"units": 6, "batch_norm": True}, {"units": 5, "batch_norm": True}, 3],
    "dropout": [{"units": 6, "dropout": 0.3}, {"units": 5, "dropout": 0.2}, 3],
    "factors": [{"units": 6, "rate_factor": 0.3}, {"units": 5, "trainable": False}, 3],
    "slopes": [{"units": 6, "activation": "prelu"}, 5, 3],
    "layer norm": [{"units": 6, "layer_norm": True, "alpha_dropout": 0.2}, 3],
    "held": [{"units": 6, "max_norm": 0.7}, {"units": 5, "l1": 0.2, "max_norm": 0.5}, 3],
    "one layer": [3],
}
FIXED = reduction.FIXED

AS_IT_IS = ("compute.reduce=false",)


def rows_of(kind: str, rng: np.random.Generator) -> Array:
    """Examples (M, N), of full rank or not."""
    x: Array = rng.normal(size=(M, N))
    if kind == "twice":
        x[1::2] = x[::2]
    elif kind == "few directions":
        x = rng.normal(size=(M, 3)) @ rng.normal(size=(3, N))
    elif kind == "constant":
        x[:, ::2] = 1.5
    elif kind == "nothing":
        x[...] = 0.0
    return x


def write_wide(path: Path, x: Array, seed: int = 3) -> None:
    """Examples with labels 0, 1, 2 and weights, and others to validate on."""
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        file["x_train"], file["y_train"] = x, np.arange(len(x)) % 3
        file["w_train"] = rng.uniform(0.5, 2, len(x))
        file["x_val"], file["y_val"] = rng.normal(size=(9, x.shape[1])), np.arange(9) % 3


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with wide.h5, where nothing but the size counts: small data pay too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reduction, "FIXED", 0)
    write_wide(tmp_path / "wide.h5", rows_of("full rank", np.random.default_rng(0)))
    return tmp_path


def write(folder: Path, layers: list[object] = LAYERS["plain"], **sections: Any) -> Path:
    """A config over wide.h5, in float64 where nothing else is said."""
    data = {"train": "wide.h5"} | sections.pop("data", {})
    training = {"learning_rate": 0.1, "iterations": 30} | sections.pop("training", {})
    model = {"layers": layers, "activations": "tanh"} | sections.pop("model", {})
    return write_config(
        folder / "c.yaml",
        data=data,
        model=model,
        loss="cross_entropy",
        training=training,
        **{"compute": {"precision": "float64"}} | sections,
    )


def trajectory(job: Job) -> Iterator[tuple[float, Array]]:
    """The cost of each update of a job, and the parameters (P,) behind it."""
    space = space_of(job, job.initial_theta())
    state = State.start(space.enter(job.initial_theta()), job.rule)
    batches = space.batches.runs(0, job.iterations)
    for step in train(state, space.objective, job.clippings, job.rule, job.rate, batches):
        yield step.cost, space.lift(state.theta)


def assert_the_same(config: Path) -> None:
    """With and without the span: each cost to 1e-13 of it, every parameter to 1e-12."""
    reduced, whole = load_job(config), load_job(config, AS_IT_IS)
    m = reduced.batches.part.m
    assert reduced.reduced == m + 1
    assert whole.reduced is None
    for (J, theta), (expected_J, expected) in zip(
        trajectory(reduced), trajectory(whole), strict=True
    ):
        np.testing.assert_allclose(J, expected_J, rtol=1e-13)
        np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("l2", [0, 2.0])
@pytest.mark.parametrize("size", ["full", 7])
@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_the_trajectory_is_the_same(
    folder: Path, layers: list[object], size: str | int, l2: float, rule: object
) -> None:
    training = {"optimizer": rule, "l2": l2, "batch_size": size}
    assert_the_same(write(folder, layers, training=training))


@pytest.mark.parametrize("kind", ["twice", "few directions", "constant", "nothing"])
@pytest.mark.parametrize("l2", [0, 2.0])
def test_no_rank_is_asked_of_the_examples(folder: Path, kind: str, l2: float) -> None:
    write_wide(folder / "wide.h5", rows_of(kind, np.random.default_rng(0)))
    assert_the_same(write(folder, training={"l2": l2, "optimizer": "momentum"}))


@pytest.mark.parametrize("start", ["zeros", "inside", "some inside"])
def test_a_start_without_a_part_outside(folder: Path, start: str) -> None:
    """Rows of W[1] that are 0, or sums of examples."""
    x = rows_of("full rank", np.random.default_rng(0))
    rng = np.random.default_rng(1)
    W = np.zeros((6, N)) if start == "zeros" else rng.normal(size=(6, M)) @ x
    if start == "some inside":
        W[::2] = rng.normal(size=(3, N))
    with h5py.File("first.h5", "w") as file:
        file["W1"], file["b1"] = W, np.zeros(6)
        file["W2"], file["b2"] = rng.normal(size=(3, 6)), np.zeros(3)
    model = {"initial_parameters": "first.h5"}
    assert_the_same(write(folder, model=model, training={"l2": 1.0, "optimizer": "nesterov"}))


def test_examples_with_weights_in_single_precision(folder: Path) -> None:
    data = {"train": {"file": "wide.h5", "weights": "w_train"}}
    assert_the_same(write(folder, data=data, training={"batch_size": 5, "l2": 0.5}))
    config = write(folder, data=data, compute={"precision": "float32"})
    pairs = zip(trajectory(load_job(config)), trajectory(load_job(config, AS_IT_IS)), strict=True)
    for (J, theta), (expected_J, expected) in pairs:
        assert theta.dtype == np.float32
        np.testing.assert_allclose(J, expected_J, rtol=1e-5)
        np.testing.assert_allclose(theta, expected, atol=1e-5)


@pytest.mark.parametrize("size", ["full", 7])
def test_mixed_examples_are_in_the_span(folder: Path, size: str | int) -> None:
    """With weights too; noise and dropout of single features are not."""
    data = {"train": {"file": "wide.h5", "weights": "w_train"}}
    training = {"batch_size": size, "mixup": 0.5, "max_norm": 0.8, "l2": 1.0}
    assert_the_same(write(folder, data=data, training=training))
    for key in ("input_noise", "input_dropout"):
        assert load_job(write(folder, model={key: 0.1})).reduced is None


def test_rows_are_held_in_the_span(folder: Path) -> None:
    """The limit is met in every row by the part outside as well, and the trajectory is the same."""
    config = write(folder, training={"max_norm": 0.5})
    assert_the_same(config)
    job = load_job(config)
    for _, theta in trajectory(job):
        norms = np.linalg.norm(job.network.layout.views(theta)["W1"], axis=1)
        np.testing.assert_allclose(norms, 0.5, rtol=1e-12)
        break


def test_one_example_at_a_time_by_plain_loops(folder: Path) -> None:
    """The equations of the course for a network of one hidden layer, and lambda/m W."""
    first = {"W1": np.random.default_rng(4).normal(size=(6, N)) / 6, "b1": np.zeros(6)}
    first |= {"W2": np.random.default_rng(5).normal(size=(3, 6)), "b2": np.zeros(3)}
    with h5py.File("first.h5", "w") as file:
        for name, block in first.items():
            file[name] = block
    config = write(
        folder,
        model={"initial_parameters": "first.h5"},
        training={"l2": 3.0, "optimizer": {"name": "momentum", "dampening": 0.9}},
    )
    assert deepnet("train", config, "--run-dir", "a", "-q").code == 0
    with h5py.File("wide.h5") as file:
        examples = list(zip(file["x_train"][()], np.eye(3)[file["y_train"][()]], strict=True))
    p = {name: block.copy() for name, block in first.items()}
    v = {name: np.zeros_like(block) for name, block in p.items()}
    for _ in range(30):
        g = {name: 3 / M * p[name] * (name[0] == "W") for name in p}
        for x, y in examples:
            A = np.tanh(p["W1"] @ x + p["b1"])
            E = np.exp(p["W2"] @ A + p["b2"])
            dZ2 = (E / E.sum() - y) / M
            dZ1 = (p["W2"].T @ dZ2) * (1 - A * A)
            g["W1"] += np.outer(dZ1, x)
            g["W2"] += np.outer(dZ2, A)
            g["b1"] += dZ1
            g["b2"] += dZ2
        for name in p:
            v[name] = 0.9 * v[name] + 0.1 * g[name]
            p[name] -= 0.1 * v[name]
    for name, block in parameters(folder / "a").items():
        np.testing.assert_allclose(block.reshape(p[name].shape), p[name], atol=1e-13)


@pytest.mark.parametrize("rank", [M, 4])
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_directions_are_orthonormal_and_lose_nothing(
    rank: int, scale: float, rng: np.random.Generator
) -> None:
    rows = rng.normal(size=(M, rank)) @ rng.normal(size=(rank, N)) * scale
    before = rows.copy()
    Q, inside = factored(rows)
    np.testing.assert_array_equal(rows, before)
    np.testing.assert_allclose(inside[:, :M] @ Q.T / scale, rows / scale, atol=1e-12)
    assert not inside[:, M].any()
    W = rng.normal(size=(5, N))
    W[1] = rows[0] / scale
    W[2] = 0
    span = Span.through(Q, W)
    np.testing.assert_allclose(Q.T @ Q, np.eye(M), atol=1e-14)
    np.testing.assert_allclose(span.D @ Q, 0, atol=1e-14)
    np.testing.assert_allclose((span.D[2:] ** 2).sum(axis=1), [0, 1, 1])
    Vu = span.enter(W)
    np.testing.assert_allclose(span.lift(Vu), W, atol=1e-13)
    np.testing.assert_allclose((Vu**2).sum(axis=1), (W**2).sum(axis=1), rtol=1e-13)
    both = span.enter(span.lift(np.array([Vu, 2 * Vu])))
    np.testing.assert_allclose(both, [Vu, 2 * Vu], atol=1e-12)


def test_directions_are_rounded_once(rng: np.random.Generator) -> None:
    """In single precision: they are as orthonormal as numbers of that precision can be."""
    Q, inside = factored(rng.normal(size=(M, N)).astype(np.float32))
    assert Q.dtype == inside.dtype == np.float32
    wide = Q.astype(np.float64)
    np.testing.assert_allclose(wide.T @ wide, np.eye(M), atol=4e-8)


def commutes(update: Callable[[Array, Array], Array], rng: np.random.Generator) -> bool:
    """Whether rotating what goes in rotates what comes out of update(theta, gradients)."""
    U = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    theta, gradients = rng.normal(size=20), rng.normal(size=(9, 20))
    turned = update(U @ theta, gradients @ U.T)
    return np.allclose(turned, U @ update(theta, gradients), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rule_says_whether_it_rotates(name: str, rng: np.random.Generator) -> None:
    rule = OPTIMIZERS[name]()

    def update(theta: Array, gradients: Array) -> Array:
        moved, slots = theta.copy(), np.zeros((rule.n_slots, theta.size))
        for t, gradient in enumerate(gradients, start=1):
            optimizers.step(rule, moved, gradient, slots, 0.1, t)
        return moved

    assert rule.rotates is commutes(update, rng) is (name in ROTATING)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_says_whether_it_rotates(name: str, rng: np.random.Generator) -> None:
    penalty = PENALTIES[name](0.3)
    assert penalty.rotates is commutes(lambda theta, _: penalty.gradient(theta), rng)
    U = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    W = rng.normal(size=20)
    assert penalty.rotates is bool(np.isclose(penalty.value(U @ W), penalty.value(W)))


@pytest.mark.parametrize("name", CLIPPINGS)
def test_a_clipping_says_whether_it_rotates(name: str, rng: np.random.Generator) -> None:
    clipping = CLIPPINGS[name](1.0)

    def clipped(_: Array, gradients: Array) -> Array:
        held: Array = gradients[0].copy()
        assert clipping.clip(held)
        return held

    assert clipping.rotates is commutes(clipped, rng)


def test_only_what_rotates_clips_in_the_span(folder: Path) -> None:
    """A limit that every step of the run meets, and still the same trajectory."""
    config = write(folder, training={"clip_norm": 0.05, "l2": 2.0})
    job = load_job(config)
    space = space_of(job, job.initial_theta())
    state = State.start(space.enter(job.initial_theta()), job.rule)
    deals = space.batches.runs(0, 10)
    steps = train(state, space.objective, job.clippings, job.rule, job.rate, deals)
    assert all(step.clipped for step in steps)
    assert_the_same(config)
    assert load_job(write(folder, training={"clip_value": 0.05})).reduced is None


def test_it_is_used_where_it_is_exact_and_pays(folder: Path) -> None:
    def reduced(*settings: str) -> int | None:
        return load_job(config, settings).reduced

    config = write(folder)
    assert reduced() == reduced("training.l2=1", "training.iterations=1") == M + 1
    assert reduced("compute.reduce=false") is None
    assert reduced("training.l1=0.1") is None
    own = "model.layers=[{units: 6, l1: %s}, {units: 3, l1: %s}]"
    assert reduced(own % (0.1, 0)) is None
    assert reduced(own % (0, 0.1)) == reduced(own % (0, 0), "training.l1=0.1") == M + 1
    for name in OPTIMIZERS:
        assert (reduced(f"training.optimizer={name}") is not None) is (name in ROTATING)
    # 2 n[0] m^2 = 25,920 multiplications, against 50 updates' 2 n[1] 21 size
    assert reduced("model.layers=[6, 3]", "training.batch_size=3") == M + 1
    assert reduced("model.layers=[6, 3]", "training.batch_size=2") is None
    assert reduced("model.layers=[4, 3]", "training.batch_size=3") is None
    for n, expected in ((M - 1, None), (M, None), (M + 1, None), (M + 5, M + 1)):
        write_wide(folder / "wide.h5", np.random.default_rng(0).normal(size=(M, n)))
        assert reduced() == expected, n


def test_small_data_are_not_worth_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1e7 + 2 * 2000 * 200^2 = 1.7e8, against 50 updates' 2 * 1799 * 200 n[1] = 3.6e7 n[1]."""
    monkeypatch.setattr(reduction, "FIXED", FIXED)
    config = write(folder)
    for n, units, expected in ((2000, 5, 201), (2000, 4, None), (250, 30, None)):
        write_wide(folder / "wide.h5", np.random.default_rng(0).normal(size=(200, n)))
        assert load_job(config, (f"model.layers=[{units}, 3]",)).reduced == expected, (n, units)


def test_its_memory_is_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write(folder)
    job, whole = load_job(config), load_job(config, AS_IT_IS)
    span = 8 * (4 * N * M + 6 * N + 2 * whole.network.layout.size)
    assert job.memory["span of the examples"] == span
    assert job.memory["gradient"] == 8 * (6 * (M + 1) + 6 + 3 * 6 + 3)
    needed = sum(job.memory.values()) - job.memory["data"]
    monkeypatch.setattr(foresight, "available_memory", lambda: needed - 1)
    assert_refused(deepnet("train", config), 6, ["span of the examples", "compute.reduce", "false"])
    monkeypatch.setattr(foresight, "available_memory", lambda: needed)
    assert deepnet("train", config, "-q").code == 0


def same_files(a: Path, b: Path) -> None:
    """The model, the history and the last checkpoint of two runs, byte for byte."""
    newest = [max((run / "checkpoints").iterdir()).name for run in (a, b)]
    assert newest[0] == newest[1]
    for name in ("model.h5", "history.csv", f"checkpoints/{newest[0]}"):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


RUN: dict[str, Any] = {
    "layers": [{"units": 6, "batch_norm": True, "dropout": 0.2}, 3],
    "data": {"validation": "wide.h5"},
    "training": {"optimizer": "momentum", "batch_size": 7, "l2": 1.0, "iterations": 17},
}


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_resuming_equals_never_stopping(folder: Path, precision: str) -> None:
    config = write(folder, **RUN, compute={"precision": precision})
    assert deepnet("train", config, "--run-dir", "whole", "-q").code == 0
    for stop in (1, 5, 6, 16):
        run, length = f"part{stop}", f"training.iterations={stop}"
        assert deepnet("train", config, "--run-dir", run, "--set", length, "-q").code == 0
        length = "training.iterations=17"
        assert deepnet("train", "--resume", run, "--set", length, "-q").code == 0
        same_files(folder / "whole", folder / run)


@pytest.mark.parametrize("kind", ["full rank", "few directions"])
@pytest.mark.parametrize("other", ["signs", "directions", "start", "no reduction"])
def test_a_checkpoint_goes_on_in_another_basis(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, other: str
) -> None:
    """As on another machine; its file of first parameters may have changed as well."""
    write_wide(folder / "wide.h5", rows_of(kind, np.random.default_rng(0)))
    config = write(folder, **RUN)
    start = ("--set", "model.initial_parameters=first.h5")
    assert deepnet("train", config, "--run-dir", "first", "-q").code == 0
    (folder / "first/model.h5").rename("first.h5")
    assert deepnet("train", config, *start, "--run-dir", "whole", "-q").code == 0
    assert (
        deepnet(
            "train", config, *start, "--set", "training.iterations=9", "--run-dir", "part", "-q"
        ).code
        == 0
    )

    def opposed(rows: Array) -> tuple[Array, Array]:
        Q, inside = factored(rows)
        return -Q, -inside

    def turned(rows: Array) -> tuple[Array, Array]:
        Q, inside = factored(rows[::-1])
        return Q, inside[::-1]

    if other in ("signs", "directions"):
        monkeypatch.setattr(spaces, "factored", opposed if other == "signs" else turned)
    elif other == "start":
        assert deepnet("train", config, "--set", "seed=5", "--run-dir", "b", "-q").code == 0
        (folder / "b/model.h5").rename("first.h5")
    else:
        monkeypatch.setattr(reduction, "UPDATES", 0)
    length = "training.iterations=17"
    assert deepnet("train", "--resume", "part", "--set", length, "-q").code == 0
    newest = (max((folder / run / "checkpoints").iterdir()) for run in ("part", "whole"))
    ours, theirs = (h5py.File(path) for path in newest)
    with ours, theirs:
        for name in ("state/theta", "state/slots", "best/theta"):
            np.testing.assert_allclose(ours[name][()], theirs[name][()], atol=1e-12)


def test_files_are_of_the_users_network(folder: Path) -> None:
    """And what is said of the span, on stderr, in the plan and in the summary."""
    config = write(folder, **RUN)
    said = f"in the span of the examples, {N} features -> {M + 1}"
    result = deepnet("train", config, "--run-dir", "a")
    assert said in result.err
    assert said in deepnet("train", config, "--dry-run").out
    assert json.loads(deepnet("train", config, "--dry-run", "--json").out)["reduced"] == M + 1
    p = parameters(folder / "a")
    assert p["W1"].shape == (6, N)
    with h5py.File(max((folder / "a/checkpoints").iterdir())) as file:
        P = sum(block.size for block in p.values())
        assert file["state/theta"].shape == file["best/theta"].shape == (P,)
        assert file["state/slots"].shape == (1, P)
    summary = json.loads((folder / "a/summary.json").read_text())
    assert summary["reduced"] == {"from": N, "to": M + 1}
    assert summary["data"]["train"]["features"] == N
    assert summary["parameters"] == sum(
        p[name].size for name in ("W1", "scale1", "shift1", "W2", "b2")
    )

    whole = deepnet("train", config, "--run-dir", "b", "--set", *AS_IT_IS)
    assert "span" not in whole.err
    ordinary = json.loads((folder / "b/summary.json").read_text())
    assert "reduced" not in ordinary
    for part, figures in ordinary["figures"].items():
        assert summary["figures"][part] == pytest.approx(figures, rel=1e-12)
    for name, block in parameters(folder / "b").items():
        np.testing.assert_allclose(p[name], block, atol=1e-12)
    for command in (("predict",), ("evaluate",)):
        assert deepnet(*command, "a", "wide.h5").code == 0


def test_early_stopping_ends_at_the_same_row(folder: Path) -> None:
    stopping = {"early_stopping": {"patience": 3}, "learning_rate": 1.0, "log_every": 2}
    config = write(folder, data={"validation": "wide.h5"}, training=stopping | {"iterations": 500})
    for run, settings in (("a", ()), ("b", ("--set", *AS_IT_IS))):
        assert deepnet("train", config, "--run-dir", run, "-q", *settings).code == 0
    ours, theirs = (json.loads((folder / f"{run}/summary.json").read_text()) for run in "ab")
    assert ours["stopped"] == theirs["stopped"] == "early"
    assert ours["iterations"] == theirs["iterations"] < 500
    assert ours["best"] == theirs["best"]


def test_a_divergence_leaves_good_parameters(folder: Path) -> None:
    config = write(folder, data={"validation": "wide.h5"}, training={"learning_rate": 1e308})
    assert deepnet("train", config, "--run-dir", "a", "-q").code == 4
    assert all(np.isfinite(block).all() for block in parameters(folder / "a").values())
    assert deepnet("evaluate", "a", "wide.h5").code == 0
