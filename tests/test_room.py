"""Too little memory or disk is told before anything is trained."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli import assert_refused, deepnet
from samples import largest_file, write_blobs, write_config

from deepnet_cli.config.job import load_job
from deepnet_cli.disk import check_room
from deepnet_cli.errors import MachineError
from deepnet_cli.training.kept.progress import Progress


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
