"""The directory of one run: its name, and what is written into it."""

import fcntl
import os
from pathlib import Path

from deepnet_cli.config.load import RUN_CONFIG
from deepnet_cli.errors import ConfigError, DataError, MachineError
from deepnet_cli.files import json_text, make_directory, near, shown, write_file

CONFIG, HISTORY, SUMMARY, PICTURE = RUN_CONFIG, "history.csv", "summary.json", "cost.png"
CHECKPOINTS = "checkpoints"
KEPT_CHECKPOINTS = 2
MOST_RUNS = 100_000


class RunDirectory:
    """An existing run directory; every write is whole or not at all.

    While this object lives no other process can have one of the same directory: a lock on
    the directory itself, which ends with the process, however it ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = shown(path)
        self._lock = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise MachineError(
                f"{self.path}: another deepnet is training in this directory; let it end first"
            ) from None
        except OSError:  # a file system without locks: nothing is lost by going on
            pass
        for folder in (path, path / CHECKPOINTS):
            for left_over in folder.glob(".*.tmp"):  # by a process that was killed
                left_over.unlink(missing_ok=True)

    def close(self) -> None:
        """Let others use the directory."""
        os.close(self._lock)

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
        """A directory named by the user: new or empty.  Raises ConfigError."""
        if path.exists():
            if not path.is_dir():
                raise ConfigError(f"--run-dir {path}: is a file")
            if (path / CONFIG).exists():
                raise ConfigError(
                    f"--run-dir {path}: holds a run; go on with it by 'deepnet train --resume "
                    f"{path}', or choose a new directory"
                )
            if any(not entry.name.endswith(".tmp") for entry in path.iterdir()):
                raise ConfigError(f"--run-dir {path}: is not empty; choose a new directory")
            return cls(path)
        make_directory(path)
        return cls(path)

    @classmethod
    def existing(cls, path: Path) -> "RunDirectory":
        """A run that was begun.  Raises DataError."""
        if path.is_file() and (path.parent / CONFIG).is_file():
            raise DataError(f"{path}: is a file of a run; name the run, {path.parent}")
        if not path.exists():
            raise DataError(f"{path}: no such directory{near(path)}")
        if not (path / CONFIG).is_file():
            raise DataError(f"{path}: not a run directory (it holds no {CONFIG})")
        return cls(path)

    def write(self, name: str, content: bytes) -> None:
        """Write one of the run's files."""
        write_file(self.path / name, content)

    def write_json(self, name: str, value: object) -> None:
        """Write a file that people read and programs too."""
        self.write(name, (json_text(value, indent=2) + "\n").encode())

    def save_checkpoint(self, iteration: int, content: bytes) -> None:
        """Keep a checkpoint, and of the older ones the newest."""
        folder = self.path / CHECKPOINTS
        if not folder.is_dir():
            make_directory(folder)
        write_file(folder / f"iteration-{iteration:09}.h5", content)
        for path in self.checkpoints()[KEPT_CHECKPOINTS:]:
            path.unlink(missing_ok=True)

    def checkpoints(self) -> list[Path]:
        """The checkpoints, the newest first."""
        return sorted((self.path / CHECKPOINTS).glob("iteration-*.h5"), reverse=True)
