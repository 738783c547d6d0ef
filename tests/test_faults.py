"""Every operation on files made to fail, one after the other: what was there is whole, what failed
is told in one line, and the run goes on as if nothing had been.
"""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli import deepnet
from samples import same_files, write_blobs, write_config

from deepnet_cli.files import TEMPORARY
from deepnet_cli.training.kept.sealed import open_sealed

OPERATIONS = (
    *("open", "fdopen", "write", "truncate", "fchmod"),
    *("fsync", "replace", "rename", "mkdir", "unlink"),
)
"""Of the module os; a file of fdopen's counts at each write, flush and truncate."""

MAY_FAIL = ("unlink", "fchmod")
"""Operations without which all that was asked for is done."""

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
            if not Path(place).absolute().is_relative_to(self.folder):
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

    def truncate(self, size: int | None = None) -> int:
        self.disk.meet("truncate")
        return int(self.file.truncate(size))

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
    (folder / "table.csv").write_text("a,b,kind\n1,2,x\n3,4.5,y\n5,6,x\n")
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
    if operation not in MAY_FAIL:
        assert code == 6, (operation, err)
    if code != 0:
        *_, told = (line for line in err.splitlines() if not line.startswith("go on: "))
        assert ": cannot " in told
        assert err.count("cannot") == 1, err


EVERY_NINTH = 9
ERRORS = {errno.EIO: 1, errno.ENOSPC: 1, errno.EROFS: 1, errno.EDQUOT: 3}
"""Every how many operations fail with it: a quota is told apart by its words alone."""

strides = pytest.mark.parametrize(
    ("code", "lasting", "stride"),
    [
        (errno.EIO, False, EVERY_NINTH),
        *(
            pytest.param(code, lasting, stride, marks=pytest.mark.long)
            for code, stride in ERRORS.items()
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


WRITING: dict[str, tuple[str, ...]] = {
    "out.csv": ("predict", "whole", "blobs.h5", "-o", "out.csv"),
    "out.h5": ("predict", "whole", "blobs.h5", "-o", "out.h5"),
    "made.h5": ("convert", "table.csv", "made.h5"),
    "made.csv": ("convert", "blobs.h5", "made.csv"),
    "made.npz": ("convert", "blobs.h5", "made.npz"),
}
"""Commands that write a file, by its name."""

EVERY_SEVENTH = 7


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("stride", [EVERY_SEVENTH, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", WRITING)
def test_any_operation_of_one_that_writes_a_file_may_fail(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, lasting: bool, stride: int
) -> None:
    """The old file or the new one."""
    monkeypatch.chdir(folder)
    out, command = folder / name, (*WRITING[name], "--force")
    out.write_bytes(b"old")
    ended, err, done = failing(folder, *command, at=0)
    assert ended == 0, err
    new = out.read_bytes()
    assert {"open", "write", "flush", "fsync", "replace"} <= set(done)
    assert new != b"old"
    for at in range(1, len(done) + 1, stride):
        out.write_bytes(b"old")
        ended, err, _ = failing(folder, *command, at=at, lasting=lasting)
        assert_told(ended, err, done[at - 1])
        assert out.read_bytes() in (b"old", new)
        assert lasting or left(folder) == []
        for path in left(folder):
            path.unlink()
    out.unlink()


CHANGES = {"rename": ("replace", "rename")} | {
    name: (name,) for name in ("mkdir", "unlink", "fsync", "ftruncate", "fchmod")
}
"""What strace calls what changes a disk, and what os does."""


@pytest.mark.long
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("name", ["a run", *WRITING])
def test_nothing_is_done_to_files_that_is_not_made_to_fail(folder: Path, name: str) -> None:
    """Whatever the kernel is asked for, as strace sees it, was one of the operations here."""
    run = ("train", "c.yaml", "--run-dir", "traced", "-q")
    words = run if name == "a run" else (*WRITING[name], "--force")
    asked, code = (
        folder.parent / "asked",
        f"""
import json, os, pathlib, sys
sys.path[:0] = [{str(Path(__file__).parent)!r}]
import test_faults
os.chdir({str(folder)!r})
ended, err, done = test_faults.failing(pathlib.Path.cwd(), *{words!r}, at=0)
assert ended == 0, err
print(json.dumps(done))
""",
    )
    calls = "openat,open,creat,write,pwrite64,writev,rename,renameat,renameat2,link,symlink"
    calls += ",mkdir,mkdirat,unlink,unlinkat,rmdir,fsync,fdatasync,truncate,ftruncate,chmod,fchmod"
    traced = subprocess.run(
        ["strace", "-f", "-y", "-qq", "-o", asked, "-e", calls, sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert traced.returncode == 0, traced.stderr
    done, seen = Counter(json.loads(traced.stdout.splitlines()[-1])), Counter[str]()
    for line in asked.read_text().splitlines():
        call, _, rest = line.split(maxsplit=1)[1].partition("(")
        found = re.search(r"^\d+<(/.*?)>" if rest[:1].isdigit() else r'"(.*?)"', rest)
        place = Path(folder, found[1] if found else "/")
        if not place.is_relative_to(folder):
            continue
        writes = any(flag in rest for flag in ("O_CREAT", "O_WRONLY", "O_RDWR"))
        synced = place.is_dir() and "O_DIRECTORY" not in rest
        if call != "openat" or writes or synced:
            seen[call.removesuffix("at")] += 1
    assert seen.pop("write") <= done["write"] + done["flush"]
    assert seen.pop("open") == done["open"]
    done["ftruncate"] = done["truncate"]
    assert seen == {n: k for n, of in CHANGES.items() if (k := sum(done[each] for each in of))}
    shutil.rmtree(folder / "traced", ignore_errors=True)


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
