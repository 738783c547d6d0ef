"""A signal at any moment: the right exit code, no traceback, and a run that goes on as if nothing
had been.
"""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cli import deepnet
from moments import NEVER, Forks, Moment, Outcome, forks, path
from samples import same_files, write_blobs, write_config

from deepnet_cli.cli.progress import Display
from deepnet_cli.training.figures import evaluation
from deepnet_cli.training.figures.evaluation import scores
from deepnet_cli.training.kept.lock import Lock
from deepnet_cli.training.loop.state import Event
from deepnet_cli.training.run import stopping
from deepnet_cli.training.run.stopping import APART

INT, TERM, HUP, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL
TRAIN = ("train", "c.yaml", "--run-dir", "a", "-q")

SOON = 2.0
"""Seconds in which a command has ended that a signal asks to."""

AT_ONCE = 1.0
"""Seconds in which one is refused that finds a run in use, when all is imported."""

EVERYWHERE = [k / 200 for k in range(200)]
"""Of a run, as shares of its calls; some are tried here, all by `pytest -m long`."""


def moments(*few: float) -> pytest.MarkDecorator:
    everywhere = pytest.param(EVERYWHERE, marks=pytest.mark.long, id="everywhere")
    return pytest.mark.parametrize("shares", [pytest.param(few, id="few"), everywhere])


Shares = Sequence[float]


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    folder = tmp_path_factory.mktemp("runs") / "here"
    folder.mkdir()
    write_blobs(folder / "blobs.h5")
    write_blobs(folder / "more.h5", seed=9)
    write_config(
        folder / "c.yaml",
        data={"validation": "more.h5"},
        training={"iterations": 60, "batch_size": 16, "optimizer": "adam"},
        output={"checkpoint_every": 7},
    )
    with forks(folder) as process:
        yield process


@pytest.fixture(scope="module")
def calls(forked: Forks) -> int:
    """How many calls there are in a run; `whole` is one that nothing ended."""
    done = forked.run("train", "c.yaml", "--run-dir", "whole", "-q", at=[NEVER])
    assert done.code == 0, done.err
    return done.calls


@pytest.fixture
def folder(forked: Forks) -> Iterator[Path]:
    yield forked.folder
    shutil.rmtree(forked.folder / "a", ignore_errors=True)


def at(share: float, calls: int) -> int:
    """The first calls are those that make the handlers ready."""
    return 200 + int(share * (calls - 400))


def assert_clean(outcome: Outcome, codes: tuple[int, ...]) -> None:
    assert outcome.code in codes, outcome
    assert outcome.seconds < SOON
    assert "Traceback" not in outcome.out + outcome.err
    assert "ignored" not in outcome.err


def left(folder: Path) -> list[str]:
    """What there is that no run should leave."""
    return [file.name for file in folder.rglob(".*")]


def went_on(forked: Forks, folder: Path) -> None:
    """The run in `a` is that in `whole` once it has been resumed."""
    run = folder / "a"
    if not (run / "config.yaml").exists():
        assert not run.exists() or not list(run.glob("[!.]*"))
        return
    resumed = forked.run("train", "--resume", "a", "-q")
    if resumed.code != 0:
        assert "has ended" in resumed.err
    same_files(folder / "whole", run)
    assert left(run) == []


@moments(0.01, 0.75, 0.97)
def test_a_signal_ends_a_run_that_goes_on(
    forked: Forks, folder: Path, calls: int, shares: Shares
) -> None:
    ended: set[str] = set()
    for k, share in enumerate(shares):
        number = (INT, TERM, HUP)[k % 3]
        outcome = forked.run(*TRAIN, at=[(at(share, calls), number)])
        assert_clean(outcome, (128 + number, 0))
        assert left(folder) == []
        if outcome.code and (folder / "a" / "config.yaml").exists():
            assert "go on: deepnet train --resume a\n" in outcome.err
            assert (folder / "a" / "model.h5").exists()
        ended.add(f"{outcome.code != 0}, {(folder / 'a').exists()}")
        went_on(forked, folder)
        shutil.rmtree(folder / "a", ignore_errors=True)
    assert ended == {"True, False", "True, True", "False, True"}


@moments(0.78, 0.95)
def test_a_second_signal_leaves_at_once_and_the_run_is_not_lost(
    forked: Forks, folder: Path, calls: int, shares: Shares
) -> None:
    left_at_once = 0
    for k, share in enumerate(shares):
        first = at(share, calls)
        twice: list[Moment] = [(first, TERM), (first + 10 * 5**k % 5000, INT)]
        outcome = forked.run(*TRAIN, at=twice, APART=0.0)
        assert_clean(outcome, (128 + TERM, 128 + INT, 0))
        assert left(folder) == []
        left_at_once += "interrupted; go on: deepnet train --resume a" in outcome.err
        went_on(forked, folder)
        shutil.rmtree(folder / "a", ignore_errors=True)
    assert left_at_once > 0


