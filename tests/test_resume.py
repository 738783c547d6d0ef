"""Going on: with what may change and what may not, from the newest state or an older one."""

import json
import shutil
import signal
from collections.abc import Callable, Sequence
from itertools import chain, cycle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_says, deepnet
from impatience import impatience
from samples import rows, same_files, write_blobs, write_config

from deepnet_cli.cli.progress import Display
from deepnet_cli.data.encoding.scaling import FUNCTIONS, LOG1P
from deepnet_cli.errors import MachineError
from deepnet_cli.files import TEMPORARY
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures import evaluation
from deepnet_cli.training.kept import environment
from deepnet_cli.training.kept.lock import Lock
from deepnet_cli.training.kept.run_directory import RunDirectory
from deepnet_cli.training.loop.history import History
from deepnet_cli.training.loop.state import Event
from deepnet_cli.training.run.session import Session

LONGER = ("--set", "training.iterations=60")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    write_blobs(folder / "blobs.h5")
    write_blobs(folder / "more.h5", seed=3, m=30)
    config = write_config(
        folder / "c.yaml",
        data={"validation": "more.h5"},
        training={"optimizer": "adam", "learning_rate": 1.0, "batch_size": 16, "log_every": 2},
        output={"checkpoint_every": 7},
    )
    assert deepnet("train", config, "-q").code == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run c-001 of 40 iterations is, watched, by Adam; its best row is not its last."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kept(run: Path) -> list[int]:
    return sorted(int(path.stem.partition("-")[2]) for path in (run / "checkpoints").iterdir())


def best(run: Path) -> int:
    """Updates behind the best row."""
    return 1 + int(min(rows(run), key=lambda row: row["val_cost"])["iteration"])


def state(run: Path, made: int) -> dict[str, Any]:
    with h5py.File(run / "checkpoints" / f"iteration-{made:09}.h5") as file:
        return {name: file[f"state/{name}"][()] for name in ("theta", "slots")}


def test_the_best_state_is_kept_whole(folder: Path) -> None:
    """As it was then, with the optimizer's memory; a resumed run keeps the same."""
    run = folder / "runs" / "c-001"
    made = best(run)
    assert made < 35
    assert kept(run) == [made, 35, 40]
    assert deepnet("train", "c.yaml", "-q", "--set", f"training.iterations={made}").code == 0
    there, then = state(run, made), state(folder / "runs" / "c-002", made)
    for name, values in there.items():
        np.testing.assert_array_equal(values, then[name])
    longer = ("--set", "training.iterations=40", "-q")
    assert deepnet("train", "--resume", "runs/c-002", *longer).code == 0
    assert kept(folder / "runs" / "c-002") == kept(run)


def test_a_fork_that_changes_nothing_is_the_run(folder: Path) -> None:
    """Byte for byte, also while the other one goes on."""
    other = Lock(folder / "runs" / "c-001")
    for at in ("", "@newest", "@best", "@35"):
        assert deepnet("train", "--from", f"runs/c-001{at}", *LONGER, "-q").code == 0
    other.release()
    assert deepnet("train", "--resume", "runs/c-001", *LONGER, "-q").code == 0
    for fork in ("c-002", "c-003", "c-004", "c-005"):
        same_files(folder / "runs" / "c-001", folder / "runs" / fork)


@pytest.mark.parametrize("word", ["", "last", "-3", "1.5"])
def test_what_may_stand_behind_the_at_is_told(folder: Path, word: str) -> None:
    result = deepnet("train", "--from", f"runs/c-001@{word}")
    assert result.code == 2
    assert (
        f"expected best, newest or a number of updates behind the @, found '{word}'" in result.err
    )


def test_a_run_whose_name_has_an_at_is_found(folder: Path) -> None:
    (folder / "runs" / "c-001").rename(folder / "runs" / "c@last")
    (folder / "runs" / "c").mkdir()
    assert deepnet("train", "--from", "runs/c@last", *LONGER, "-q").code == 0


