"""deepnet train: what it writes, and that a run repeats and resumes."""

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from cli import deepnet
from samples import parameters, rows, same_files, write_blobs, write_config

from deepnet_cli.cli.progress import Display
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.training.kept.run_directory import Keep, RunDirectory
from deepnet_cli.training.loop.history import Watch
from deepnet_cli.training.loop.state import Event

MINI = {"batch_size": 16, "optimizer": "adam", "learning_rate": 0.02, "l2": 0.3}
"""Mini-batches with a short last one: 90 = 5 * 16 + 10."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with blobs.h5."""
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "more.h5", seed=9)
    return tmp_path


def blobs(path: Path) -> tuple[Array, Array]:
    with h5py.File(path) as file:
        return file["x"][()], file["y"][()]


def test_a_run_directory_holds_what_is_promised(folder: Path) -> None:
    config = write_config(folder / "c.yaml", output={"plots": True}, data={"test": "more.h5"})
    result = deepnet("train", config)
    assert result.code == 0
    run = folder / "runs" / "c-001"
    names = sorted(path.name for path in run.iterdir())
    assert names == [
        "checkpoints",
        "config.yaml",
        "cost.png",
        "history.csv",
        "model.h5",
        "summary.json",
    ]
    assert (run / "cost.png").read_bytes().startswith(b"\x89PNG")
    summary = json.loads((run / "summary.json").read_text())
    assert summary["parameters"] == 6 * 4 + 6 + 3 * 6 + 3
    assert (summary["iterations"], summary["stopped"]) == (40, "completed")
    assert set(summary["figures"]) == {"train", "test"}
    assert "runs/c-001" in result.out
    assert "next: deepnet report runs/c-001" in result.err
    assert {name: block.shape for name, block in parameters(run).items()} == {
        "W1": (6, 4),
        "b1": (6, 1),
        "W2": (3, 6),
        "b2": (3, 1),
    }


def test_runs_are_numbered_and_never_overwritten(folder: Path) -> None:
    config = write_config(folder / "c.yaml")
    for number in (1, 2, 3):
        assert deepnet("train", config, "-q").code == 0
        assert (folder / "runs" / f"c-00{number}" / "model.h5").exists()


def test_run_dir_is_refused_where_a_run_is(folder: Path) -> None:
    config = write_config(folder / "c.yaml")
    assert deepnet("train", config, "--run-dir", "here").code == 0
    before = (folder / "here" / "model.h5").read_bytes()
    result = deepnet("train", config, "--run-dir", "here", "--set", "seed=1")
    assert result.code == 2
    assert "--resume" in result.err
    assert (folder / "here" / "model.h5").read_bytes() == before


@pytest.mark.parametrize("training", [{}, MINI], ids=["full batch", "mini-batches"])
def test_the_same_config_and_seed_give_the_same_bytes(
    folder: Path, training: dict[str, object]
) -> None:
    config = write_config(
        folder / "c.yaml", training=training, data={"validation": {"fraction": 0.2}}
    )
    for name in "ab":
        assert deepnet("train", config, "--run-dir", name).code == 0
    for file in ("model.h5", "history.csv", "config.yaml"):
        assert (folder / "a" / file).read_bytes() == (folder / "b" / file).read_bytes()
    assert deepnet("train", config, "--run-dir", "c", "--set", "seed=1").code == 0
    assert (folder / "a/model.h5").read_bytes() != (folder / "c/model.h5").read_bytes()


def test_the_resolved_config_gives_the_same_run(folder: Path) -> None:
    config = write_config(
        folder / "c.yaml",
        model={"layers": [{"units": 6, "activation": "relu"}, 3], "activations": "tanh"},
        training={**MINI, "iterations": None, "epochs": 3, "log_every": "auto"},
        data={"validation": {"fraction": 0.2, "stratify": True}, "scale": "standardize"},
    )
    assert deepnet("train", config, "--run-dir", "a").code == 0
    assert deepnet("train", "a/config.yaml", "--run-dir", "sub/b").code == 0
    ours, again = parameters(folder / "a"), parameters(folder / "sub" / "b")
    for name in ours:
        np.testing.assert_array_equal(ours[name], again[name])
    resolved = yaml.safe_load((folder / "a" / "config.yaml").read_text())
    assert resolved["model"]["activations"] == ["relu", "softmax"]
    assert resolved["loss"]["name"] == "cross_entropy"