@moments(0.78, 0.97)
def test_a_killed_run_goes_on(forked: Forks, folder: Path, calls: int, shares: Shares) -> None:
    """Nothing has to be cleaned up."""
    for share in shares:
        assert forked.run(*TRAIN, at=[(at(share, calls), KILL)]).code == -KILL
        went_on(forked, folder)
        shutil.rmtree(folder / "a", ignore_errors=True)


@moments(0.98)
def test_a_run_that_is_killed_each_time_it_is_resumed(
    forked: Forks, folder: Path, calls: int, shares: Shares
) -> None:
    """Also as the last files of one that had been interrupted, and has them, are renewed."""
    assert forked.run(*TRAIN, at=[(int(0.75 * calls), INT)]).code == 128 + INT
    assert (folder / "a" / "summary.json").exists()
    for share in shares:
        killed = forked.run("train", "--resume", "a", "-q", at=[(int(share * calls), KILL)])
        assert killed.code in (-KILL, 0, 2)
    went_on(forked, folder)


@pytest.mark.parametrize("times", [1, pytest.param(30, marks=pytest.mark.long)])
def test_one_of_many_goes_on(forked: Forks, folder: Path, calls: int, times: int) -> None:
    """Of processes that begin a run in one place at the same time, and of those that resume it."""
    for _ in range(times):
        one_of_many_goes_on(forked, folder)
        shutil.rmtree(folder / "a")


def one_of_many_goes_on(forked: Forks, folder: Path) -> None:
    begun = forked.together([TRAIN] * 3)
    assert sorted(each.code for each in begun) in ([0, 2, 2], [0, 2, 6], [0, 6, 6]), begun
    assert all("holds a run" in each.err for each in begun if each.code == 2)
    same_files(folder / "whole", folder / "a")
    other = Lock(folder / "a")
    began = time.monotonic()
    for words in (TRAIN, ("train", "--resume", "a")):
        refused = forked.together([words] * 3)
        assert [each.code for each in refused] == [6, 6, 6]
    assert time.monotonic() - began < 2 * AT_ONCE
    other.release()
    (folder / "a" / "model.h5").unlink()
    resumed = forked.together([("train", "--resume", "a", "-q")] * 3)
    assert 0 in [each.code for each in resumed]
    for outcome in resumed:
        assert outcome.code in (0, 6) or "has ended" in outcome.err, outcome
        assert outcome.code != 6 or "a: in use by" in outcome.err
    same_files(folder / "whole", folder / "a")


def test_folds_go_on(forked: Forks, folder: Path) -> None:
    command = ("cv", "c.yaml", "--folds", "2", "-q", "--run-dir")
    calls = forked.run(*command, "whole-cv", at=[NEVER]).calls
    for share in (0.6,):
        outcome = forked.run(*command, "a", at=[(int(share * calls), INT)])
        assert_clean(outcome, (128 + INT,))
        assert "go on: deepnet cv c.yaml --folds 2 --run-dir a\n" in outcome.err
    assert forked.run(*command, "a").code == 0
    for fold in ("fold-1", "fold-2"):
        same_files(folder / "whole-cv" / fold, folder / "a" / fold)


@pytest.mark.parametrize(
    ("share", "command"),
    [
        (0.02, ("predict", "whole", "blobs.h5")),
        *(
            pytest.param(share, command, marks=pytest.mark.long)
            for share in (0.01, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 0.9, 0.99)
            for command in (
                ("train", "c.yaml", "--dry-run"),
                ("predict", "whole", "blobs.h5", "-o", "out.csv", "--force"),
                ("evaluate", "whole", "blobs.h5"),
                ("gradcheck", "c.yaml"),
                ("explain", "c.yaml"),
                ("schema",),
            )
        ),
    ],
)
def test_a_signal_while_modules_are_imported(
    forked: Forks, calls: int, share: float, command: tuple[str, ...]
) -> None:
    with forks(forked.folder, imported=False) as fresh:
        whole = fresh.run(*command, at=[NEVER])
        assert whole.code == 0, whole.err
        outcome = fresh.run(*command, at=[(at(share, whole.calls), INT)])
    assert_clean(outcome, (128 + INT,))
    assert outcome.err.endswith("interrupted\n")
    assert left(forked.folder) == []


