"""training.metrics: in the rows of the history, on the batches as they go by and in validation."""

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from cli import deepnet
from samples import write_blobs, write_config
from sklearn import metrics as sk

from deepnet_cli.config import reduction
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.nn.ops.op import Op
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.evaluation import scores
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import State

Row = dict[str, float]

ASKED = ["accuracy", "auc", "top_2", "log_loss", "f1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "more.h5", m=40, seed=9)
    rng = np.random.default_rng(3)
    with h5py.File(tmp_path / "numbers.h5", "w") as file:
        file["x"] = rng.normal(size=(60, 4))
        file["y"] = file["x"][:, :2] + rng.normal(size=(60, 2))
    return tmp_path


def write(folder: Path, metrics: list[str], **training: object) -> Path:
    """90 examples, 4 classes of batches of 20: an epoch is 5 updates, the last of 10 examples."""
    every = {"learning_rate": 0.1, "iterations": 23, "log_every": 7, "batch_size": 20}
    return write_config(folder / "c.yaml", training={**every, "metrics": metrics, **training})


def write_numbers(folder: Path, metrics: list[str]) -> Path:
    config = write(folder, metrics)
    model = {"layers": [5, 2], "activations": ["relu", "tanh"]}
    more = {"data": {"train": "numbers.h5"}, "model": model, "loss": "mean_squared_error"}
    every = {"iterations": 23, "log_every": 7, "batch_size": 20, "metrics": metrics}
    return write_config(config, training=every, **more)


def rows(run: str) -> list[Row]:
    with (Path(run) / "history.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def outputs(job: Job) -> list[tuple[Array, Array]]:
    """A and Y of each batch before its update, by predicting it."""
    state = State.start(job.initial_theta(), job.rule)
    seen = []
    batches, again = job.batches.runs(0, 23), job.batches.deal(0, 23)
    theta = state.theta.copy()
    for _ in train(state, job.objective, job.clippings, job.rule, job.rate, batches):
        batch = next(again)
        S = scores(job.network, theta, batch.X.T)
        seen.append((job.network.loss.link.forward(S), batch.Y.copy()))
        theta = state.theta.copy()
    return seen


def between_rows(seen: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """A and Y of all the batches that each row is about."""
    ends = [1, 8, 15, 22, 23]
    groups = [seen[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    return [
        (np.concatenate([A for A, _ in group], 1), np.concatenate([Y for _, Y in group], 1))
        for group in groups
    ]


VARIANTS: dict[str, dict[str, object]] = {
    "on tape": {},
    "not on tape": {},
    "mixed": {"training.mixup": 0.5},
    "class weights": {"loss": "{name: cross_entropy, class_weight: {1: 5.0}}"},
    "full batch": {"training.batch_size": 90},
    "max norm": {"training.max_norm": 0.5},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_running_figures_are_of_the_outputs_before_each_update(
    folder: Path, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each example counts once; of mixed ones the label with the larger share is right."""
    monkeypatch.setattr(Op, "in_passes", variant != "not on tape")
    settings = [f"{key}={value}" for key, value in VARIANTS[variant].items()]
    sets = [word for setting in settings for word in ("--set", setting)]
    config = write(folder, ASKED)
    assert deepnet("train", config, "--run-dir", "a", *sets).code == 0
    told = rows("a")
    assert list(told[0])[:-2] == ["iteration", "epoch", "cost", *ASKED]
    job = load_job(config, tuple(settings))
    for row, (A, Y) in zip(told, between_rows(outputs(job)), strict=True):
        y, decided, A = Y.argmax(0), A.argmax(0), A.astype(float) / A.sum(axis=0, dtype=float)
        assert ((Y == 1).sum(axis=0) == 1).all() == (variant != "mixed")
        Y = np.eye(3)[:, y]
        assert row["accuracy"] == sk.accuracy_score(y, decided)
        assert row["f1"] == pytest.approx(sk.f1_score(y, decided, average="macro"))
        assert row["log_loss"] == pytest.approx(sk.log_loss(y, A.T), rel=1e-5)
        assert row["top_2"] == sk.top_k_accuracy_score(y, A.T, k=2, labels=range(3))
        areas = [sk.roc_auc_score(*pair) for pair in zip(Y, A, strict=True)]
        assert row["auc"] == pytest.approx(np.mean(areas))


def test_running_figures_of_numbers_and_an_output_activation(folder: Path) -> None:
    config = write_numbers(folder, ["r2", "medae"])
    assert deepnet("train", config, "--run-dir", "a").code == 0
    for row, (A, Y) in zip(rows("a"), between_rows(outputs(load_job(config))), strict=True):
        assert row["r2"] == pytest.approx(sk.r2_score(Y.T, A.T), rel=1e-4)
        assert row["medae"] == pytest.approx(sk.median_absolute_error(Y.T, A.T), rel=1e-4)


@pytest.mark.parametrize("loss", ["hinge", "multi_margin"])
def test_running_figures_of_scores(folder: Path, loss: str) -> None:
    write_blobs(folder / "blobs.h5", K=2)
    model = {"layers": [5, 1 if loss == "hinge" else 2], "activations": ["tanh", "linear"]}
    training = {"iterations": 23, "log_every": 7, "batch_size": 20, "metrics": ["f1", "auc"]}
    config = write_config(folder / "c.yaml", model=model, loss=loss, training=training)
    assert deepnet("train", config, "--run-dir", "a").code == 0
    average = "binary" if loss == "hinge" else "macro"
    for row, (A, Y) in zip(rows("a"), between_rows(outputs(load_job(config))), strict=True):
        y, decided = (Y[0], A[0] > 0) if loss == "hinge" else (Y.argmax(0), A.argmax(0))
        assert row["f1"] == pytest.approx(sk.f1_score(y, decided, average=average))
        areas = [sk.roc_auc_score(*pair) for pair in zip(Y, A, strict=True)]
        assert row["auc"] == pytest.approx(np.mean(areas))


def test_running_figures_in_the_span_are_those_of_all_features(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reduction, "FIXED", 0)
    write_blobs(folder / "blobs.h5", m=12, n=400)
    config, told = write(folder, ASKED, batch_size="full"), []
    for run, more in (("a", "auto"), ("b", "false")):
        sets = ["compute.precision=float64", f"compute.reduce={more}"]
        words = [word for setting in sets for word in ("--set", setting)]
        assert deepnet("train", config, "--run-dir", run, *words).code == 0
        assert ("reduced" in json.loads(Path(run, "summary.json").read_text())) is (run == "a")
        told.append(rows(run))
    for reduced, whole in zip(*told, strict=True):
        assert reduced == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("target", ["class", "number"])
def test_resuming_between_rows_changes_nothing(folder: Path, target: str) -> None:
    """Sums, moments and kept outputs since the last row are in the checkpoint."""
    config = write(folder, ASKED) if target == "class" else write_numbers(folder, ["r2", "medae"])
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    for stop in (1, 3, 7, 13, 17):
        run, short = f"part{stop}", f"training.iterations={stop}"
        assert deepnet("train", config, "--run-dir", run, "--set", short).code == 0
        assert deepnet("train", "--resume", run, "--set", "training.iterations=23").code == 0
        for file in ("model.h5", "history.csv"):
            assert Path(run, file).read_bytes() == Path("whole", file).read_bytes()


def test_they_stand_for_validation_too_and_change_nothing_else(folder: Path) -> None:
    config = write(folder, ["top_2", "mcc"])
    validation = ["--set", "data.validation=more.h5"]
    assert deepnet("train", config, "--run-dir", "a", *validation).code == 0
    assert deepnet("train", write(folder, []), "--run-dir", "b", *validation).code == 2
    plain = write_config(folder / "p.yaml", training={"iterations": 23, "log_every": 7})
    batches = ["--set", "training.batch_size=20"]
    assert deepnet("train", plain, "--run-dir", "p", *batches, *validation).code == 0
    asked, default = rows("a"), rows("p")
    heads = ["iteration", "epoch", "cost"]
    assert list(asked[0])[:-2] == [*heads, "top_2", "mcc", "val_cost", "val_top_2", "val_mcc"]
    usual = ["accuracy", "precision", "recall", "f1"]
    assert list(default[0])[:-2] == [*heads, "val_cost", *(f"val_{name}" for name in usual)]
    for with_, without in zip(asked, default, strict=True):
        assert [with_[k] for k in (*heads, "val_cost")] == [
            without[k] for k in (*heads, "val_cost")
        ]
    figures = json.loads(Path("a/summary.json").read_text())["figures"]
    for part in ("train", "validation"):
        assert list(figures[part]) == ["cost", *usual, "top_2", "mcc"]
    best = min(asked, key=lambda row: row["val_cost"])
    assert figures["validation"]["mcc"] == best["val_mcc"]


@pytest.mark.parametrize(("monitor", "pick"), [("val_log_loss", min), ("val_kappa", max)])
def test_any_metric_can_be_watched(folder: Path, monitor: str, pick: object) -> None:
    """Also one that is asked for nowhere else; in its own direction."""
    monitor = monitor.replace("val_kappa", "val_cohen_kappa")
    stopping = {"monitor": monitor, "patience": 3}
    training = {
        "iterations": 5000,
        "log_every": 1,
        "early_stopping": stopping,
        "learning_rate": 1.0,
    }
    config = write_config(folder / "c.yaml", data={"validation": "more.h5"}, training=training)
    assert deepnet("train", config, "--run-dir", "a").code == 0
    values = [row[monitor] for row in rows("a")]
    best = values.index(pick(values))  # type: ignore[operator]
    summary = json.loads(Path("a/summary.json").read_text())
    assert summary["best"] == {"monitor": monitor, "iteration": best}
    assert len(values) == best + 4 < 5000


def test_a_target_is_among_what_is_measured(folder: Path) -> None:
    """It may change when a run goes on, and the columns of the history may not."""
    config, validation = write(folder, ["f1", "mcc"]), ("--set", "data.validation=more.h5")
    unmeasured = "training.target={monitor: val_auc, value: 0.9}"
    result = deepnet("train", config, *validation, "--set", unmeasured)
    assert result.code == 2
    assert "val_auc is not measured; name auc in training.metrics" in result.err
    assert deepnet("train", config, "--run-dir", "whole", *validation).code == 0
    short = ("--set", "training.iterations=9")
    assert deepnet("train", config, "--run-dir", "a", *validation, *short).code == 0
    again = ["--set", "training.iterations=23"]
    again += ["--set", "training.target={monitor: val_mcc, value: 1.5}"]
    assert deepnet("train", "--resume", "a", *again).code == 0
    assert Path("a/history.csv").read_bytes() == Path("whole/history.csv").read_bytes()


def test_the_screen_shows_the_first_that_is_asked_for(folder: Path) -> None:
    config, validation = write(folder, ["f1", "auc"]), ["--set", "data.validation=more.h5"]
    for more, figures in (([], ["f1"]), (validation, ["val_cost", "val_f1"])):
        told = deepnet("train", config, *more)
        assert told.code == 0
        head = next(line for line in told.err.splitlines() if "iter " in line).split()
        assert head[:-1] == [
            "epoch",
            "iter",
            "cost",
            *figures,
            *["rate"] * (not more),
            "|g|",
            "seconds",
        ]
        shown = [line for line in told.err.splitlines() if str(folder) not in line]
        assert all(len(line) <= 80 for line in shown + told.out.splitlines()[:-1])


WRONG = {
    "[accuracy, r2]": ["training.metrics[1]", "cross_entropy has no metric 'r2'", "one of"],
    "[acuracy]": ["training.metrics[0]", "did you mean 'accuracy'?"],
    "[top_3]": ["top_3 of 3 classes is always 1"],
    "[top_0]": ["unknown metric 'top_0'"],
    "[f1, f1]": ["training.metrics[1]", "stands here already"],
    "accuracy": ["a list such as [accuracy, f1]", "found text 'accuracy'"],
    "[[f1]]": ["training.metrics[0]", "expected text"],
    "[]": ["the list is empty"],
}


@pytest.mark.parametrize("value", WRONG)
def test_what_cannot_be_measured_is_told_with_its_place(folder: Path, value: str) -> None:
    (folder / "c.yaml").write_text(
        "data: {train: blobs.h5}\nmodel:\n  layers: [6, 3]\n  activations: [tanh, softmax]\n"
        f"training:\n  iterations: 3\n  metrics: {value}\n"
    )
    result = deepnet("train", "c.yaml")
    assert result.code == 2
    assert "c.yaml:7:" in result.err
    for word in WRONG[value]:
        assert word in result.err, result.err


def test_scores_are_not_measured_as_probabilities(folder: Path) -> None:
    write_blobs(folder / "blobs.h5", K=2)
    model = {"layers": [1], "activations": ["linear"]}
    stopping = {"monitor": "val_brier"}
    config = write_config(
        folder / "c.yaml",
        data={"validation": "more.h5"},
        model=model,
        loss="hinge",
        training={"metrics": ["auc", "log_loss"], "early_stopping": stopping},
    )
    result = deepnet("train", config)
    assert result.code == 2
    for name in (
        "metrics[1]: hinge has no metric 'log_loss'",
        "monitor: hinge has no metric 'brier'",
    ):
        assert f"{name}: its outputs are scores, not probabilities (one of" in result.err


def test_a_fold_is_told_by_the_first_that_is_asked_for(folder: Path) -> None:
    result = deepnet("cv", write(folder, ["mcc", "f1"]), "--folds", "2", "--json")
    assert result.code == 0, result.err
    for k, figures in enumerate(json.loads(result.out)["folds"], 1):
        assert f"fold {k}: mcc {figures['mcc']:.4g} of 45 examples" in result.err


def test_all_that_does_not_fit_is_told_at_once(folder: Path) -> None:
    config = write(folder, ["r2", "mse"], early_stopping={"monitor": "val_auk"})
    result = deepnet("train", config, "--set", "data.validation=more.h5")
    assert "'val_auk'; did you mean 'val_auc'?" in result.err
    config = write(folder, ["r2", "mse"], early_stopping={"monitor": "val_mae"})
    result = deepnet("train", config, "--set", "data.validation=more.h5")
    assert result.code == 2
    assert result.err.count("has no metric") == 3