def test_a_fork_begins_with_that_state(folder: Path) -> None:
    """By a rate of (nearly) nothing it stays there."""
    run = folder / "runs" / "c-001"
    low = ("--set", "training.learning_rate=1e-30", *LONGER)
    assert deepnet("train", "--from", "runs/c-001@best", *low, "--run-dir", "a").code == 0
    reached = state(folder / "a", 60)["theta"]
    np.testing.assert_array_equal(reached, state(run, best(run))["theta"])
    assert rows(folder / "a")[: best(run) // 2] == rows(run)[: best(run) // 2]
    assert "learning_rate: 1.0e-30" in (folder / "a" / "config.yaml").read_text()


def test_a_fork_may_clip(folder: Path) -> None:
    """Its rows have a column more: the earlier ones no number in it.  It goes on as any other."""
    changed = ("--set", "training.clip_norm=0.5")
    command = ("train", "--from", "runs/c-001@35", *changed, *LONGER, "-q")
    assert deepnet(*command, "--run-dir", "a").code == 0
    shares = [row["clipped"] for row in rows(folder / "a")]
    assert np.isnan(shares).tolist() == [True] * 18 + [False] * 13
    short = ("--set", "training.iterations=50")
    assert deepnet(*command, *short, "--run-dir", "b").code == 0
    assert deepnet("train", "--resume", "b", *LONGER, "-q").code == 0
    np.testing.assert_equal(rows(folder / "b")[:20], rows(folder / "a")[:20])


def test_rows_of_other_columns_are_read_back() -> None:
    history = History([{"iteration": 0, "a": 1.0}, {"iteration": 1, "b": 2.0}])
    assert history.to_csv() == "iteration,a,b\n0,1.0,nan\n1,nan,2.0\n"
    assert History.from_csv(history.to_csv()).to_csv() == history.to_csv()


def test_a_fork_that_ended_before_its_first_step_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From where it began, not from nothing."""
    with monkeypatch.context() as broken:
        broken.setattr(Session, "steps", interrupted)
        fork = ("train", "--from", "runs/c-001@35", *LONGER, "-q")
        assert deepnet(*fork).code == 130
    assert kept(folder / "runs" / "c-002") == [35]
    for run in ("c-001", "c-002"):
        assert deepnet("train", "--resume", f"runs/{run}", *LONGER, "-q").code == 0
    same_files(folder / "runs" / "c-001", folder / "runs" / "c-002")


def test_files_of_an_earlier_end_are_not_taken_for_those_of_this_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run has all its files, of 40 updates, when the last checkpoint of 60 is written."""
    write = RunDirectory.write

    def but_no_model(run: RunDirectory, name: str, content: bytes) -> None:
        if name == "model.h5":
            raise MachineError("the disk is full")
        write(run, name, content)

    with monkeypatch.context() as full:
        full.setattr(RunDirectory, "write", but_no_model)
        assert deepnet("train", "--resume", "runs/c-001", *LONGER, "-q").code == 6
    run = folder / "runs" / "c-001"
    for place in (run, run / "checkpoints"):  # of a process that was killed as it wrote
        (place / f"{TEMPORARY}1.tmp").touch()
    assert deepnet("train", "--resume", "runs/c-001", "-q").code == 0
    assert list(run.rglob(".*")) == []
    assert deepnet("train", "c.yaml", *LONGER, "-q").code == 0
    same_files(folder / "runs" / "c-001", folder / "runs" / "c-002")


DAMAGED: list[Callable[[bytes, int], bytes]] = [
    lambda whole, k: flipped(whole, k * 7919 % (8 * len(whole))),
    lambda whole, k: whole[: k * 7919 % len(whole)],
    lambda whole, k: whole[: k * 97 % len(whole)].ljust(len(whole), b"\0"),
    lambda whole, k: b"iteration,epoch,cost\n" * (k % len(whole)),
]
"""A bit that was turned over, an end that is missing or zeros, another file."""


def flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@pytest.mark.parametrize("n", [4, pytest.param(100, marks=pytest.mark.long)])
def test_a_damaged_newest_checkpoint_is_named_and_passed_over(folder: Path, n: int) -> None:
    run, place = folder / "runs" / "c-001", "checkpoints/iteration-000000040.h5"
    begun, again = folder / "runs" / "begun", folder / "runs" / "a"
    shutil.copytree(run, begun)
    assert deepnet("train", "--resume", "runs/c-001", *LONGER, "-q").code == 0
    whole = (begun / place).read_bytes()
    for k, damage in zip(range(n), cycle(DAMAGED), strict=False):
        shutil.copytree(begun, again)
        (again / place).write_bytes(damage(whole, k))
        resumed = deepnet("train", "--resume", "runs/a", *LONGER, "-q")
        assert resumed.code == 0
        assert f"warning: runs/a/{place}: " in resumed.err
        assert "; using an older checkpoint\n" in resumed.err
        same_files(run, again)
        assert kept(again) == kept(run)
        shutil.rmtree(again)


def interrupted(_: Session) -> None:
    raise KeyboardInterrupt


REFUSED: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "not kept": (("runs/c-001@7",), 3, ("no state after 7 updates", "kept: 40, 35, 23")),
    "no run": (("runs/c-009@7",), 3, ("runs/c-009: no such directory", "c-001")),
    "a file": (("c.yaml",), 3, ("is no run",)),
    "another network": (
        ("runs/c-001", "--set", "model.layers=[9, 3]"),
        2,
        ("model.layers", "training.learning_rate"),
    ),
    "has ended": (("runs/c-001",), 2, ("all 40 iterations", "training.iterations=80")),
    "two sources": (("runs/c-001", "--resume", "runs/c-001"), 2, ("one of them",)),
    "dry": (("runs/c-001", "--dry-run"), 2, ("--dry-run",)),
}