ONE_CALL = """
import hashlib
from deepnet_cli.training.run.listening import Listening
with Listening() as interruption:
    interruption.go_on = "deepnet train --resume a"
    print("begun", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 3 * 10**7)
"""
"""A step that is one call of machine code, of many seconds."""


def test_a_signal_is_heard_in_the_midst_of_one_long_call() -> None:
    """Python's handlers would wait for its end, the second signal's too."""
    environment, pipe = os.environ | {"PYTHONPATH": path()}, subprocess.PIPE
    command = [sys.executable, "-c", ONE_CALL]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(TERM)
        assert process.stderr.readline().startswith("ending when this step is made")
        time.sleep(APART)
        process.send_signal(INT)
        began = time.monotonic()
        assert process.stderr.read() == "interrupted; go on: deepnet train --resume a\n"
        assert process.wait() == 128 + INT
        assert time.monotonic() - began < SOON


@pytest.mark.parametrize("numbers", [(INT, INT), (HUP, HUP)], ids=["a wrapper", "a shell"])
def test_a_signal_that_was_passed_on_is_the_same_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, numbers: tuple[int, int]
) -> None:
    """A wrapper's comes at once; a shell tells its jobs when it likes that the terminal is gone."""
    monkeypatch.chdir(tmp_path)
    if numbers[0] == HUP:
        monkeypatch.setattr("deepnet_cli.training.run.stopping.APART", 0.0)
    write_blobs(tmp_path / "blobs.h5")

    def interrupting(_: Display, event: Event) -> None:
        if event.steps.iteration >= 3:
            for number in numbers:
                signal.raise_signal(number)

    monkeypatch.setattr(Display, "show", interrupting)
    result = deepnet("train", write_config(tmp_path / "c.yaml"), "--run-dir", "a")
    assert result.code == 128 + numbers[0]
    assert (tmp_path / "a" / "model.h5").exists()


@pytest.mark.parametrize("known", [set(), {"validation"}])
def test_who_waits_for_the_end_waits_for_no_figures(
    known: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else is there, whoever looks at the run finds something, and it goes on as ever."""
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    more = {"data": {"validation": {"fraction": 0.2}}, "training": {"log_every": 10}}
    write_config(tmp_path / "c.yaml", **more)
    assert deepnet("train", "c.yaml", "--run-dir", "whole", "-q").code == 0

    def slow(*asked: Any) -> Any:
        found = scores(*asked)
        time.sleep(0.1)
        return found

    def interrupting(_: Display, event: Event) -> None:
        signal.raise_signal(INT)

    with monkeypatch.context() as patched:
        patched.setattr(stopping, "PATIENCE", 0.05 if known else -1.0)
        patched.setattr(evaluation, "scores", slow)
        patched.setattr(Display, "show", interrupting)
        result = deepnet("train", "c.yaml", "--run-dir", "a")
    missing = ", ".join(sorted({"train", "validation"} - known))
    assert result.code == 128 + INT
    assert f"not measured, as that takes long: {missing}; 'deepnet evaluate' does" in result.out
    assert json.loads((tmp_path / "a/summary.json").read_text())["figures"].keys() == known
    for command in ("inspect a", "runs .", "evaluate a blobs.h5", "compare a whole", "report a"):
        assert deepnet(*command.split()).code == 0, command
    assert deepnet("train", "--resume", "a", "-q").code == 0
    same_files(tmp_path / "whole", tmp_path / "a")


@pytest.mark.parametrize("close", [True, pytest.param(False, marks=pytest.mark.long)])
def test_the_terminal(tmp_path: Path, close: bool) -> None:
    write_blobs(tmp_path / "blobs.h5")
    write_config(tmp_path / "c.yaml", training={"iterations": 10_000_000, "log_every": 1000})
    pid, terminal = pty.fork()
    if pid == 0:
        for number in (INT, HUP):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(tmp_path)
        os.environ["PYTHONPATH"] = path()
        command = [sys.executable, "-m", "deepnet_cli", "train", "c.yaml", "--run-dir", "a"]
        os.execv(sys.executable, command)
    wait_for(lambda: b" 1000 " in os.read(terminal, 10_000))
    began = time.monotonic()
    if close:
        os.close(terminal)
    else:
        os.write(terminal, b"\x03")
        with suppress(OSError):  # it is gone when the command is
            while os.read(terminal, 10_000):
                pass
    status = os.waitpid(pid, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 128 + (HUP if close else INT)
    assert time.monotonic() - began < 3
    assert (tmp_path / "a" / "summary.json").exists()


def wait_for(done: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < 30