STOPS = (1, 4, 5, 6, 12, 14, 17, 22)
FIRST = next(iter(OPTIMIZERS))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resuming_equals_never_stopping(folder: Path, optimizer: str) -> None:
    """Stopped after any iteration, by its length; the cost of validation is no smooth curve.

    All that an optimizer adds to that are its slots and its count of updates.
    """
    config = write_config(
        folder / "c.yaml",
        training={**MINI, "optimizer": optimizer, "learning_rate": 0.4, "iterations": 23},
        data={"validation": {"fraction": 0.2}},
    )
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    for stop in STOPS if optimizer == FIRST else STOPS[1::4]:
        run = f"part{stop}"
        resumable = f"training.iterations={stop}"
        assert deepnet("train", config, "--run-dir", run, "--set", resumable).code == 0
        rest = deepnet("train", "--resume", run, "--set", "training.iterations=23")
        assert rest.code == 0, rest.err
        same_files(folder / "whole", folder / run)


@pytest.mark.parametrize("length", [{"iterations": None, "epochs": 9}, {"iterations": None}])
def test_a_signal_changes_nothing_however_the_length_is_told(
    folder: Path, length: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after iteration 20, through the handler that a person's Ctrl-C meets."""
    config = write_config(
        folder / "c.yaml", training={**MINI, **length}, data={"validation": {"fraction": 0.2}}
    )
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    show = Display.show

    def interrupting(self: Display, event: Event) -> None:
        show(self, event)
        if event.steps.iteration >= 20:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Display, "show", interrupting)
        assert deepnet("train", config, "--run-dir", "part").code == 143
    assert deepnet("train", "--resume", "part").code == 0
    same_files(folder / "whole", folder / "part")
    assert (folder / "whole/config.yaml").read_bytes() == (folder / "part/config.yaml").read_bytes()