def test_what_is_no_place_to_begin_is_refused(folder: Path) -> None:
    for words, code, told in REFUSED.values():
        result = deepnet("train", "--from", *words)
        assert result.code == code, result.err
        assert_says(result.err, told)
    assert sorted(path.name for path in (folder / "runs").iterdir()) == ["c-001"]
    plain = write_config(folder / "plain.yaml")
    assert deepnet("train", plain, "--run-dir", "plain", "-q").code == 0
    result = deepnet("train", "--from", "plain@best", *LONGER)
    assert result.code == 2
    assert "which of its states is the best" in result.err


def test_another_machine_is_named_and_by_strict_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = deepnet("train", "--resume", "runs/c-001", *LONGER, "--strict", "-q")
    assert (same.code, same.err) == (0, "next: deepnet report runs/c-001\n")
    versions = environment.versions() | {"numpy": "1.0", "blas": "mkl"}
    monkeypatch.setattr(environment, "versions", lambda: versions)
    longer = ("--set", "training.iterations=70")
    for words in (("--resume", "runs/c-001"), ("--from", "runs/c-001")):
        refused = deepnet("train", *words, *longer, "--strict")
        assert refused.code == 2
        assert_says(
            refused.err, (f"numpy {np.__version__}, now 1.0", "now mkl", "without --strict")
        )
        assert "python" not in refused.err
    named = deepnet("train", "--resume", "runs/c-001", *longer, "-q")
    assert named.code == 0
    assert "warning: runs/c-001/checkpoints/iteration-000000060.h5: was written" in named.err
    assert f"numpy {np.__version__}, now 1.0" in named.err
    told = json.loads((folder / "runs/c-001/summary.json").read_text())["environment"]
    assert (told["numpy"], told["blas"]) == ("1.0", "mkl")


def test_another_number_of_threads_is_named(folder: Path) -> None:
    threads = ("--set", "compute.threads=2")
    named = deepnet("train", "--resume", "runs/c-001", *LONGER, *threads, "-q")
    assert named.code == 0
    assert "threads 1, now 2" in named.err
    assert deepnet("train", "c.yaml", *threads, "--strict").code == 2


