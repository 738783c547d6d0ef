"""Power is lost: of what was not made durable any part may be gone.

A run's operations on files are recorded, and played back up to a moment.  What a disk may then hold
is drawn: a name is durable when its directory was synced after, bytes when their file was; of all
others each is there or not.  A checkpoint that was said to be saved has to be there, whole.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli import deepnet
from samples import same_files, write_blobs, write_config

from deepnet_cli.errors import DataError
from deepnet_cli.training.kept.run_directory import Keep, RunDirectory, checkpoints
from deepnet_cli.training.kept.sealed import open_sealed

Operation = tuple[str, Any, Any]
"""What, on which path, and with what."""


@dataclass
class Inode:
    """A file's bytes, and those that are durable; a directory's names."""

    content: bytes = b""
    durable: bytes | None = None


@dataclass
class Disk:
    """Names and what they stand for; and, of each directory, the changes that are not durable."""

    durable: dict[str, Inode] = field(default_factory=dict)
    now: dict[str, Inode] = field(default_factory=dict)
    pending: list[tuple[str, Inode | None]] = field(default_factory=list)

    def name(self, path: str, inode: Inode | None) -> None:
        self.pending.append((path, inode))
        if inode is None:
            del self.now[path]
        else:
            self.now[path] = inode

    def play(self, operation: Operation) -> None:
        what, path, more = operation
        if what in ("create", "mkdir"):
            self.name(path, Inode(durable=b"" if what == "mkdir" else None))
        elif what == "write":
            self.now[path].content += more
        elif what == "fsync":
            self.now[path].durable = self.now[path].content
        elif what == "sync directory":
            for name, inode in self.pending:
                if os.path.dirname(name) == path:  # noqa: PTH120
                    set_name(self.durable, name, inode)
            self.pending = [(n, i) for n, i in self.pending if os.path.dirname(n) != path]  # noqa: PTH120
        elif what == "replace":
            self.name(more, self.now[path])
            self.name(path, None)
        elif what == "unlink":
            self.name(path, None)

    def after_power_loss(self, rng: np.random.Generator) -> dict[str, bytes]:
        """Names and bytes that may be found."""
        found = dict(self.durable)
        for name, inode in self.pending:
            if rng.random() < 0.5:
                set_name(found, name, inode)
        return {name: drawn(inode, rng) for name, inode in found.items()}


def set_name(names: dict[str, Inode], name: str, inode: Inode | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode


def drawn(inode: Inode, rng: np.random.Generator) -> bytes:
    """What is durable; else all, a part, zeros or nothing of it."""
    if inode.durable == inode.content:
        return inode.content
    part = inode.content[: int(rng.integers(len(inode.content) + 1))]
    torn = (inode.content, part, bytes(len(inode.content)), inode.durable or b"")
    return torn[rng.integers(4)]


class Recorder:
    """The operations on files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = str(folder), list[Operation]()

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("open", "fdopen", "fsync", "replace", "mkdir", "unlink"):
            patch.setattr(os, name, self.recorded(name, getattr(os, name)))
        save = RunDirectory.save_checkpoint

        def saved(run: RunDirectory, iteration: int, content: bytes, *keep: Keep) -> None:
            save(run, iteration, content, *keep)
            self.made.append(("saved", iteration, None))

        patch.setattr(RunDirectory, "save_checkpoint", saved)

    def recorded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def instead(first: Any, *rest: Any, **options: Any) -> Any:
            fd = isinstance(first, int)
            path = str(Path(f"/proc/self/fd/{first}").readlink() if fd else first)
            result = function(first, *rest, **options)
            if path.startswith(self.folder) and not path.endswith(".lock"):
                if name == "fdopen":
                    return Writes(result, path, self.made)
                if name == "fsync":
                    kind = "sync directory" if Path(path).is_dir() else "fsync"
                    self.made.append((kind, path, None))
                elif name != "open":
                    self.made.append((name, path, str(rest[0]) if name == "replace" else None))
                elif rest[0] & os.O_CREAT:
                    self.made.append(("create", path, None))
            return result

        return instead


class Writes:
    """A file whose writes are recorded."""

    def __init__(self, file: Any, path: str, made: list[Operation]) -> None:
        self.file, self.path, self.made = file, path, made

    def write(self, content: bytes) -> int:
        self.made.append(("write", self.path, bytes(content)))
        return int(self.file.write(content))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> "Writes":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("power")
    write_blobs(folder / "blobs.h5")
    write_blobs(folder / "more.h5", seed=3, m=30)
    write_config(
        folder / "c.yaml",
        data={"validation": "more.h5"},
        training={"iterations": 11, "log_every": 3, "batch_size": 32, "optimizer": "adam"},
        output={"checkpoint_every": 2},
    )
    return folder


@pytest.fixture(scope="module")
def made(folder: Path) -> list[Operation]:
    """The operations of a run, whose directory is then called `whole`."""
    recorder = Recorder(folder)
    with pytest.MonkeyPatch.context() as patch:
        recorder.watch(patch)
        assert deepnet("train", folder / "c.yaml", "--run-dir", folder / "a", "-q").code == 0
    (folder / "a").rename(folder / "whole")
    return recorder.made


def losses(folder: Path, made: list[Operation], n: int) -> Iterator[tuple[int, int]]:
    """How many updates were said to be saved, and what is found, n times; `a` is as it is found."""
    rng = np.random.default_rng(7)
    for _ in range(n):
        disk, saved = Disk(), 0
        for what, path, more in made[: int(rng.integers(1, len(made) + 1))]:
            saved = path if what == "saved" else saved
            disk.play((what, path, more))
        shutil.rmtree(folder / "a", ignore_errors=True)
        for name, content in sorted(disk.after_power_loss(rng).items()):
            if Path(name).parent.is_dir() and Path(name).suffix:
                Path(name).write_bytes(content)
            elif Path(name).parent.is_dir():
                Path(name).mkdir()
        yield saved, newest(folder / "a")


def newest(run: Path) -> int:
    """Updates in the newest checkpoint that verifies."""
    for path in checkpoints(run):
        try:
            with open_sealed(path, "checkpoint") as source:
                return int(source.number("iteration"))
        except DataError:
            continue
    return 0


@pytest.mark.parametrize("n", [60, pytest.param(5000, marks=pytest.mark.long)])
def test_what_was_said_to_be_saved_is_there(folder: Path, made: list[Operation], n: int) -> None:
    for k, (saved, found) in enumerate(losses(folder, made, n)):
        assert found >= saved
        if saved:
            assert (folder / "a" / "config.yaml").read_bytes() == (
                folder / "whole" / "config.yaml"
            ).read_bytes()
        if saved and k % 30 == 0:
            resumed = deepnet("train", "--resume", folder / "a", "-q")
            assert resumed.code == 0 or "has ended" in resumed.err, resumed.err
            same_files(folder / "a", folder / "whole")


@pytest.mark.parametrize("left_out", ["fsync", "sync directory"])
def test_it_would_not_be_without(folder: Path, made: list[Operation], left_out: str) -> None:
    """So that the law above is one that can fail."""
    without = [operation for operation in made if operation[0] != left_out]
    assert len(without) < len(made)
    assert any(found < saved for saved, found in losses(folder, without, 100))
