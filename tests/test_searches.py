"""Training by a search: held against SciPy's minima, resumed, converged, refused."""

import json
import signal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from cli import assert_refused, deepnet
from samples import parameters, rows, same_files, write_blobs, write_config
from scipy import optimize

from deepnet_cli.cli.progress import Display
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.errors import DivergedError
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.lbfgs import LBFGS
from deepnet_cli.optim.searches import SEARCHES
from deepnet_cli.training.loop import updates
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import Event, State, Steps
from deepnet_cli.training.loop.updates import UPDATES
from deepnet_cli.training.timing import measuring
from deepnet_cli.training.timing.estimating import endless

DATA = Path(__file__).parents[1] / "data"
EVERYTHING: dict[str, dict[str, Any]] = {
    "model": {"layers": [{"units": 6, "batch_norm": True}, 3], "activations": ["tanh", "softmax"]},
    "training": {"l2": 1.0, "metrics": ["accuracy"], "early_stopping": {"patience": 50}},
    "data": {"validation": {"fraction": 0.2}},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_blobs(tmp_path / "blobs.h5")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**sections: Any) -> Path:
    training = {"optimizer": "lbfgs", "learning_rate": 0.01, **sections.pop("training", {})}
    return write_config(Path("c.yaml"), training=training, **sections)


def trained(job: Job, updates: int) -> tuple[State, list[Steps]]:
    state = State.start(job.initial_theta(), job.rule)
    runs = job.batches.runs(0, updates)
    made = train(state, job.objective, job.clippings, job.rule, job.rate, runs)
    return state, list(made)


@pytest.mark.parametrize(
    ("name", "layers", "activations", "digits"),
    [
        ("diabetes", [1], ["linear"], 1e-12),
        ("breast_cancer", [1], ["sigmoid"], 1e-12),
        ("digits", [10], ["softmax"], 1e-9),
    ],
)
def test_it_ends_at_the_minimum_of_scipy(
    folder: Path, name: str, layers: Any, activations: Any, digits: float
) -> None:
    """J is convex, so there is one."""
    config = write(
        data={"train": str(DATA / f"{name}.h5"), "scale": "standardize"},
        model={"layers": layers, "activations": activations},
        training={"l2": 1.0, "iterations": 1000},
        compute={"precision": "float64"},
    )
    job = load_job(config)
    (batch,) = job.batches.deal(0, 1)

    def f(theta: Array) -> tuple[float, Array]:
        J, grad = job.objective(theta, batch.X, batch.Y)
        return float(J.real), grad.copy()

    options = {"maxiter": 5000, "ftol": 0.0, "gtol": 1e-10, "maxfun": 50000}
    start = job.initial_theta()
    best = optimize.minimize(f, start, jac=True, method="L-BFGS-B", options=options).fun
    state, steps = trained(job, 1000)
    assert f(state.theta)[0] == pytest.approx(best, rel=digits)
    assert steps[-1].cost == pytest.approx(best, rel=digits)  # the last found nothing lower
    assert state.iteration == len(steps) < 1000
    costs = [each.cost for each in steps]
    assert costs == sorted(costs, reverse=True)


def test_a_network_comes_to_where_the_gradient_is_zero(folder: Path) -> None:
    job = load_job(write(training={"l2": 3.0}, compute={"precision": "float64"}))
    state, _ = trained(job, 2000)
    (batch,) = job.batches.deal(0, 1)
    assert np.abs(job.objective(state.theta, batch.X, batch.Y)[1]).max() < 1e-7
    assert job.rule.converged(state.slots, state.iteration)