@pytest.mark.parametrize("last", [3, 500])
def test_a_signal_saves_no_state_that_diverged(
    folder: Path, last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The update before the signal was the bad one, known as such by no cost yet."""
    config = write_config(
        folder / "c.yaml",
        model={"layers": [6, 1], "activations": ["relu", "linear"]},
        loss="mean_squared_error",
        training={"learning_rate": 1e30, "iterations": last},
    )
    show = Display.show

    def interrupting(self: Display, event: Event) -> None:
        show(self, event)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Display, "show", interrupting)
    assert deepnet("train", config, "--run-dir", "a").code == 4
    assert np.isfinite(
        json.loads((folder / "a/summary.json").read_text())["figures"]["train"]["cost"]
    )


@pytest.mark.parametrize("lost", ["history.csv", "summary.json", "model.h5"])
def test_a_run_that_lost_its_last_files_is_completed(folder: Path, lost: str) -> None:
    """As after a kill or a full disk between the last checkpoint and the last file."""
    config = write_config(folder / "c.yaml", training={"iterations": 23})
    assert deepnet("train", config, "--run-dir", "a").code == 0
    before = (folder / "a" / lost).read_bytes()
    (folder / "a" / lost).unlink()
    assert deepnet("train", "--resume", "a").code == 0
    if lost != "summary.json":  # which holds the seconds
        assert (folder / "a" / lost).read_bytes() == before
    assert deepnet("train", "--resume", "a").code == 2


def test_a_run_whose_data_moved_goes_on(folder: Path) -> None:
    assert deepnet("train", write_config(folder / "c.yaml"), "--run-dir", "a").code == 0
    (folder / "blobs.h5").rename(folder / "moved.h5")
    text = (folder / "a/config.yaml").read_text()
    (folder / "a/config.yaml").write_text(text.replace("blobs.h5", "moved.h5"))
    assert deepnet("train", "--resume", "a", "--set", "training.iterations=50").code == 0


def test_resuming_with_early_stopping(folder: Path) -> None:
    stopping = {"monitor": "val_cost", "patience": 4, "min_delta": 0.05}
    config = write_config(
        folder / "c.yaml",
        data={"validation": "more.h5"},
        training={
            "optimizer": "adam",
            "iterations": 300,
            "log_every": 2,
            "early_stopping": stopping,
        },
    )
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    made = json.loads((folder / "whole/summary.json").read_text())["iterations"]
    assert 10 < made < 300
    for stop in (3, made - 6, made - 1):
        run = f"part{stop}"
        length = f"training.iterations={stop}"
        assert deepnet("train", config, "--run-dir", run, "--set", length).code == 0
        assert deepnet("train", "--resume", run, "--set", "training.iterations=300").code == 0
        same_files(folder / "whole", folder / run)
    ended = deepnet("train", "--resume", "whole")
    assert ended.code == 2
    assert "val_cost has not improved by more than 0.05 since iteration" in ended.err


def test_resume_sees_that_the_data_or_the_config_changed(folder: Path) -> None:
    config = write_config(folder / "c.yaml")
    assert deepnet("train", config, "--run-dir", "a").code == 0
    kept = (folder / "a/model.h5").read_bytes()
    more = ("--set", "training.iterations=50")
    text = (folder / "a/config.yaml").read_text()
    (folder / "a/config.yaml").write_text(text.replace("learning_rate: 0.1", "learning_rate: 0.2"))
    changed = deepnet("train", "--resume", "a", *more)
    assert changed.code == 2
    assert "training.learning_rate: 0.1 -> 0.2" in changed.err
    (folder / "a/config.yaml").write_text(text)
    write_blobs(folder / "blobs.h5", seed=3)
    changed = deepnet("train", "--resume", "a", *more)
    assert changed.code == 3
    assert "data are not those" in changed.err
    assert (folder / "a/model.h5").read_bytes() == kept


def test_one_process_a_run_directory(folder: Path) -> None:
    config = write_config(folder / "c.yaml", training={"iterations": 10_000_000, "log_every": 1000})
    command = [sys.executable, "-m", "deepnet_cli", "train", str(config), "--run-dir", "a"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        while "1000" not in first.stderr.readline():
            time.sleep(0.01)
        for second in (["--resume", "a"], [config, "--run-dir", "a"]):
            refused = deepnet("train", *second)
            assert refused.code in (2, 6)
            assert "a" in refused.err
        assert deepnet("train", "--resume", "a").code == 6
        first.kill()
    assert deepnet("train", "--resume", "a", "--set", "training.iterations=10", "-q").code == 0


def test_a_damaged_checkpoint_is_named_and_the_older_used(folder: Path) -> None:
    config = write_config(folder / "c.yaml", output={"checkpoint_every": 10})
    assert deepnet("train", config, "--run-dir", "a").code == 0
    newest = max((folder / "a" / "checkpoints").iterdir())
    damaged = bytearray(newest.read_bytes())
    damaged[-1] ^= 1
    newest.write_bytes(damaged)
    result = deepnet("train", "--resume", "a", "--set", "training.iterations=60")
    assert result.code == 0
    assert newest.name in result.err
    assert deepnet("train", config, "--run-dir", "b", "--set", "training.iterations=60").code == 0
    np.testing.assert_array_equal(parameters(folder / "a")["W1"], parameters(folder / "b")["W1"])


def test_resume_changes_nothing_that_numbers_depend_on(folder: Path) -> None:
    assert deepnet("train", write_config(folder / "c.yaml"), "--run-dir", "a").code == 0
    refused = deepnet("train", "--resume", "a", "--set", "training.learning_rate=1")
    assert refused.code == 2
    done = deepnet("train", "--resume", "a")
    assert done.code == 2
    assert "training.iterations=80" in done.err
    assert deepnet("train", "--resume", "missing").code == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_run_goes_on_as_if_never_stopped(
    folder: Path, number: signal.Signals
) -> None:
    config = write_config(
        folder / "c.yaml", training={**MINI, "iterations": 10_000_000, "log_every": 1000}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "deepnet_cli", "train", str(config), "--run-dir", "a"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # may be ignored here
    )
    assert process.stderr is not None
    while "1000" not in process.stderr.readline():
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert "go on: deepnet train --resume a" in err
    assert "Traceback" not in err
    made = json.loads((folder / "a/summary.json").read_text())["iterations"]
    length = f"training.iterations={made + 7}"
    assert deepnet("train", "--resume", "a", "--set", length, "-q").code == 0
    assert deepnet("train", config, "--run-dir", "b", "--set", length, "-q").code == 0
    same_files(folder / "a", folder / "b")


def test_a_signal_that_the_parent_ignores_stays_ignored(folder: Path) -> None:
    """As for a job that a script started in the background: Ctrl-C is not meant for it."""
    config = write_config(folder / "c.yaml", training={"iterations": 3000, "log_every": 1000})
    process = subprocess.Popen(
        [sys.executable, "-m", "deepnet_cli", "train", str(config), "--run-dir", "a"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert json.loads((folder / "a/summary.json").read_text())["iterations"] == 3000


def test_history_of_a_full_batch(folder: Path) -> None:
    """A row at 0, log_every, ... and the last; cost is J before the update."""
    config = write_config(folder / "c.yaml", training={"iterations": 18, "log_every": 5})
    assert deepnet("train", config, "--run-dir", "a").code == 0
    assert [row["iteration"] for row in rows(folder / "a")] == [0, 5, 10, 15, 17]
    assert deepnet("train", config, "--run-dir", "b", "--set", "training.log_every=1").code == 0
    every = rows(folder / "b")
    assert [row["iteration"] for row in every] == list(range(18))
    sparse = {row["iteration"]: row["cost"] for row in rows(folder / "a")}
    for i in (1, 5, 6, 10):
        since = [row["cost"] for row in every if (i - 1) // 5 * 5 < row["iteration"] <= i]
        if i in sparse:
            assert sparse[i] == pytest.approx(np.mean(since), rel=1e-15)


def test_cost_of_the_first_row_is_that_of_the_first_parameters(folder: Path) -> None:
    x, y = blobs(folder / "blobs.h5")
    rng = np.random.default_rng(3)
    first = {"W1": rng.normal(size=(3, 4)), "b1": rng.normal(size=3)}
    with h5py.File(folder / "first.h5", "w") as file:
        for name, block in first.items():
            file[name] = block
    config = write_config(
        folder / "c.yaml",
        model={"layers": [3], "activations": ["softmax"], "initial_parameters": "first.h5"},
        training={"iterations": 1, "l2": 0.6, "learning_rate": 0.25},
        compute={"precision": "float64"},
    )
    assert deepnet("train", config, "--run-dir", "a").code == 0
    Z = first["W1"] @ x.T.astype(float) + first["b1"][:, None]
    A = np.exp(Z) / np.exp(Z).sum(axis=0)
    J = -np.log(A[y, np.arange(len(y))]).mean() + 0.6 / (2 * len(y)) * (first["W1"] ** 2).sum()
    assert rows(folder / "a")[0]["cost"] == pytest.approx(J, rel=1e-13)
    dZ = (A - np.eye(3)[:, y]) / len(y)
    W1 = first["W1"] - 0.25 * (dZ @ x.astype(float) + 0.6 / len(y) * first["W1"])
    np.testing.assert_allclose(parameters(folder / "a")["W1"], W1, rtol=1e-12)


def test_the_penalty_counts_all_training_examples_not_the_batch(folder: Path) -> None:
    """lambda/(2m) with m = 90, in the cost of a batch of 16 as in that of all."""
    costs = {}
    for l2 in (0.0, 5.0):
        config = write_config(
            folder / "c.yaml", training={"batch_size": 16, "iterations": 1, "l2": l2}
        )
        assert deepnet("train", config, "--run-dir", f"l{l2}").code == 0
        costs[l2] = rows(folder / f"l{l2}")[0]["cost"]
    start = write_config(folder / "d.yaml", training={"iterations": 1, "learning_rate": 1e-30})
    assert deepnet("train", start, "--run-dir", "start").code == 0
    first = parameters(folder / "start")
    squares = sum((first[name] ** 2).sum() for name in ("W1", "W2"))
    assert costs[5.0] - costs[0.0] == pytest.approx(5 / (2 * 90) * squares, rel=1e-5)


def test_mini_batch_rows_average_the_batches_since_the_last(folder: Path) -> None:
    config = write_config(folder / "c.yaml", training={**MINI, "iterations": 20, "log_every": 6})
    assert deepnet("train", config, "--run-dir", "a").code == 0
    assert deepnet("train", config, "--run-dir", "b", "--set", "training.log_every=1").code == 0
    each = {row["iteration"]: row["cost"] for row in rows(folder / "b")}
    marks = [-1, 0, 6, 12, 18, 19]
    for (before, here), row in zip(pairwise(marks), rows(folder / "a"), strict=True):
        assert row["iteration"] == here
        assert row["epoch"] == here // 6
        mean = np.mean([each[i] for i in range(before + 1, here + 1)])
        assert row["cost"] == pytest.approx(mean, rel=1e-14)


def test_the_best_parameters_by_validation_are_kept(folder: Path) -> None:
    config = write_config(
        folder / "c.yaml",
        data={"validation": "more.h5"},
        training={"optimizer": "adam", "learning_rate": 1.0, "iterations": 60, "log_every": 1},
    )
    assert deepnet("train", config, "--run-dir", "a").code == 0
    history = rows(folder / "a")
    best = min(history, key=lambda row: row["val_cost"])
    assert 0 < best["iteration"] < 50, "the best must not be the first or last row"
    summary = json.loads((folder / "a" / "summary.json").read_text())
    assert summary["best"] == {"monitor": "val_cost", "iteration": best["iteration"]}
    assert summary["figures"]["validation"]["cost"] == best["val_cost"]
    told = json.loads(deepnet("evaluate", "a", "more.h5", "--json").out)
    assert told["cost"] == best["val_cost"]


def test_early_stopping(folder: Path) -> None:
    config = write_config(
        folder / "c.yaml",
        data={"validation": "more.h5"},
        training={
            "iterations": 100_000,
            "log_every": 1,
            "learning_rate": 1.0,
            "early_stopping": {"monitor": "val_accuracy", "patience": 4},
        },
    )
    assert deepnet("train", config, "--run-dir", "a").code == 0
    summary = json.loads((folder / "a" / "summary.json").read_text())
    assert summary["stopped"] == "early"
    accuracy = [row["val_accuracy"] for row in rows(folder / "a")]
    assert len(accuracy) == summary["iterations"] == int(np.argmax(accuracy)) + 5


def test_divergence_ends_with_4_and_keeps_the_last_good_parameters(folder: Path) -> None:
    config = write_config(
        folder / "c.yaml",
        model={"layers": [6, 1], "activations": ["relu", "linear"]},
        loss="mean_squared_error",
        training={"learning_rate": 10.0, "iterations": 500, "log_every": 1},
    )
    result = deepnet("train", config, "--run-dir", "a")
    assert result.code == 4
    assert "at iteration" in result.err
    assert "training.learning_rate=0.1," in result.err
    summary = json.loads((folder / "a" / "summary.json").read_text())
    assert summary["stopped"] == "diverged"
    assert all(np.isfinite(row["cost"]) for row in rows(folder / "a"))
    assert np.isfinite(summary["figures"]["train"]["cost"])
    made = summary["iterations"]
    assert len(rows(folder / "a")) == made > 1
    assert (
        deepnet("train", config, "--run-dir", "b", "--set", f"training.iterations={made}").code == 0
    )
    for name, block in parameters(folder / "b").items():
        np.testing.assert_array_equal(block, parameters(folder / "a")[name])


def test_what_is_there_already_is_not_advised(folder: Path) -> None:
    steep = {"learning_rate": 1e30, "iterations": 50}
    config = write_config(
        folder / "c.yaml",
        model={"layers": [6, 1], "activations": ["relu", "linear"]},
        loss="mean_squared_error",
        training=steep,
    )
    ways = {"training.clip_norm": 1e9, "data.scale": "standardize"}
    for there in ([], [*ways][:1], [*ways][1:], [*ways]):
        settings = [word for key in there for word in ("--set", f"{key}={ways[key]}")]
        result = deepnet("train", config, *settings)
        advised = next(line for line in result.err.splitlines() if line.startswith("try: "))
        assert "--set training.learning_rate=" in advised
        assert [key for key in ways if f"{key}: " in advised] == [k for k in ways if k not in there]
        assert advised.count(", or ") == (len(there) < len(ways))


def test_a_last_update_that_overflows_is_a_divergence(folder: Path) -> None:
    """No cost is computed from the last parameters while training."""
    config = write_config(
        folder / "c.yaml",
        model={"layers": [6, 1], "activations": ["relu", "linear"]},
        loss="mean_squared_error",
        training={"learning_rate": 1e30, "iterations": 1},
    )
    result = deepnet("train", config, "--run-dir", "a", "--json")
    assert result.code == 4
    assert json.loads(result.out)["stopped"] == "diverged"
    assert all(np.isfinite(block).all() for block in parameters(folder / "a").values())
    assert deepnet("evaluate", "a", "blobs.h5").code == 0


@pytest.mark.parametrize(("every", "log_every"), [(1, 20), (3, 1), (2, 1000), (1, 1)])
def test_every_checkpoint_of_a_diverged_run_is_good(
    folder: Path, every: int, log_every: int
) -> None:
    config = write_config(
        folder / "c.yaml",
        model={"layers": [6, 1], "activations": ["relu", "linear"]},
        loss="mean_squared_error",
        training={"learning_rate": 10.0, "iterations": 500, "log_every": log_every},
        output={"checkpoint_every": every},
    )
    assert deepnet("train", config, "--run-dir", "a").code == 4
    good = (folder / "a/model.h5").read_bytes()
    figures = json.loads((folder / "a/summary.json").read_text())["figures"]
    assert np.isfinite(figures["train"]["cost"])
    again = deepnet("train", "--resume", "a")
    assert again.code == 4
    assert (folder / "a/model.h5").read_bytes() == good
    for path in (folder / "a/checkpoints").iterdir():
        with h5py.File(path) as file:
            assert np.isfinite(file["state/theta"][()]).all()


def test_epochs_that_make_too_many_iterations_are_refused(folder: Path) -> None:
    config = write_config(folder / "c.yaml", training={"iterations": None, "batch_size": 1})
    result = deepnet("train", config, "--set", "training.epochs=200000")
    assert result.code == 2
    assert "18,000,000 iterations" in result.err


def test_a_config_behind_a_symbolic_link_resolves_to_the_same_files(folder: Path) -> None:
    (folder / "deep/er").mkdir(parents=True)
    write_config(folder / "deep/er/c.yaml", data={"train": "../blobs.h5"})
    write_blobs(folder / "deep/blobs.h5", seed=5)
    (folder / "link").symlink_to("deep/er")
    assert deepnet("train", "link/c.yaml", "--run-dir", "a").code == 0
    assert deepnet("train", "a/config.yaml", "--run-dir", "b").code == 0
    assert (folder / "a/history.csv").read_bytes() == (folder / "b/history.csv").read_bytes()


def test_a_network_of_600_layers_is_read_again(folder: Path) -> None:
    layers = [2] * 600 + [3]
    config = write_config(
        folder / "c.yaml",
        model={"layers": layers, "activations": "tanh"},
        loss="cross_entropy",
        training={"iterations": 1},
    )
    assert deepnet("train", config, "--run-dir", "a").code == 0
    assert deepnet("predict", "a", "blobs.h5").code == 0


def test_initial_parameters_of_a_model(folder: Path) -> None:
    """One run goes on from another's parameters."""
    config = write_config(folder / "c.yaml")
    assert deepnet("train", config, "--run-dir", "a").code == 0
    start = "model.initial_parameters=a/model.h5"
    assert deepnet("train", config, "--run-dir", "b", "--set", start).code == 0
    assert deepnet("train", config, "--run-dir", "c", "--set", "training.iterations=80").code == 0
    for name, block in parameters(folder / "c").items():
        np.testing.assert_array_equal(block, parameters(folder / "b")[name])


def test_dry_run_trains_nothing(folder: Path) -> None:
    config = write_config(folder / "c.yaml")
    result = deepnet("train", config, "--dry-run")
    assert result.code == 0
    assert not (folder / "runs").exists()
    for shape in ("(6, 4)", "(6, 1)", "(6, 90)", "(3, 6)", "(4, 90)"):
        assert shape in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines())
    plan = json.loads(deepnet("train", config, "--dry-run", "--json").out)
    assert plan["parameters"] == 51
    assert [layer["W"] for layer in plan["layers"]] == [[6, 4], [3, 6]]


