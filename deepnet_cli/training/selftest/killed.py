"""A run that is killed and goes on equals one that never was: processes of their own, killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import deepnet_cli
from deepnet_cli.data.files.hdf5 import hdf5_bytes
from deepnet_cli.files import write_file
from deepnet_cli.randomness import generator
from deepnet_cli.signals import Leaving
from deepnet_cli.training.kept.model import NAME as MODEL
from deepnet_cli.training.kept.run_directory import CHECKPOINTS, HISTORY, checkpoints, updates
from deepnet_cli.training.selftest.finding import OK, UNCLEAR, WRONG, Finding

KILLS = 3

ITERATIONS = 3000

LONGEST = 60.0
"""Seconds that a process may take."""

CONFIG = f"""
data: {{train: data.h5, validation: {{fraction: 0.2}}, scale: standardize}}
model:
  layers:
    - {{units: 16, activation: relu, dropout: 0.2, batch_norm: true}}
    - {{units: 3, activation: softmax}}
training:
  optimizer: adam
  learning_rate: {{schedule: cosine, initial: 0.01}}
  iterations: {ITERATIONS}
  batch_size: 32
  log_every: 20
output: {{plots: false, checkpoint_every: 50}}
compute: {{threads: 1}}
"""
"""With all that a run has to remember."""

BEGUN = ("train", "c.yaml", "--run-dir")
GOES_ON = ("train", "--resume")


def check_killed(folder: Path, kills: int = KILLS) -> Finding:
    """Kill one some times after it has written a checkpoint, and let it go on each time."""
    _write_files(folder)
    whole, run = folder / "whole", folder / "killed"
    try:
        if failed := _ended(_begun(folder, *BEGUN, whole.name)):
            return Finding(WRONG, f"a run of a few seconds does not end well: {failed}", {})
        made = 0
        for k in range(1, kills + 1):
            words = GOES_ON if run.exists() else BEGUN
            made += _killed(_begun(folder, *words, run.name), run, k * ITERATIONS // (kills + 1))
        if made < kills:
            return Finding(UNCLEAR, "a run was over before it could be killed", {"kills": made})
        if failed := _ended(_begun(folder, *GOES_ON, run.name)):
            return Finding(WRONG, f"a run that was killed does not go on: {failed}", {})
    except subprocess.TimeoutExpired:
        return Finding(UNCLEAR, f"a run of a few seconds takes more than {LONGEST:g}", {})
    others = [name for name in _names(whole) | _names(run) if not _same(whole / name, run / name)]
    figures: dict[str, Any] = {"kills": made, "others": sorted(others)}
    if others:
        told = f"a run that went on after {made} kills has another {sorted(others)[0]}"
        return Finding(WRONG, told, figures)
    told = f"a run that went on after {made} kills is one without, byte for byte"
    return Finding(OK, told, figures)


def _write_files(folder: Path) -> None:
    rng = generator(0, "selftest")
    y = rng.integers(0, 3, 200)

    def fill(file: Any) -> None:
        file["x"] = (y[:, None] + rng.normal(size=(200, 8))).astype("float32")
        file["y"] = y

    write_file(folder / "data.h5", hdf5_bytes(fill))
    write_file(folder / "c.yaml", CONFIG.encode())


def _begun(folder: Path, *words: str) -> "subprocess.Popen[str]":
    """A deepnet command in a process of its own, of this deepnet."""
    place = str(Path(deepnet_cli.__file__).parent.parent)
    path = os.pathsep.join([place, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "deepnet_cli", *words, "-q"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(process: "subprocess.Popen[str]") -> str:
    """Wait for its end; what it said last where it did not end well."""
    with process, Leaving(partial(_end, process)):
        try:
            _, said = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if process.returncode == 0:
        return ""
    return f"{(said.splitlines() or [''])[-1]} (exit code {process.returncode})"


def _killed(process: "subprocess.Popen[str]", run: Path, made: int) -> bool:
    """Kill it once so many updates are saved; whether it was still there."""
    end = time.monotonic() + LONGEST
    with process, Leaving(partial(_end, process)):
        while process.poll() is None and _saved(run) < made:
            if time.monotonic() > end:
                process.kill()
                raise subprocess.TimeoutExpired(process.args, LONGEST)
            time.sleep(0.001)
        process.kill()
    return process.returncode < 0 and _saved(run) >= made


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill it, so that it writes no more: from inside a handler, where its own methods may wait for
    a lock that they hold.
    """
    if process.returncode is None:
        with suppress(OSError):
            os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)


def _saved(run: Path) -> int:
    """How many updates are behind the newest checkpoint."""
    newest = checkpoints(run)[:1]
    return updates(newest[0]) if newest else 0


def _names(run: Path) -> set[str]:
    kept = {f"{CHECKPOINTS}/{path.name}" for path in checkpoints(run)}
    return {MODEL, HISTORY, *kept}


def _same(a: Path, b: Path) -> bool:
    return a.is_file() and b.is_file() and a.read_bytes() == b.read_bytes()
