"""Every operation on files made to fail, one after the other: what was there is whole, what failed
is told in one line, and the run goes on as if nothing had been.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli import deepnet
from samples import same_files, write_blobs, write_config

from deepnet_cli.files import TEMPORARY
from deepnet_cli.training.sealed import open_sealed

OPERATIONS = ("open", "fdopen", "write", "fsync", "replace", "rename", "mkdir", "unlink")
"""Of the module os; a file of fdopen's counts at each write and flush."""

Where = Callable[[object], bool]


class Disk:
    """What os is asked to do below a folder is counted; the n-th, or all from there on, fails."""

    def __init__(self, folder: Path, fails: int, code: int, lasting: bool) -> None:
        self.folder, self.fails, self.code, self.lasting = str(folder), fails, code, lasting
        self.done: list[str] = []

    def meet(self, operation: str) -> None:
        self.done.append(operation)
        n = len(self.done)
        if n == self.fails or (self.lasting and n > self.fails > 0):
            raise OSError(self.code, os.strerror(self.code))

    def counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def instead(first: Any, *rest: Any, **options: Any) -> Any:
            place = Path(f"/proc/self/fd/{first}").readlink() if isinstance(first, int) else first
            if not str(place).startswith(self.folder):
                return function(first, *rest, **options)
            if name == "fdopen":
                return File(self, function(first, *rest, **options))
            self.meet(name)
            return function(first, *rest, **options)

        return instead


class File:
    """A file that writes a part, where the disk fails."""

    def __init__(self, disk: Disk, file: Any) -> None:
        self.disk, self.file = disk, file

    def write(self, content: bytes) -> int:
        try:
            self.disk.meet("write")
        except OSError:
            self.file.write(content[: len(content) // 2])
            self.file.flush()
            raise
        return int(self.file.write(content))

    def flush(self) -> None:
        self.disk.meet("flush")
        self.file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)  # what cannot fail, or what HDF5 looks for

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a whole run, and what a prediction with it is."""
    folder = tmp_path_factory.mktemp("faults")
    write_blobs(folder / "blobs.h5")
    config = write_config(
        folder / "c.yaml",
        training={"iterations": 7, "log_every": 2, "batch_size": 32},
        output={"checkpoint_every": 3, "directory": str(folder / "runs")},
    )
    assert deepnet("train", config, "--run-dir", folder / "whole", "-q").code == 0
    for name in ("out.csv", "out.h5"):
        whole = ("predict", folder / "whole", folder / "blobs.h5", "-o", folder / f"whole-{name}")
        assert deepnet(*whole).code == 0
    return folder


def failing(
    folder: Path, *command: str | Path, at: int, code: int = errno.EIO, lasting: bool = False
) -> tuple[int, str, list[str]]:
    """The exit code of a command, what it said, and the operations that it made."""
    disk = Disk(folder, at, code, lasting)
    with pytest.MonkeyPatch.context() as patch:
        for name in OPERATIONS:
            patch.setattr(os, name, disk.counted(name, getattr(os, name)))
        result = deepnet(*command)
    return result.code, result.err, disk.done


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.name.startswith((TEMPORARY, ".lock"))]


def assert_whole(run: Path) -> None:
    """Each file is, that is there."""
    for path in [*run.rglob("checkpoints/*.h5"), *run.glob("model.h5")]:
        with open_sealed(path, "model" if path.name == "model.h5" else "checkpoint"):
            pass
    for path in run.glob("summary.json"):
        assert json.loads(path.read_bytes())["iterations"] == 7
    for path in run.glob("history.csv"):
        lines = path.read_text().splitlines()
        assert {line.count(",") for line in lines} == {lines[0].count(",")}


def assert_told(code: int, err: str, operation: str) -> None:
    if operation != "unlink":
        assert code == 6, (operation, err)
    if code != 0:
        *_, told = (line for line in err.splitlines() if not line.startswith("go on: "))
        assert ": cannot " in told
        assert err.count("cannot") == 1, err


EVERY_NINTH = 9
strides = pytest.mark.parametrize(
    ("code", "lasting", "stride"),
    [
        (errno.EIO, False, EVERY_NINTH),
        *(
            pytest.param(code, lasting, 1, marks=pytest.mark.long)
            for code in (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT)
            for lasting in (False, True)
        ),
    ],
)


@strides
def test_any_operation_of_a_run_may_fail(
    folder: Path, code: int, lasting: bool, stride: int
) -> None:
    run = folder / "a"
    begin = ("train", folder / "c.yaml", "--run-dir", run, "-q")
    _, _, done = failing(folder, *begin, at=0)
    shutil.rmtree(run)
    assert done.count("replace") > 7
    assert {"mkdir", "open", "write", "flush", "fsync", "replace", "unlink"} <= set(done)
    for at in range(1, len(done) + 1, stride):
        operation = done[at - 1]
        ended, err, _ = failing(folder, *begin, at=at, code=code, lasting=lasting)
        assert_told(ended, err, operation)
        assert_whole(run)
        assert lasting or operation == "unlink" or left(folder) == [], (at, operation)
        if (run / "config.yaml").exists():
            again = deepnet("train", "--resume", run, "-q")
            assert again.code == 0 or "has ended" in again.err, again.err
        else:
            assert deepnet(*begin).code == 0
        same_files(folder / "whole", run)
        assert left(folder) == []
        shutil.rmtree(run)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", ["out.csv", "out.h5"])
def test_any_operation_of_a_prediction_may_fail(folder: Path, name: str, lasting: bool) -> None:
    """The old file or the new one."""
    out, new = folder / name, (folder / f"whole-{name}").read_bytes()
    command = ("predict", folder / "whole", folder / "blobs.h5", "-o", out, "--force")
    ended, _, done = failing(folder, *command, at=0)
    assert (ended, out.read_bytes()) == (0, new)
    for at in range(1, len(done) + 1):
        out.write_bytes(b"old")
        ended, err, _ = failing(folder, *command, at=at, lasting=lasting)
        assert_told(ended, err, done[at - 1])
        assert out.read_bytes() in (b"old", new)
        assert lasting or left(folder) == []
        for path in left(folder):
            path.unlink()


def test_runs_are_numbered_in_directories_that_are_durable(folder: Path) -> None:
    """A new directory is made so by its parent's, all the way up."""
    config = folder / "c.yaml"
    command = ("train", config, "-q", "--set", f"output.directory={folder}/b/c")
    _, _, done = failing(folder, *command, at=0)
    made = [k for k, operation in enumerate(done) if operation == "mkdir"]
    assert len(made) == 4  # b, c, c-001, checkpoints
    for k in made:
        assert done[k + 1 : k + 3] == ["open", "fsync"]
    shutil.rmtree(folder / "b")
    for k in made[:3]:
        for at in (k + 1, k + 3):
            ended, err, _ = failing(folder, *command, at=at)
            assert_told(ended, err, done[at - 1])
            shutil.rmtree(folder / "b", ignore_errors=True)