def test_json_is_the_summary_and_nothing_else(folder: Path) -> None:
    result = deepnet("train", write_config(folder / "c.yaml"), "--json", "--run-dir", "a")
    assert json.loads(result.out) == json.loads((folder / "a" / "summary.json").read_text())


def test_what_a_pipe_sees(folder: Path) -> None:
    """Plain lines of at most 80 columns, no carriage returns; -q leaves the result only."""
    config = write_config(folder / "c.yaml", data={"validation": {"fraction": 0.2}})
    result = deepnet("train", config)
    assert "\r" not in result.err + result.out
    assert "\x1b" not in result.err + result.out
    assert all(len(line) <= 80 for line in (result.err + result.out).splitlines())
    lines = result.err.splitlines()
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("epoch ")) : -1]
    held_out = ["val_cost", "val_accuracy"]
    assert table[0].split() == ["epoch", "iter", "cost", *held_out, "|g|", "seconds", "left"]
    assert len(table) == 1 + len(rows(folder / "runs" / "c-001"))
    assert table[1].endswith("*")
    quiet = deepnet("train", config, "-q")
    assert quiet.err.splitlines() == ["next: deepnet report runs/c-002"]


def test_memory_that_is_not_there_is_told_before_training(folder: Path) -> None:
    config = write_config(folder / "c.yaml")
    result = deepnet(
        "train", config, "--set", "model.layers=[1000000000, 3]", "--set", "model.activations=relu"
    )
    assert result.code == 2
    assert "GiB" in result.err or "TiB" in result.err
    assert "available" in result.err
    assert not (folder / "runs").exists()


