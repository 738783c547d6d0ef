"""The directory of one run: its name, and what is written into it."""

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from deepnet_cli.config.schema import OutputSection
from deepnet_cli.config.source import RUN_CONFIG
from deepnet_cli.disk import check_room
from deepnet_cli.errors import ConfigError, DataError, listed
from deepnet_cli.files import (
    TEMPORARY,
    json_text,
    near,
    remove_unfinished,
    shown,
    write_file,
)
from deepnet_cli.folders import make_directory
from deepnet_cli.training.kept.background import Background
from deepnet_cli.training.kept.lock import NAME as LOCK
from deepnet_cli.training.kept.lock import Lock
from deepnet_cli.training.kept.logs import Logs
from deepnet_cli.training.kept.model import NAME as MODEL

CONFIG, HISTORY, SUMMARY, PICTURE = RUN_CONFIG, "history.csv", "summary.json", "cost.png"
CHECKPOINTS = "checkpoints"
ORIGIN = "origin.h5"
"""The checkpoint that a run began with which began with another's."""

KEPT_CHECKPOINTS = 4
"""The newest two, the newest regular one and the best, at most."""

MOST_RUNS = 100_000


class Keep(NamedTuple):
    """Which checkpoints are kept beside the one that is written: that of the best row, the newest
    after a multiple of `every` updates, and where the run is not over the newest.

    So a run that is over has the same ones, however often it was stopped.
    """

    best: int = 0
    every: int = 0  # 0: none is after a multiple
    over: bool = False

    def of(self, others: list[int]) -> set[int]:
        """Of others after so many updates, the newest first."""
        regular = [made for made in others if self.every and made % self.every == 0]
        return {self.best, *regular[:1], *(others[:1] if not self.over else ())}


KEEP = Keep()


class RunDirectory:
    """An existing run directory; every write is whole or not at all.

    Until it is closed no other process can have one of the same directory; what is written in the
    `background` is by then.  Raises MachineError.
    """

    def __init__(self, path: Path) -> None:
        self.path = shown(path)
        self._lock = Lock(self.path)
        self.background = Background()
        for folder in (path, path / CHECKPOINTS):
            remove_unfinished(folder)

    def close(self) -> None:
        """Let others use the directory."""
        with suppress(Exception):  # who has not asked for it is told something else
            self.background.wait()
        self._lock.release()

    @classmethod
    def create(cls, base: Path, name: str) -> "RunDirectory":
        """BASE/NAME-001, or the next free number.  Raises MachineError."""
        for number in range(1, MOST_RUNS):
            path = base / f"{name}-{number:03}"
            try:
                make_directory(path)
            except FileExistsError:
                continue
            return cls(path)
        raise ConfigError(f"{base}: holds {MOST_RUNS} runs named {name}; choose another name")

    @classmethod
    def at(cls, path: Path) -> "RunDirectory":
        """A directory named by the user, as `check_free` has it."""
        with suppress(FileExistsError):
            make_directory(path)
        check_free(path)
        directory = cls(path)
        try:
            _check_empty(path)  # again, now that nobody else can fill it
        except ConfigError:
            directory.close()
            raise
        return directory

    @classmethod
    def existing(cls, path: Path) -> "RunDirectory":
        """A run that was begun.  Raises DataError."""
        check_begun(path)
        return cls(path)

    def complete(self, iteration: int, pictured: bool) -> bool:
        """Whether every file of a run that ended after so many updates is there, and no signal kept
        it from holding all that it should.
        """
        names = MODEL, HISTORY, SUMMARY, *([PICTURE] if pictured else [])
        if not all((self.path / name).is_file() for name in names):
            return False
        try:
            summary = json.loads((self.path / SUMMARY).read_bytes())
        except ValueError:
            return False
        known = isinstance(summary, dict) and summary.get("iterations") == iteration
        return known and summary.get("stopped") != "interrupted"

    def write(self, name: str, content: bytes) -> None:
        """Write one of the run's files."""
        write_file(self.path / name, content)

    def remove(self, name: str) -> None:
        """Remove one of the run's files, where it is there."""
        (self.path / name).unlink(missing_ok=True)

    def write_json(self, name: str, value: object) -> None:
        """Write a file that people read and programs too."""
        self.write(name, (json_text(value, indent=2) + "\n").encode())

    def check_room(self, checkpoint: int) -> None:
        """Raise MachineError where there is none for what a run keeps, of which a checkpoint takes
        so many bytes; those of before give theirs back.
        """
        written, there = 1, sum(path.stat().st_size for path in checkpoints(self.path))
        in_all = (KEPT_CHECKPOINTS + written) * checkpoint - there
        check_room(self.path, checkpoint, max(checkpoint, in_all))

    def logs(self, output: OutputSection) -> Logs:
        """The logs of its rows."""
        return Logs(self.path, output)

    def save_checkpoint(self, iteration: int, content: bytes, keep: Keep = KEEP) -> None:
        """Keep a checkpoint, and of the others those that are to be kept beside it."""
        folder, written = self.path / CHECKPOINTS, checkpoint(self.path, iteration)
        if not folder.is_dir():
            make_directory(folder)
        write_file(written, content)
        others = [path for path in checkpoints(self.path) if path != written]
        kept = keep.of([updates(path) for path in others])
        for path in others:
            if updates(path) not in kept:
                path.unlink(missing_ok=True)


def checkpoint(run: Path, iteration: int) -> Path:
    """Where a run keeps the state after so many updates."""
    return run / CHECKPOINTS / f"iteration-{iteration:09}.h5"


def updates(checkpoint: Path) -> int:
    """How many updates are behind a checkpoint, by its name."""
    return int(checkpoint.stem.rpartition("-")[2])


def checkpoints(run: Path) -> list[Path]:
    """The checkpoints of a run, the newest first."""
    return sorted((run / CHECKPOINTS).glob("iteration-*.h5"), reverse=True)


def check_begun(path: Path) -> None:
    """Raise DataError where there is no run."""
    if path.is_file() and (path.parent / CONFIG).is_file():
        raise DataError(f"{path}: is a file of a run; name the run, {path.parent}")
    if not path.exists():
        raise DataError(f"{path}: no such directory{near(path)}")
    if not (path / CONFIG).is_file():
        runs = sorted(str(each.parent) for each in path.glob(f"*/{CONFIG}"))
        instead = f"; it holds runs: {listed(runs)}" if runs else ""
        raise DataError(f"{path}: is no run, it holds no {CONFIG}{instead}")


def check_free(path: Path) -> None:
    """Raise ConfigError where a directory named by the user is not new or empty, and MachineError
    where another process has it.
    """
    try:
        path.lstat()
    except (OSError, ValueError):  # there is none; whether it can be made, making it says
        return
    if not path.is_dir():
        raise ConfigError(f"--run-dir {path}: is a file")
    if (path / LOCK).exists():
        Lock(path).release()  # who has it is told before what it holds
    _check_empty(path)


def _check_empty(path: Path) -> None:
    """Raise ConfigError where there is anything that was not left by a process that was killed."""
    if (path / CONFIG).exists():
        raise ConfigError(
            f"--run-dir {path}: holds a run; go on with it by 'deepnet train --resume "
            f"{path}', or choose a new directory"
        )
    names = {entry.name for entry in path.iterdir()} - {LOCK}
    if any(not name.startswith(TEMPORARY) for name in names):
        raise ConfigError(f"--run-dir {path}: is not empty; choose a new directory")