@pytest.mark.parametrize("weights", [False, True])
def test_an_update_starts_from_what_the_one_before_left(
    folder: Path, weights: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """J is evaluated at each point that is tried, and once more at the start; scores that are
    shown are those of the cost; costs are those of the objective.
    """
    model: Any = {"class_weight": "balanced", "name": "cross_entropy"}
    job = load_job(write(loss=model if weights else "auto"))
    tried, evaluated = 0, 0
    of, step = updates.Searches._valued, LBFGS.step

    def counted(self: Any, *args: Any) -> Any:
        nonlocal evaluated
        evaluated += 1
        return of(self, *args)

    def trying(self: Any, f: Any, *args: Any) -> Any:
        def noted(theta: Array) -> Any:
            nonlocal tried
            tried += 1
            return f(theta)

        return step(self, noted, *args)

    monkeypatch.setattr(updates.Searches, "_valued", counted)
    monkeypatch.setattr(LBFGS, "step", trying)
    (batch,) = job.batches.deal(0, 1)
    state = State.start(job.initial_theta(), job.rule)
    shown: list[Array] = []
    runs = job.batches.runs(0, 12)
    seen = lambda S, _: shown.append(S.copy())  # noqa: E731
    before = state.theta.copy()
    for made in train(state, job.objective, (), job.rule, job.rate, runs, seen):
        J = job.objective.cost(before, batch.X, batch.Y, batch.weights)
        assert made.cost == pytest.approx(float(J.real), rel=1e-6)
        S = job.objective.scores(90, np.dtype(np.float32))
        np.testing.assert_allclose(shown[-1], S, rtol=1e-4, atol=1e-5)
        before = state.theta.copy()
    assert evaluated == tried + 1
    assert 12 <= tried < 30


def test_running_statistics_move_once_an_update(folder: Path) -> None:
    """By those of the batch at the parameters before it, as with every rule."""
    job = load_job(write(**EVERYTHING, compute={"precision": "float64"}))
    at = job.network.layout.statistics
    (batch,) = job.batches.deal(0, 1)
    state = State.start(job.initial_theta(), job.rule)
    before = state.theta.copy()
    for _ in train(state, job.objective, (), job.rule, job.rate, job.batches.runs(0, 9)):
        job.objective(before, batch.X, batch.Y)
        job.objective.track(before, batch.X.shape[1])
        np.testing.assert_allclose(state.theta[at], before[at], rtol=1e-12)
        before = state.theta.copy()


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("wide", [False, True])
def test_resuming_is_not_stopping(
    folder: Path, monkeypatch: pytest.MonkeyPatch, precision: str, wide: bool
) -> None:
    """With a ring that has come round, and in the span of the examples."""
    if wide:
        write_blobs(folder / "blobs.h5", m=20, n=3000)
    sections = {"model": {}, "training": {}} if wide else EVERYTHING
    training = {**sections["training"], "optimizer": {"lbfgs": 4}, "iterations": 22}
    sections = {**sections, "training": training, "compute": {"precision": precision}}
    config = write(**sections)
    assert (load_job(config).reduced is not None) is wide
    assert deepnet("train", config, "--run-dir", "whole", "-q").code == 0
    show = Display.show
    for stop in (0, 3, 11):

        def interrupting(self: Display, event: Event, stop: int = stop) -> None:
            show(self, event)
            if event.steps.iteration >= stop:
                signal.raise_signal(signal.SIGTERM)

        with monkeypatch.context() as patch:
            patch.setattr(Display, "show", interrupting)
            assert deepnet("train", config, "--run-dir", f"{stop}", "-q").code == 143
        assert deepnet("train", "--resume", f"{stop}", "-q").code == 0
        same_files(Path(f"{stop}"), Path("whole"))


def test_a_run_that_has_converged_says_so(folder: Path) -> None:
    sections: Any = {"model": {"layers": [3], "activations": ["softmax"]}}
    training: Any = {"l2": 1.0, "iterations": 500, "log_every": 7}
    config = write(**sections, training=training)
    result = deepnet("train", config, "--run-dir", "a")
    assert result.code == 0
    assert "converged: no step" in result.out
    summary = json.loads(Path("a/summary.json").read_text())
    made = summary["iterations"]
    assert summary["stopped"] == "converged"
    assert f"iteration {made - 1} " in summary["reason"]
    assert rows(Path("a"))[-1]["iteration"] == made - 1 < 400
    assert rows(Path("a"))[-1]["cost"] == pytest.approx(summary["figures"]["train"]["cost"])
    again = deepnet("train", "--resume", "a", "--set", "training.iterations=900")
    assert_refused(again, 2, ["has ended", "begin a new run"])
    Path("a/summary.json").unlink()  # as if it had been cut off while writing
    assert deepnet("train", "--resume", "a", "-q").code == 0
    assert json.loads(Path("a/summary.json").read_text())["iterations"] == made
    config = write(**sections, training={**training, "iterations": made - 3})
    assert deepnet("train", config, "--run-dir", "b", "-q").code == 0
    assert json.loads(Path("b/summary.json").read_text())["stopped"] == "completed"
    longer = ("--set", "training.iterations=500")
    assert deepnet("train", "--resume", "b", *longer, "-q").code == 0
    for name, block in parameters(Path("a")).items():
        np.testing.assert_array_equal(parameters(Path("b"))[name], block)


REFUSED = {
    "training.batch_size": 16,
    "training.learning_rate": {"schedule": "cosine", "initial": 0.1},
    "training.mixup": 0.2,
    "training.clip_norm": 1.0,
    "training.clip_value": 1.0,
    "training.max_norm": 1.0,
    "training.averaging": "ema",
    "model.input_dropout": 0.1,
    "model.input_noise": 0.1,
    "model.layers[0].dropout": 0.1,
    "model.layers[0].alpha_dropout": 0.1,
    "model.layers[0].max_norm": 1.0,
    "model.layers[1].rate_factor": 0.5,
}


@pytest.mark.parametrize("rule", SEARCHES)
@pytest.mark.parametrize("key", REFUSED)
def test_what_would_change_j_or_a_step_is_refused(folder: Path, key: str, rule: str) -> None:
    section, option = key.split(".", 1)
    layers: list[dict[str, Any]] = [{"units": 6}, {"units": 3}]
    if option.startswith("layers"):
        place, name = option.split(".")
        layers[int(place[-2])][name] = REFUSED[key]
        config = write(model={"layers": layers}, training={"optimizer": rule})
    else:
        sections: Any = {"training": {"optimizer": rule}}
        sections.setdefault(section, {})[option] = REFUSED[key]
        config = write(**sections)
    assert_refused(deepnet("train", config), 2, [f"{key}: ", f"with {rule} "])
    text = yaml.safe_load(config.read_text())
    text["training"]["optimizer"] = "adam"
    config.write_text(yaml.safe_dump(text))
    assert deepnet("train", config, "--dry-run").code == 0


def test_what_plays_no_part_is_warned_of(folder: Path) -> None:
    quiet = deepnet("train", write(), "--dry-run")
    assert (quiet.code, "plays no part" in quiet.err) == (0, False)
    told = deepnet("train", write(training={"learning_rate": 0.5, "l1": 0.1}), "--dry-run")
    assert "training.learning_rate: plays no part with lbfgs" in told.err
    assert "training.l1: has kinks" in told.err
    layers = [{"units": 6, "l1": 0.1}, {"units": 3, "l1": 0.0}]
    told = deepnet("train", write(model={"layers": layers}, training={"l1": 0.1}), "--dry-run")
    assert "model.layers[0].l1: has kinks" in told.err
    assert told.err.count("has kinks") == 1
    one, other = (trained(load_job(write(training={"learning_rate": x})), 5) for x in (0.5, 0.01))
    np.testing.assert_array_equal(one[0].theta, other[0].theta)
    result = deepnet("train", write(training={"optimizer": {"lbfgs": 0}}))
    assert_refused(result, 2, ["training.optimizer"])


def test_what_is_not_finite_ends_it(folder: Path) -> None:
    result = deepnet("train", write(model={"initialization": {"normal": 1e38}}), "-q")
    assert result.code == 4
    assert "learning rate" not in result.err


def test_a_gradient_that_is_not_finite_is_no_minimum(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = lambda *_: (1.0, np.full(3, np.inf))  # noqa: E731
    monkeypatch.setattr(updates.Searches, "_valued", nowhere)
    with pytest.raises(DivergedError, match="gradient is not finite at iteration 0"):
        trained(load_job(write()), 3)


def test_what_is_timed_begins_again_where_it_has_converged(folder: Path) -> None:
    job = load_job(write(model={"layers": [3], "activations": ["softmax"]}, training={"l2": 9.0}))
    state = State.start(job.initial_theta(), job.rule)
    updates = UPDATES[job.rule.sees](state, job.objective.fused, (), job.rule, job.rate)
    steps = endless(updates, job.batches.runs(0, 10**6, lambda _: 10))
    costs = [made.cost for made in islice(steps, 300)]
    starts = [i for i, cost in enumerate(costs) if cost == costs[0]]
    assert len(starts) > 2
    for i in starts[:-1]:
        assert costs[i : i + starts[1]] == costs[: starts[1]]
    assert costs[: starts[1]] == [made.cost for made in trained(job, 300)[1]]


def test_frozen_layers_stay(folder: Path) -> None:
    layers = [{"units": 6, "trainable": False}, 3]
    job = load_job(write(model={"layers": layers}))
    state, _ = trained(job, 9)
    before, after = (job.network.layout.views(v) for v in (job.initial_theta(), state.theta))
    for name, block in before.items():
        assert np.array_equal(after[name], block) is name.endswith("1")


def test_other_commands_know_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FOR_STEPS", "FOR_THREADS", "FOR_PEAK"):
        monkeypatch.setattr(measuring, name, 0.0)
    config = write(**EVERYTHING, compute={"precision": "float64"})
    timed = json.loads(deepnet("time", config, "--json").out)
    assert timed["parts"]["optimizer"] > 0
    explained = deepnet("explain", config, "--iteration", "3")
    assert "W += a d" in explained.out
    assert "rate =" not in explained.out
    update = json.loads(deepnet("explain", config, "--iteration", "3", "--json").out)["update"]
    assert update["learning_rate"] is None
    assert deepnet("gradcheck", config, "--after", "5").code == 0


def test_folds_that_have_converged_are_not_trained_again(folder: Path) -> None:
    model = {"layers": [3], "activations": ["softmax"]}
    config = write(model=model, training={"iterations": 500, "l2": 9.0})
    args = ("cv", config, "--folds", "2", "--run-dir", "folds", "-q")
    assert deepnet(*args).code == 0
    summary = Path("folds/fold-1/summary.json")
    assert json.loads(summary.read_text())["stopped"] == "converged"
    written = summary.stat().st_mtime_ns
    assert deepnet(*args).code == 0
    assert summary.stat().st_mtime_ns == written