@pytest.mark.parametrize(("file", "name"), [("blobs.h5", "x"), ("more.h5", "y")])
def test_what_changed_in_the_data_is_named(folder: Path, file: str, name: str) -> None:
    with h5py.File(file, "r+") as data:
        data[name][0] = 1 - data[name][0]
    for words in (("--resume", "runs/c-001"), ("--from", "runs/c-001@35")):
        refused = deepnet("train", *words, *LONGER)
        assert refused.code == 3
        part = "train" if file == "blobs.h5" else "validation"
        assert f"another {name} of {part} (by sha256)" in refused.err


def test_a_function_that_another_processor_rounds_otherwise_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its values are not those of the digests; where nothing has changed they would be others."""
    settings = ("--set", "data.scale=log1p", "--set", "compute.precision=float64")
    with h5py.File("blobs.h5", "r+") as data:
        data["x"][...] = np.abs(data["x"][...])
    with h5py.File("more.h5", "r+") as data:
        data["x"][...] = np.abs(data["x"][...])
    assert deepnet("train", "c.yaml", "--run-dir", "a", "-q", *settings).code == 0

    def rounded(x: Array) -> Array:
        return np.nextafter(np.log1p(x), np.inf)

    monkeypatch.setitem(FUNCTIONS, LOG1P, rounded)
    refused = deepnet("train", "--resume", "a", *LONGER)
    assert refused.code == 3
    assert "another x of train, validation (by sha256)" in refused.err
    versions = environment.versions() | {"numpy": "1.0"}
    monkeypatch.setattr(environment, "versions", lambda: versions)
    assert deepnet("train", "--resume", "a", *LONGER, "--strict").code == 2
    named = deepnet("train", "--resume", "a", *LONGER, "-q")
    assert named.code == 0, named.err
    assert "now 1.0; another x of train, validation, or log1p is rounded otherwise" in named.err
    assert deepnet("train", "--resume", "runs/c-001", *LONGER).code == 3, "scaled by no function"
    with h5py.File("more.h5", "r+") as data:
        data["y"][0] = 1 - data["y"][0]
    assert deepnet("train", "--resume", "a", "--set", "training.iterations=70").code == 3


@pytest.mark.parametrize("word", ["--resume", "--from"])
def test_fewer_updates_than_were_made_are_none(folder: Path, word: str) -> None:
    result = deepnet("train", word, "runs/c-001", "--set", "training.epochs=2")
    assert result.code == 2
    assert "40 updates are made already, more than the 12 asked for" in result.err
    assert "training.iterations=80" in result.err


def test_a_run_is_made_longer_by_epochs(folder: Path) -> None:
    """Of 6 iterations."""
    assert deepnet("train", "--resume", "runs/c-001", "--set", "training.epochs=10", "-q").code == 0
    assert deepnet("train", "c.yaml", *LONGER, "-q").code == 0
    same_files(folder / "runs" / "c-001", folder / "runs" / "c-002")


STEPS = 40


@pytest.fixture(scope="module", params=["in memory", "streamed"])
def all_in_one(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Where a run `whole` is, with all that a run may have to remember."""
    folder = tmp_path_factory.mktemp("all in one")
    write_blobs(folder / "blobs.h5")
    write_blobs(folder / "more.h5", seed=3, m=30)
    hidden = {"units": 6, "dropout": 0.3, "batch_norm": True}
    write_config(
        folder / "c.yaml",
        data={"validation": "more.h5", "stream": request.param == "streamed"},
        model={"layers": [hidden, {"units": 3}], "activations": ["relu", "softmax"]},
        training={
            "optimizer": "adam",
            "learning_rate": {"schedule": "cosine", "initial": 0.1},
            "iterations": STEPS,
            "batch_size": 16,
            "l2": 0.1,
            "log_every": 3,
            "metrics": ["accuracy"],
            "early_stopping": {"monitor": "val_cost", "patience": 12},
        },
        output={"checkpoint_every": 7},
    )
    assert deepnet("train", folder / "c.yaml", "--run-dir", folder / "whole", "-q").code == 0
    return folder


