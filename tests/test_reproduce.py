"""`deepnet reproduce`: identical where nothing has changed, and what differs named where it has."""

import json
import re
import shutil
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, assert_says, deepnet
from impatience import impatience
from samples import rows, write_blobs, write_config

from deepnet_cli.threads import pool
from deepnet_cli.training.kept.copies import Copies
from deepnet_cli.training.loop.state import Event
from deepnet_cli.training.run import stopping
from deepnet_cli.training.run.reproducing import Reproduction
from deepnet_cli.training.run.session import Session

TRAINING = {"optimizer": "adam", "batch_size": 16, "log_every": 7}
LAYERS = [{"units": 6, "batch_norm": True, "dropout": 0.2}, 3]

Patch = pytest.MonkeyPatch


def settings(*keys: str) -> list[str]:
    return [word for key in keys for word in ("--set", key)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that keeps states after 12, 24, 36 and 40 updates."""
    folder = tmp_path_factory.mktemp("trained")
    write_blobs(folder / "blobs.h5")
    config = write_config(
        folder / "c.yaml",
        data={"validation": {"fraction": 0.2}},
        model={"layers": LAYERS},
        training=TRAINING,
        output={"checkpoint_every": 12},
    )
    assert deepnet("train", config, "--run-dir", folder / "run", "-q").code == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: Patch) -> Path:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reproduced(*arguments: str) -> dict[str, Any]:
    """What it says as JSON, which the exit code agrees with."""
    result = deepnet("reproduce", *arguments, "-q", "--json")
    told: dict[str, Any] = json.loads(result.out)
    assert result.code == {True: 0, False: 1, None: 5}[told["identical"]], result.err
    return told


def kept(run: str) -> list[int]:
    paths = (Path(run) / "checkpoints").iterdir()
    return sorted(int(path.stem.partition("-")[2]) for path in paths)


def signalled(monkeypatch: Patch, at: int, number: signal.Signals) -> None:
    """A signal arrives with the first event at or after an iteration."""
    steps = Session.steps

    def until(self: Session) -> Iterator[Event]:
        for event in steps(self):
            if event.steps.iteration >= at:
                signal.raise_signal(number)
            yield event

    monkeypatch.setattr(Session, "steps", until)


def test_a_run_is_itself_and_stays_as_it_was(folder: Path) -> None:
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    told = reproduced("run")
    assert told["identical"] is True
    assert told["updates"] == 40
    assert told["rows"] == len(rows(folder / "run"))
    states = [state for state in told["states"] if state["what"] == "theta"]
    assert [state["updates"] for state in states] == kept("run")
    assert told["states"][-1]["what"] == "model.h5"
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files
    text = deepnet("reproduce", "run", "-q")
    assert_says(text.out, ["run: identical, to the bit, after 40 updates", "7 rows"])


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param([["--set", "training.iterations=30"], ["resume", 40]], id="resumed"),
        pytest.param([["--set", "training.learning_rate=1e30"]], id="diverged"),
        pytest.param([["--set", "training.max_time=1e-9"]], id="out of time"),
        pytest.param([["--set", "training.target={monitor: val_cost, value: 9}"]],
                     id="target", marks=pytest.mark.long),
        pytest.param([["--set", "training.optimizer=lbfgs", "--set", "training.batch_size=full",
                       "--set", "model.layers=[6, 3]"]], id="lbfgs", marks=pytest.mark.long),
        pytest.param([["--set", "training.learning_rate={schedule: cosine, initial: 0.1}"],
                      ["resume", 60]], id="resumed with a schedule"),
        pytest.param([["--set", "training.averaging=ema", "--set", "data.stream=true"]], id="ema"),
    ],
)  # fmt: skip
def test_whatever_became_of_it_is_made_again(folder: Path, typed: list[list[Any]]) -> None:
    first, *more = typed
    deepnet("train", "c.yaml", *first, "--run-dir", "other", "-q")
    for _, iterations in more:
        longer = settings(f"training.iterations={iterations}")
        assert deepnet("train", "--resume", "other", *longer, "-q").code == 0
    told = reproduced("other")
    assert told["identical"] is True
    made = json.loads(Path("other/summary.json").read_text())["iterations"]
    assert told["updates"] == made
    assert told["states"]


def test_one_that_was_interrupted_or_killed(folder: Path, monkeypatch: Patch) -> None:
    with monkeypatch.context() as patch:
        signalled(patch, 25, signal.SIGTERM)
        assert deepnet("train", "c.yaml", "--run-dir", "other", "-q").code == 143
    assert reproduced("other")["identical"] is True
    with monkeypatch.context() as patch:
        meddled(patch, 12, "W1", float("nan"))
        assert reproduced("other")["other_end"] is True
    Path("other/summary.json").unlink()
    Path("other/model.h5").unlink()
    told = reproduced("other")
    assert (told["identical"], told["updates"]) == (True, kept("other")[-1])


def test_one_that_did_not_wait_for_its_last_row(folder: Path, monkeypatch: Patch) -> None:
    """By which its parameters would have been chosen."""
    with monkeypatch.context() as patch:
        patch.setattr(stopping, "PATIENCE", -1.0)
        signalled(patch, 25, signal.SIGTERM)
        assert deepnet("train", "c.yaml", "--run-dir", "other", "-q").code == 143
    assert rows(folder / "other")[-1]["iteration"] == 21
    assert reproduced("other")["identical"] is True


def test_no_clock_ends_it(folder: Path, monkeypatch: Patch) -> None:
    """Though each look at it is a day later."""
    limited = settings("training.max_time=1d")
    assert deepnet("train", "c.yaml", *limited, "--run-dir", "other", "-q").code == 0
    days = (86_400.0 * k for k in count(1))
    monkeypatch.setattr(
        "deepnet_cli.training.run.session.time", SimpleNamespace(monotonic=days.__next__)
    )
    told = reproduced("other")
    assert (told["identical"], told["updates"]) == (True, 40)


def test_a_fork_is_made_again_from_what_it_began_with(folder: Path) -> None:
    """Also when it has gone on, and the other run is gone."""
    changed = settings("training.learning_rate=0.3", "training.iterations=60")
    assert deepnet("train", "--from", "run@36", *changed, "--run-dir", "fork", "-q").code == 0
    longer = settings("training.iterations=90")
    assert deepnet("train", "--resume", "fork", *longer, "-q").code == 0
    shutil.rmtree("run")
    told = reproduced("fork")
    assert (told["identical"], told["updates"]) == (True, 90)
    assert min(state["updates"] for state in told["states"]) > 36
    assert told["rows"] == sum(row["iteration"] >= 36 for row in rows(folder / "fork"))
    part = reproduced("fork", "--until", "40")
    assert (part["updates"], part["rows"]) == (40, 0)
    assert_refused(deepnet("reproduce", "fork", "--until", "36"), 2, ["began with 36 updates"])


def test_a_first_update_that_diverges_does_so_again(folder: Path) -> None:
    wild = settings("training.learning_rate=1e38", "model.layers=[6, 3]")
    assert deepnet("train", "c.yaml", *wild, "--run-dir", "other", "-q").code == 4
    told = reproduced("other")
    assert (told["identical"], told["updates"], told["other_end"]) == (True, 0, False)


def meddled(monkeypatch: Patch, after: int, block: str, by: float) -> None:
    """A block's first parameter becomes another after so many updates."""
    see = Reproduction._see_state

    def and_meddle(self: Reproduction) -> None:
        state = self.session.progress.state
        if state.iteration == after:
            state.theta[self.session.job.network.layout.places[block].start] += by
        see(self)

    monkeypatch.setattr(Reproduction, "_see_state", and_meddle)


def test_the_first_state_and_tensor_that_differ_are_named(folder: Path, monkeypatch: Patch) -> None:
    """And by how much: here none before, and nothing else."""
    meddled(monkeypatch, 40, "b2", 0.25)
    told = reproduced("run")
    assert told["identical"] is False
    assert [state["tensor"] for state in told["states"] if state["updates"] < 40] == ["", ""]
    last = next(state for state in told["states"] if state["updates"] == 40)
    assert (last["what"], last["tensor"]) == ("theta", "b2")
    assert last["by"] == last["most"] == pytest.approx(0.25, rel=1e-5)
    assert told["changed"] == []
    text = deepnet("reproduce", "run", "-q")
    assert_says(text.out, ["different", "b2", "up to 0.25", "changed since: nothing"])


def test_the_first_row_that_differs_is_named(folder: Path, monkeypatch: Patch) -> None:
    """The first after the update that was another: that of iteration 28, after 24 updates."""
    meddled(monkeypatch, 24, "b2", 0.5)
    told = reproduced("run")
    there = next(row for row in rows(folder / "run") if row["iteration"] == 28)
    assert told["row"]["iteration"] == 28
    assert told["row"]["figure"] == "cost"
    assert told["row"]["there"] == there["cost"]
    assert told["row"]["here"] != there["cost"]


def test_another_end_is_a_difference(folder: Path, monkeypatch: Patch) -> None:
    meddled(monkeypatch, 24, "W1", float("nan"))
    told = reproduced("run")
    assert told["identical"] is False
    assert told["other_end"] is True
    assert_says(deepnet("reproduce", "run", "-q").out, ["nan at iteration 24", "all 40 iterations"])


def test_the_memory_of_the_optimizer_is_compared_too(folder: Path) -> None:
    """Of a state kept on the way; sealed anew, as if it had been so."""
    path = folder / "run" / "checkpoints" / "iteration-000000036.h5"
    if not path.exists():
        path = sorted(path.parent.iterdir())[-2]
    resealed(path, "state/slots")
    told = reproduced("run")
    differ = [(state["what"], state["updates"]) for state in told["states"] if state["tensor"]]
    assert differ == [("slots", int(path.stem[-9:]))]


def resealed(path: Path, name: str) -> None:
    """Change the last value of a data set, and let the digest agree."""
    import hashlib

    with h5py.File(path, "r+") as file:
        file[name][..., -1] += 1
    body = path.read_bytes()[512:]
    header = f"deepnet checkpoint\nformat 1\nsha256 {hashlib.sha256(body).hexdigest()}\n"
    path.write_bytes(header.encode().ljust(511) + b"\n" + body)


def test_another_environment_is_named(folder: Path, monkeypatch: Patch) -> None:
    now = pool()[0], "another core"
    monkeypatch.setattr("deepnet_cli.training.kept.environment.pool", lambda: now)
    told = reproduced("run")
    assert len(told["changed"]) == 1
    assert told["changed"][0].endswith("now another core")
    assert_says(deepnet("reproduce", "run", "-q").out, ["although", "another core"])


def test_as_many_threads_multiply_as_did(folder: Path) -> None:
    two = settings("compute.threads=2", "training.iterations=3")
    assert deepnet("train", "c.yaml", *two, "--run-dir", "other", "-q").code == 0
    config = Path("other/config.yaml")
    config.write_text(config.read_text().replace("threads: 2", "threads: 1"))
    assert reproduced("other")["changed"] == []


def test_changed_data_are_refused(folder: Path) -> None:
    with h5py.File("blobs.h5", "r+") as file:
        file["x"][3, 1] += np.float32(1e-3)
    assert_refused(deepnet("reproduce", "run", "-q"), 3, ["another x of", "!another y"])
    shutil.rmtree("run/checkpoints")
    assert_refused(deepnet("reproduce", "run", "-q"), 3, ["summary.json", "another x of"])


def test_a_changed_config_is_refused(folder: Path) -> None:
    config = Path("run/config.yaml")
    config.write_text(config.read_text().replace("learning_rate: 0.1", "learning_rate: 0.2"))
    assert_refused(deepnet("reproduce", "run", "-q"), 2, ["training.learning_rate: 0.1 -> 0.2"])


def test_a_part_of_it(folder: Path) -> None:
    told = reproduced("run", "--until", "18")
    assert (told["identical"], told["updates"], told["rows"]) == (True, 18, 3)
    assert all(state["updates"] <= 18 for state in told["states"])
    shutil.rmtree("run/checkpoints")
    Path("run/history.csv").unlink()
    assert reproduced("run", "--until", "20")["identical"] is None


def test_the_time_that_is_left_is_up_to_its_own_end(folder: Path, monkeypatch: Patch) -> None:
    """By a clock that a look at moves by 100 s; the last row is of the last update."""
    clock = SimpleNamespace(monotonic=count(0, 100).__next__)
    monkeypatch.setattr("deepnet_cli.cli.progress.time", clock)
    left = re.findall(r"\d:\d\d(?=(?: \*)?\n)", deepnet("reproduce", "run", "--until", "15").err)
    assert left[-1] == "0:00" != left[-2]


def test_it_stops_where_many_updates_are_one_call(folder: Path) -> None:
    """To look at the state that was kept after 13."""
    plain = settings("model.layers=[6, 3]", "training.batch_size=full", "training.log_every=40")
    every = settings("output.checkpoint_every=13", "training.iterations=39")
    assert deepnet("train", "c.yaml", *plain, *every, "--run-dir", "other", "-q").code == 0
    config = Path("other/config.yaml")
    config.write_text(config.read_text().replace("checkpoint_every: 13", "checkpoint_every: auto"))
    told = reproduced("other", "--until", "30")
    assert (told["identical"], told["updates"]) == (True, 30)
    assert [state["updates"] for state in told["states"]] == [n for n in kept("other") if n < 30]
    assert 26 in kept("other")


def test_where_nothing_is_kept_it_cannot_tell(folder: Path) -> None:
    shutil.rmtree("run/checkpoints")
    Path("run/summary.json").unlink()
    assert reproduced("run")["identical"] is None
    assert_says(deepnet("reproduce", "run", "-q").out, ["cannot tell", "nothing to compare"])


def test_a_damaged_state_is_named_and_the_others_do(folder: Path) -> None:
    path = max(Path("run/checkpoints").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    result = deepnet("reproduce", "run", "-q", "--json")
    assert result.code == 0
    assert_says(result.err, [path.name, "sha256 does not match"])
    assert json.loads(result.out)["updates"] == 40


def test_what_was_made_may_be_kept(folder: Path) -> None:
    assert deepnet("reproduce", "run", "-q", "--run-dir", "again").code == 0
    assert Path("again/history.csv").read_bytes() == Path("run/history.csv").read_bytes()
    assert_refused(deepnet("reproduce", "run", "--run-dir", "again"), 2, ["holds a run"])


def test_it_can_be_interrupted(folder: Path, monkeypatch: Patch) -> None:
    signalled(monkeypatch, 15, signal.SIGINT)
    result = deepnet("reproduce", "run", "-q", "--json")
    assert result.code == 130
    told = json.loads(result.out)
    assert told["identical"] is True
    assert 15 < told["updates"] < 40
    assert_says(result.err, ["again: deepnet reproduce run"])


def test_it_can_be_interrupted_in_the_midst_of_figures(folder: Path, monkeypatch: Patch) -> None:
    """Nobody waits for them: those of a row, of the one that closes the run, of either part."""
    figures = impatience(monkeypatch)
    assert reproduced("run")["identical"] is True
    whole = figures.asked
    for block in (1, whole - 4, whole - 2):
        figures.from_here(block)
        run = f"again-{block}"
        result = deepnet("reproduce", "run", "-q", "--json", "--run-dir", run)
        assert result.code == 130, result.err
        told = json.loads(result.out)
        assert told["identical"] is (None if block == 1 else True)
        assert not told["other_end"]
        again = json.loads(Path(run, "summary.json").read_text())
        assert again["stopped"] == "interrupted"
        assert again["figures"].keys() < {"train", "validation"}


def test_nothing_else_is_left(folder: Path, monkeypatch: Patch) -> None:
    """Not even where it fails."""
    temporary = folder / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert reproduced("run")["identical"]
    assert not [*temporary.iterdir()]

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Copies, "write_history", fail)
    assert deepnet("reproduce", "run", "-q").code == 6
    assert not [*temporary.iterdir()]
