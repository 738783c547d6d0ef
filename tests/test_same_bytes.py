"""The same config, seed and data make the same bytes, wherever and in whatever surroundings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli import deepnet
from samples import same_files, write_blobs, write_config

ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati")
LOCALES = ("C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "POSIX")


@pytest.mark.parametrize("repeats", [1, pytest.param(20, marks=pytest.mark.long)])
def test_a_run_is_repeated_to_the_byte(tmp_path: Path, repeats: int) -> None:
    """Whatever the order of sets, the locale, the time zone, the folder and the run's name."""
    write_folder(tmp_path / "first")
    config = tmp_path / "first" / "c.yaml"
    assert deepnet("train", config, "--run-dir", tmp_path / "first" / "run", "-q").code == 0
    for k in range(repeats):
        folder = write_folder(tmp_path / f"another {k}" / ("ä" * k))
        command = [sys.executable, "-m", "deepnet_cli", "train", "c.yaml", "--run-dir", f"run-{k}"]
        surroundings = {
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "PYTHONHASHSEED": str(k + 1),
            "TZ": ZONES[k % len(ZONES)],
            "LC_ALL": LOCALES[k % len(LOCALES)],
            "COLUMNS": str(40 + 7 * k),
        }
        subprocess.run([*command, "-q"], cwd=folder, env=os.environ | surroundings, check=True)
        same_files(tmp_path / "first" / "run", folder / f"run-{k}")
        for name in ("config.yaml", "splits.h5"):
            there = (folder / f"run-{k}" / name).read_bytes()
            assert there == (tmp_path / "first" / "run" / name).read_bytes()


def write_folder(folder: Path) -> Path:
    """A folder with data and a config in which much is drawn."""
    folder.mkdir(parents=True)
    write_blobs(folder / "blobs.h5")
    write_config(
        folder / "c.yaml",
        data={"validation": {"fraction": 0.2}},
        model={"layers": [{"units": 6, "dropout": 0.3, "batch_norm": True}, {"units": 3}]},
        training={"iterations": 20, "batch_size": 16, "optimizer": "adam"},
    )
    return folder