FEW = (37, 40)


@pytest.mark.parametrize(
    "steps", [FEW, pytest.param(range(1, STEPS + 1), marks=pytest.mark.long, id="all")]
)
def test_a_run_that_is_stopped_after_any_step_goes_on(
    all_in_one: Path, monkeypatch: pytest.MonkeyPatch, steps: Sequence[int]
) -> None:
    """An epoch is of six batches, the last of which is short."""
    whole, run = all_in_one / "whole", all_in_one / "a"
    for step in steps:

        def stopping(_: Display, event: Event, step: int = step) -> None:
            if event.steps.iteration == step - 1:
                signal.raise_signal(signal.SIGINT)

        with monkeypatch.context() as stopped:
            stopped.setattr("deepnet_cli.training.loop.loop.MOST", 1)
            stopped.setattr(Display, "show", stopping)
            ended = deepnet("train", all_in_one / "c.yaml", "--run-dir", run).code
        assert ended == (130 if step < STEPS else 0)
        assert json.loads((run / "summary.json").read_bytes())["iterations"] == step
        resumed = deepnet("train", "--resume", run, "-q")
        assert resumed.code == 0 if step < STEPS else "has ended" in resumed.err
        same_files(whole, run)
        assert kept(run) == kept(whole)
        shutil.rmtree(run)


PLATEAU = (
    "training.log_every=2",
    "training.learning_rate={schedule: reduce_on_plateau, initial: 0.1, patience: 4, min_delta: 1}",
    "training.early_stopping.patience=20",
)
"""The last update has a row of its own; in one of the others a checkpoint is due that is kept."""
EARLY = (*PLATEAU, "training.early_stopping={monitor: val_cost, patience: 3, min_delta: 1}")

BLOCKS = 3
"""In which a row's figures are measured."""


@pytest.mark.parametrize(
    ("settings", "few"),
    [
        pytest.param(PLATEAU, (53, -13), id="few"),
        pytest.param(PLATEAU, (), marks=pytest.mark.long, id="every other"),
        pytest.param(EARLY, (2, -13), marks=pytest.mark.long, id="that ends early"),
    ],
)
def test_a_run_that_is_stopped_in_the_midst_of_figures_goes_on(
    all_in_one: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: tuple[str, ...],
    few: tuple[int, ...],
) -> None:
    """In those of a row, of the last update's and of all examples; and again as they are measured
    anew.
    """
    whole, run, figures = all_in_one / "b", all_in_one / "a", impatience(monkeypatch)

    def train(*words: object, stop_at: int = 0) -> int:
        figures.from_here(stop_at)
        return deepnet("train", *map(str, words), "-q").code

    monkeypatch.setattr(evaluation, "VALUES", 30 * 6 // BLOCKS)
    shutil.rmtree(whole, ignore_errors=True)
    begun = (all_in_one / "c.yaml", *chain(*(("--set", each) for each in settings)), "--run-dir")
    assert train(*begun, whole) == 0
    last = figures.asked
    for block in few or range(1, last + 1, 2):
        assert train(*begun, run, stop_at=block % last) == 130
        made = json.loads((run / "summary.json").read_bytes())["iterations"]
        assert train("--resume", run, stop_at=1) == 130
        assert json.loads((run / "summary.json").read_bytes())["iterations"] == made
        assert train("--resume", run) == 0
        same_files(whole, run)
        assert states(run) == states(whole)
        shutil.rmtree(run)


def states(run: Path) -> dict[str, bytes]:
    """The checkpoints of a run."""
    return {path.name: path.read_bytes() for path in (run / "checkpoints").iterdir()}