def test_the_two_newest_checkpoints_are_kept(folder: Path) -> None:
    config = write_config(folder / "c.yaml", output={"checkpoint_every": 3})
    assert deepnet("train", config, "--run-dir", "a").code == 0
    kept = sorted(path.name for path in (folder / "a" / "checkpoints").iterdir())
    assert kept == ["iteration-000000039.h5", "iteration-000000040.h5"]


def test_checkpoints_are_made_by_the_clock_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were every moment half a minute later, each row but the last would leave one."""
    saved: list[int] = []
    save = RunDirectory.save_checkpoint

    def noted(self: RunDirectory, iteration: int, content: bytes, *keep: Keep) -> None:
        saved.append(iteration)
        save(self, iteration, content, *keep)

    monkeypatch.setattr(RunDirectory, "save_checkpoint", noted)
    for name in ("CHECKPOINT_SECONDS", "FIRST_SECONDS"):
        monkeypatch.setattr(f"deepnet_cli.training.kept.copies.{name}", -1.0)
    config = write_config(folder / "c.yaml", training={"iterations": 5, "log_every": 1})
    assert deepnet("train", config, "--run-dir", "a").code == 0
    assert saved == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("figure", "values", "waited"),
    [
        ("val_cost", [5.0, 4.5, 4.0, 3.7, 3.4], [0, 1, 0, 1, 0]),
        ("val_accuracy", [0.0, 0.4, 0.8, 1.0, 1.4], [0, 1, 0, 1, 0]),
    ],
)
def test_patience_waits_for_a_clear_improvement(
    figure: str, values: list[float], waited: list[int]
) -> None:
    """By more than min_delta since the last value that counted; every better one is a best."""
    watch, seen = Watch(figure, min_delta=0.5), []
    for iteration, value in enumerate(values):
        assert watch.see({"iteration": iteration, figure: value})
        seen.append(watch.waited)
    assert seen == waited
    assert (watch.best, watch.iteration) == (values[-1], 4)
    assert not watch.see({"iteration": 5, figure: float("nan")})
