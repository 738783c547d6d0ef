"""Averaged parameters: what they are, that training itself is left alone, and who sees them.

The oracles are sums over parameters that were all kept, and PyTorch, where it is installed.
"""

import json
import signal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import parameters, part_of, same_files, write_blobs, write_config

from deepnet_cli.cli.progress import Display
from deepnet_cli.config import reduction
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.fused import native
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.averages import AVERAGES, EMA, SWA, Average, Averaged
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import Event, State

KINDS: list[Average] = [EMA(), EMA(0.6), EMA(0.0), SWA(7, 1), SWA(0, 4), SWA(5, 3), SWA(20, 2)]
P, UPDATES = 23, 30


def weights(average: Average, T: int) -> list[float]:
    """What theta after each of T updates weighs in the average, by its definition."""
    if isinstance(average, EMA):
        d = average.decay
        return [d ** (T - 1)] + [(1 - d) * d ** (T - t) for t in range(2, T + 1)]
    assert isinstance(average, SWA)
    assert average.every is not None
    taken = [float(i in range(int(average.start), T, average.every)) for i in range(T)]
    return [w / sum(taken) for w in taken] if any(taken) else [0.0] * (T - 1) + [1.0]


@pytest.mark.parametrize("average", KINDS, ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_is_the_weighted_sum_and_training_is_as_without(
    name: str, average: Average, rng: np.random.Generator
) -> None:
    plain, averaged = OPTIMIZERS[name](), Averaged(OPTIMIZERS[name](), average)
    start, gradients = rng.normal(size=P), rng.normal(size=(UPDATES, P))
    decaying = [(slice(0, 9), 1.0)]
    one, other, kept = start.copy(), start.copy(), list[Array]()
    slots, more = np.zeros((plain.n_slots, P)), np.zeros((averaged.n_slots, P))
    for t, grad in enumerate(gradients, start=1):
        optimizers.step(plain, one, grad, slots, 0.02, t, decaying)
        optimizers.step(averaged, other, grad, more, 0.02, t, decaying)
        kept.append(one.copy())
        expected = sum(w * theta for w, theta in zip(weights(average, t), kept, strict=True))
        np.testing.assert_allclose(more[-1], expected, rtol=1e-12, atol=1e-14)
        assert (average.kept(t) == 0) <= np.array_equal(more[-1], one)
    np.testing.assert_array_equal(other, one)
    np.testing.assert_array_equal(more[:-1], slots)


@pytest.mark.skipif(not native.available(), reason="nothing compiles here")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("average", KINDS, ids=str)
def test_it_is_part_of_the_one_pass(average: Average, dtype: Any, rng: np.random.Generator) -> None:
    """Compiled, to the same numbers as NumPy's."""
    update = optimizers.update(Averaged(OPTIMIZERS["adam"](), average))
    theta, grad = rng.normal(size=(2, P)).astype(dtype)
    slots = np.zeros((3, P), dtype)
    for t in range(1, UPDATES):
        there = [theta.copy(), grad, *slots.copy()]
        update(theta, grad, *slots, 0.01, t)
        update.in_numpy(*there, 0.01, t)
        assert there[-1].dtype == dtype
        np.testing.assert_allclose(slots[-1], there[-1], rtol=3 * np.finfo(dtype).eps)
    assert update._known[np.dtype(dtype)] is not None


@pytest.mark.parametrize("name", AVERAGES)
def test_before_the_first_update_there_is_none(name: str) -> None:
    assert AVERAGES[name]().kept(0) == 0


@pytest.mark.parametrize("average", [EMA(0.9), SWA(0, 1), SWA(6, 1)], ids=str)
def test_pytorch(average: Average, rng: np.random.Generator) -> None:
    torch: Any = pytest.importorskip("torch")
    utils = torch.optim.swa_utils
    how = utils.get_swa_avg_fn()  # the one for lists of tensors divides in float32
    if isinstance(average, EMA):
        how = utils.get_ema_avg_fn(average.decay)
    model = torch.nn.Linear(P, 1, bias=False).double()
    theta, slots = model.weight.detach().numpy()[0].copy(), np.zeros((2, P))
    averaged = utils.AveragedModel(model, avg_fn=how)
    there = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    rule = Averaged(OPTIMIZERS["momentum"](), average)
    for t, grad in enumerate(rng.normal(size=(UPDATES, P)), start=1):
        model.weight.grad = torch.tensor(grad[np.newaxis])
        there.step()
        if t > getattr(average, "start", 0):
            averaged.update_parameters(model)
        optimizers.step(rule, theta, grad, slots, 0.02, t)
    expected = averaged.module.weight.detach().numpy()[0]
    np.testing.assert_allclose(slots[-1], expected, rtol=1e-12, atol=1e-14)


NORMS: list[object] = [{"units": 6, "batch_norm": True}, {"units": 5, "batch_norm": True}, 3]
MASKS: list[object] = [{"units": 6, "batch_norm": True, "dropout": 0.2}, 5, 3]
FIXED: list[object] = [
    {"units": 6, "batch_norm": True, "trainable": False},
    {"units": 5, "batch_norm": True, "rate_factor": 0.5},
    3,
]
LAYERS: dict[str, list[object]] = {
    "plain": [6, 5, 3],
    "norms": NORMS,
    "masks": MASKS,
    "frozen": FIXED,
}
HELD: list[object] = [{"units": 6, "max_norm": 0.5}, {"units": 5, "batch_norm": True}, 3]
ASKED: dict[str, object] = {
    "ema": {"name": "ema", "decay": 0.8},
    "swa": {"name": "swa", "start": 0.4, "every": 3},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with blobs.h5, others to validate on, and wide.h5."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reduction, "FIXED", 0)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "more.h5", m=31, seed=9)
    rng = np.random.default_rng(2)
    with h5py.File(tmp_path / "wide.h5", "w") as file:
        file["x"], file["y"] = rng.normal(size=(18, 40)), np.arange(18) % 3
    return tmp_path


def write(layers: list[object], averaging: object, **sections: Any) -> Path:
    data = {"train": "blobs.h5"} | sections.pop("data", {})
    training = {"optimizer": "momentum", "batch_size": 16, "log_every": 5}
    training |= {"averaging": averaging} | sections.pop("training", {})
    return write_config(
        Path("c.yaml"),
        data=data,
        model={"layers": layers, "activations": "tanh"} | sections.pop("model", {}),
        loss="cross_entropy",
        training={key: value for key, value in training.items() if value is not None},
        **{"compute": {"precision": "float64"}} | sections,
    )


def trajectory(job: Job) -> list[Array]:
    """theta (P,) after each update of the job's rule, in its own space."""
    state, found = State.start(job.initial_theta(), job.rule), list[Array]()
    runs = job.batches.runs(0, job.iterations)
    for _ in train(state, job.objective, job.clippings, job.rule, job.rate, runs):
        found.append(state.theta.copy())
    return found


def expected(job: Job) -> Array:
    """The average over a job's trajectory, its last statistics behind it."""
    assert job.average is not None
    thetas = trajectory(job)
    pairs = zip(weights(job.average, job.iterations), thetas, strict=True)
    average: Array = np.sum([w * theta for w, theta in pairs], axis=0)
    untrained = slice(job.network.layout.trained.stop, None)
    average[untrained] = thetas[-1][untrained]
    return average


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("name", AVERAGES)
def test_the_model_has_the_average(folder: Path, name: str, layers: str) -> None:
    """And the running statistics that go with it, as plain loops over the batches make them."""
    job = load_job(write(LAYERS[layers], ASKED[name]))
    assert deepnet("train", "c.yaml", "--run-dir", "a", "-q").code == 0
    found, theta = parameters(folder / "a"), expected(job)
    blocks = job.network.layout.views(theta)
    if name == "swa" and job.network.tracks:
        statistics = of_an_epoch(job, theta)
        assert any(not np.allclose(s, blocks[n], rtol=0.01) for n, s in statistics.items())
        blocks |= statistics
    for block, values in found.items():
        np.testing.assert_allclose(values, blocks[block], rtol=1e-10, atol=1e-13)
    if layers == "frozen":
        first = job.network.layout.views(job.initial_theta())
        for block in ("W1", "scale1", "shift1", "mean1", "variance1"):
            np.testing.assert_array_equal(found[block], first[block])


@pytest.mark.parametrize("name", AVERAGES)
def test_an_average_is_held_to_a_norm(folder: Path, name: str) -> None:
    """It is of theta after each update, before that is held; W[1] is then held as theta is."""
    job = load_job(write(HELD, ASKED[name]))
    assert deepnet("train", "c.yaml", "--run-dir", "a", "-q").code == 0
    assert job.average is not None
    assert isinstance(job.rule, Averaged)
    rule, theta, kept = job.rule.rule, job.initial_theta(), list[Array]()
    slots = np.zeros((rule.n_slots, theta.size))
    for t, batch in enumerate(job.batches.deal(0, job.iterations), start=1):
        _, grad = job.objective(theta, batch.X, batch.Y, step=batch.iteration)
        optimizers.step(rule, theta, grad, slots, 0.1, t)
        kept.append(theta.copy())
        job.objective.hold(theta)
    pairs = zip(weights(job.average, job.iterations), kept, strict=True)
    average = np.sum([w * theta for w, theta in pairs], axis=0)
    blocks, found = job.network.layout.views(average), parameters(folder / "a")
    norms = np.linalg.norm(blocks["W1"], axis=1, keepdims=True)
    assert norms.max() > 0.5001
    blocks["W1"] *= np.minimum(1, 0.5 / norms)
    for block in job.network.layout.names:
        np.testing.assert_allclose(found[block], blocks[block], rtol=1e-10, atol=1e-13)


def of_an_epoch(job: Job, theta: Array) -> dict[str, Array]:
    """Mean and variance (by m - 1) of Z[l] in each batch, and their mean over the batches."""
    found: dict[str, list[Array]] = {}
    objective = Objective(job.network)
    for batch in job.batches.deal(0, job.batches.per_epoch):
        p, ops, V = objective.windows(theta), job.network.ops, batch.X
        work = objective.workspace(batch.X.shape[1], theta.dtype)
        job.network.draw(work, batch.iteration)
        for k, op in enumerate(ops):
            if op.kind == "batch norm":
                mean, variance = V.mean(axis=1), V.var(axis=1, ddof=1)
                found.setdefault(f"mean{op.layer}", []).append(mean[:, np.newaxis].copy())
                found.setdefault(f"variance{op.layer}", []).append(variance[:, np.newaxis])
            V = job.network.forward(p, V, work, k, k + 1)
    return {name: np.mean(values, axis=0) for name, values in found.items()}


def test_statistics_are_those_of_pytorch(folder: Path) -> None:
    """update_bn, over the same batches."""
    torch: Any = pytest.importorskip("torch")
    job = load_job(write(NORMS, ASKED["swa"]))
    assert deepnet("train", "c.yaml", "--run-dir", "a", "-q").code == 0
    p = parameters(folder / "a")
    affine = [torch.nn.Linear(n, k, bias=k == 3) for n, k in ((4, 6), (6, 5), (5, 3))]
    norms = [torch.nn.BatchNorm1d(6), torch.nn.BatchNorm1d(5)]
    tanh = torch.nn.Tanh()
    model = torch.nn.Sequential(
        affine[0], norms[0], tanh, affine[1], norms[1], tanh, affine[2]
    ).double()
    for l, layer in enumerate(affine, start=1):
        layer.weight.data[...] = torch.tensor(p[f"W{l}"])
    for l, norm in enumerate(norms, start=1):
        norm.weight.data[...] = torch.tensor(p[f"scale{l}"][:, 0])
        norm.bias.data[...] = torch.tensor(p[f"shift{l}"][:, 0])
    batches = job.batches.deal(0, job.batches.per_epoch)
    torch.optim.swa_utils.update_bn((torch.tensor(b.X.T.copy()) for b in batches), model)
    for l, norm in enumerate(norms, start=1):
        np.testing.assert_allclose(p[f"mean{l}"][:, 0], norm.running_mean.numpy(), rtol=1e-10)
        np.testing.assert_allclose(p[f"variance{l}"][:, 0], norm.running_var.numpy(), rtol=1e-10)


@pytest.mark.parametrize("precision", ["float32", pytest.param("float64", marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", ["masks", "frozen", "held", "wide"])
@pytest.mark.parametrize("name", ASKED)
def test_resuming_equals_never_stopping(
    folder: Path, name: str, kind: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the span of the examples too; stopped before, in and between what is averaged."""
    wide = {"train": "wide.h5", "validation": {"fraction": 0.2}}
    data = wide if kind == "wide" else {"validation": "more.h5"}
    layers = {**LAYERS, "held": HELD}.get(kind, NORMS)
    config = write(layers, ASKED[name], data=data, compute={"precision": precision})
    assert (load_job(config).reduced is not None) is (kind == "wide")
    assert deepnet("train", config, "--run-dir", "whole", "-q").code == 0
    show = Display.show
    for stop in (0, 4, 16, 21):

        def interrupting(self: Display, event: Event, stop: int = stop) -> None:
            show(self, event)
            if event.steps.iteration >= stop:
                signal.raise_signal(signal.SIGTERM)

        with monkeypatch.context() as patch:
            patch.setattr(Display, "show", interrupting)
            assert deepnet("train", config, "--run-dir", f"{stop}", "-q").code == 143
        assert deepnet("train", "--resume", f"{stop}", "-q").code == 0
        same_files(Path(f"{stop}"), Path("whole"))


def test_figures_are_of_the_average(folder: Path) -> None:
    """The last row of the history, the summary and the file, without a best to keep."""
    config = write(NORMS, ASKED["ema"], data={"validation": "more.h5"})
    result = deepnet("train", config, "--run-dir", "a")
    assert "momentum, averaged by ema, batches of 16" in result.err
    assert "of the parameters averaged by ema with the best val_cost" in result.out
    rows = [line.split(",") for line in Path("a/history.csv").read_text().splitlines()]
    costs = [float(row[rows[0].index("val_cost")]) for row in rows[1:]]
    summary = json.loads(Path("a/summary.json").read_text())
    measured = json.loads(deepnet("evaluate", "a", "more.h5", "--json").out)["cost"]
    assert measured == summary["figures"]["validation"]["cost"] == min(costs)
    job = load_job(config)
    theta = expected(job)
    last = Objective(job.network.evaluation)
    part = part_of(job.dataset.parts["validation"])
    assert costs[-1] == pytest.approx(float(last.cost(theta, part.X, part.Y).real), rel=1e-9)


def test_until_it_starts_all_is_as_without(folder: Path) -> None:
    """Figures, best rows and the model of a run that ends when the average is of one theta."""
    for name in ("averaged", "plain"):
        averaging = {"name": "swa", "start": 39} if name == "averaged" else None
        config = write(NORMS, averaging, data={"validation": "more.h5"})
        assert deepnet("train", config, "--run-dir", name, "-q").code == 0
    ours, theirs = (parameters(folder / name) for name in ("averaged", "plain"))
    for block, values in theirs.items():
        np.testing.assert_array_equal(ours[block], values)
    assert Path("averaged/history.csv").read_text() == Path("plain/history.csv").read_text()


def test_a_run_is_begun_with_an_iteration_and_not_with_a_part_of_it(folder: Path) -> None:
    config = write([3], {"name": "swa", "start": 0.5})
    assert deepnet("train", config, "--run-dir", "a", "-q").code == 0
    assert "{name: swa, start: 20.0, every: 6}" in Path("a/config.yaml").read_text()
    assert deepnet("train", "--resume", "a", "--set", "training.iterations=60", "-q").code == 0
    assert "{name: swa, start: 20.0, every: 6}" in Path("a/config.yaml").read_text()
    result = deepnet("train", write([3], "swa"), "--run-dir", "b")
    assert "{name: swa, start: 30.0, every: 6}" in Path("b/config.yaml").read_text()
    assert "of the parameters averaged by swa" in result.out


def test_the_average_has_its_place_in_memory(folder: Path) -> None:
    plain, averaged = (load_job(write([6, 3], a)) for a in (None, "ema"))
    size = 8 * plain.network.layout.size
    assert averaged.memory["optimizer"] == plain.memory["optimizer"] + size
    assert Progress.start(averaged).state.slots.shape[0] == plain.rule.n_slots + 1


def test_a_run_that_diverges_keeps_what_was_good(folder: Path) -> None:
    sections = {"learning_rate": 1e308, "optimizer": "gradient_descent"}
    config = write([6, 3], ASKED["ema"], data={"validation": "more.h5"}, training=sections)
    assert deepnet("train", config, "--run-dir", "a", "-q").code == 4
    assert all(np.isfinite(block).all() for block in parameters(folder / "a").values())


BAD: dict[str, tuple[object, list[str]]] = {
    "unknown": ("ena", ["training.averaging", "did you mean 'ema'", "one of ema, swa"]),
    "another's option": (
        {"name": "ema", "every": 3},
        ["averaging.every", "ema has no such option"],
    ),
    "decay 1": ({"ema": 1}, ["must be < 1", "found 1"]),
    "late": ({"swa": 40}, ["training.averaging", "is behind the last iteration, 39"]),
    "between": ({"swa": 1.5}, ["whole number of iterations, or below 1 a part of the run"]),
    "negative": ({"swa": -0.5}, ["must be >= 0"]),
    "never": ({"name": "swa", "every": 0}, ["averaging.every", "must be >= 1"]),
    "a number": (0.99, ["expected a name or {name: NAME", "found 0.99"]),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_refused(folder: Path, bad: str) -> None:
    averaging, words = BAD[bad]
    assert_refused(deepnet("train", write([6, 3], averaging)), 2, words)


def test_an_average_that_is_longer_than_the_run_is_likely_a_mistake(folder: Path) -> None:
    result = deepnet("train", write([6, 3], "ema"), "--run-dir", "a")
    assert result.code == 0
    assert "over about the last 1,000 updates, and the run makes 40" in result.err
