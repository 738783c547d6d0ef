"""Too little memory or disk is told before anything is trained."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli import assert_refused, deepnet
from samples import largest_file, write_blobs, write_config

from deepnet_cli import memory
from deepnet_cli.api.running import DeepnetWarning, train
from deepnet_cli.config.job import load_job
from deepnet_cli.disk import check_room
from deepnet_cli.errors import MachineError
from deepnet_cli.memory import lacking
from deepnet_cli.report.curves import cost_picture
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.run_directory import KEPT_CHECKPOINTS
from deepnet_cli.training.loop.history import History


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_config(tmp_path / "c.yaml", model={"layers": [300, 300, 3], "activations": "relu"})
    return tmp_path


@pytest.mark.parametrize("mebibytes", [90, 110, 140, 170])
def test_where_products_get_no_memory_that_is_told(mebibytes: int) -> None:
    """OpenBLAS would print its own words and end with 1."""
    limit = mebibytes * 2**20
    run = subprocess.run(
        [sys.executable, "-m", "deepnet_cli", "train", "c.yaml"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        env={**os.environ, "OPENBLAS_NUM_THREADS": "4"},
    )
    assert run.returncode == 6, run.stderr
    assert "memory" in run.stderr
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "error",
    [
        MachineError("too few to draw"),
        MemoryError(),
        ImportError("ft2font.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_run_is_whole_without_the_memory_to_draw_it(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(*_: object) -> bytes:
        raise error

    monkeypatch.setattr("deepnet_cli.report.curves.cost_picture", draw)
    settings = {"output.plots": True, "training.iterations": 2}
    words = (word for key, value in settings.items() for word in ("--set", f"{key}={value}"))
    result = deepnet("train", "c.yaml", "-q", *words)
    assert result.code == 0, result.err
    assert "warning: no cost.png: there is not enough memory" in result.err
    with pytest.warns(DeepnetWarning, match=r"no cost\.png") as warned:
        train("c.yaml", set=settings)
    assert {each.filename for each in warned} == {__file__}
    for run in ("runs/c-001", "runs/c-002"):
        assert Path(run, "summary.json").is_file()
        assert not Path(run, "cost.png").exists()


def test_nothing_is_drawn_where_matplotlib_may_find_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history = History([{"iteration": 0, "cost": 1.0}])
    monkeypatch.setattr(memory, "_process", lambda: memory.DRAWING)
    assert cost_picture(history, "c").startswith(b"\x89PNG")
    monkeypatch.setattr(memory, "_process", lambda: memory.DRAWING - 1)
    with pytest.raises(MachineError, match=r"128\.0 MiB of memory may be taken, too few to draw"):
        cost_picture(history, "c")


def test_want_of_memory_in_hdf5_is_known() -> None:
    """Whose errors have no number."""
    text = "Can't synchronously write data (memory allocation failed for chunk)"
    assert lacking(OSError(text))
    assert not lacking(OSError("Can't synchronously write data"))


@pytest.mark.parametrize(
    "error", [ImportError("no module named x"), OSError(errno.ENOSPC, ""), ValueError()]
)
def test_another_error_is_no_want_of_memory(error: Exception) -> None:
    assert not lacking(error)


def test_a_disk_that_cannot_hold_a_checkpoint_is_told_before_training() -> None:
    progress = Progress.start(load_job(Path("c.yaml"), ()))
    with largest_file(progress.nbytes - 1):
        result = deepnet("train", "c.yaml")
    assert_refused(result, 6, ["runs/c-001: cannot write in: file too large"])
    assert not list(Path("runs/c-001").iterdir())


def test_a_checkpoint_is_about_as_large_as_foreseen() -> None:
    assert deepnet("train", "c.yaml", "-q").code == 0
    foreseen = Progress.start(load_job(Path("c.yaml"), ())).nbytes
    (newest, *_) = sorted(Path("runs/c-001/checkpoints").iterdir())
    assert 0.5 * foreseen <= newest.stat().st_size <= 1.2 * foreseen


def test_a_full_disk_is_told_with_what_is_needed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = SimpleNamespace(f_bavail=3, f_frsize=2**20)
    monkeypatch.setattr(os, "statvfs", lambda _: free)
    check_room(folder, 2**20, 3 * 2**20)
    with pytest.raises(MachineError, match=r"3\.1 MiB are to be written .* 3\.0 MiB are free"):
        check_room(folder, 2**20, 3 * 2**20 + 2**17)
    assert {path.name for path in folder.iterdir()} == {"blobs.h5", "c.yaml"}


def test_a_run_that_goes_on_needs_no_room_for_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert deepnet("train", "c.yaml", "-q", "--set", "output.checkpoint_every=8").code == 0
    sizes = [path.stat().st_size for path in Path("runs/c-001/checkpoints").iterdir()]
    one, every = Progress.start(load_job(Path("c.yaml"), ())).nbytes, KEPT_CHECKPOINTS + 1
    for free, code in ((one - 1, 6), (every * one - sum(sizes), 0)):
        there = SimpleNamespace(f_bavail=free, f_frsize=1)
        monkeypatch.setattr(os, "statvfs", lambda _, there=there: there)
        more = deepnet("train", "--resume", "runs/c-001", "--set", "training.iterations=50", "-q")
        assert more.code == code, more.err


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says how much there is")
def test_a_system_that_does_not_say_what_is_free_has_what_is_built_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Path("/proc/meminfo").read_text().splitlines()
    total = next(1024 * int(line.split()[1]) for line in said if line.startswith("MemTotal:"))
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "none")
    assert memory._machine() == pytest.approx(total, rel=0.1)
    for unknown in (lambda _: -1, lambda _: int("none")):
        monkeypatch.setattr(os, "sysconf", unknown)
        assert memory._machine() == memory.UNLIMITED


class Groups:
    """The control groups of a machine, as its kernel tells of them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        (folder / "own").write_text("")
        monkeypatch.setattr(memory, "_OWN_GROUPS", folder / "own")
        monkeypatch.setattr(memory, "_GROUPS", folder)
        monkeypatch.setattr(memory, "_machine", lambda: 10**9)
        monkeypatch.setattr(memory, "_process", lambda: 10**9)

    def add(self, version: int, path: str, limit: str, used: int, copies: int = 0) -> None:
        group = self.folder / ("memory" if version == 1 else "") / path
        group.mkdir(parents=True, exist_ok=True)
        names = {1: ("limit_in_bytes", "usage_in_bytes"), 2: ("max", "current")}[version]
        for name, value in zip(names, (limit, used), strict=True):
            (group / f"memory.{name}").write_text(f"{value}\n")
        total, half = "total_" if version == 1 else "", copies // 2
        (group / "memory.stat").write_text(
            f"anon 7\n{total}active_file {half}\n{total}inactive_file {copies - half}\nshmem 3\n"
        )

    def be_in(self, version: int, path: str) -> None:
        controllers = "cpu,memory" if version == 1 else ""
        (self.folder / "own").write_text(f"3:freezer:/x\n0:{controllers}:{path}\n")


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_available_is_what_every_group_leaves(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = Groups(tmp_path, monkeypatch)
    assert memory.available_memory() == 10**9
    unlimited = str(2**63 - 4096) if version == 1 else "max"
    groups.add(version, "", unlimited, 900)
    groups.add(version, "jobs", "5000", 4000, copies=700)
    groups.add(version, "jobs/mine", "3000", 1000)
    groups.add(version, "other", "1", 1)
    groups.be_in(version, "/jobs/mine")
    assert memory.available_memory() == 1700
    groups.add(version, "jobs/mine", "3000", 2900)
    assert memory.available_memory() == 100
    groups.add(version, "jobs/mine", "3000", 3001)
    assert memory.available_memory() == 0


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_sees_its_own_group_as_the_root(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = Groups(tmp_path, monkeypatch)
    groups.add(version, "", "5000", 4900, copies=4000)
    groups.be_in(version, "/docker/4711")
    assert memory.available_memory() == 4100
