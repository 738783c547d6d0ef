"""The parent's side of a peer: how it is started, timed, and what came of it."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from benchmarks.peers.cases import Training
from benchmarks.peers.deepnet import config, read_model
from benchmarks.peers.reference import Parameters
from benchmarks.peers.threads import limited

ROOT = Path(__file__).parents[2]
TIMING = 1.0
"""Seconds that one timing of steps should last."""


class RefusedError(Exception):
    """A peer that does not take part, with the reason."""


class Contestant(Protocol):
    """A peer that can be timed."""

    name: str
    threads: int
    first: float  # seconds of the first run, with all that it prepared

    @classmethod
    def start(cls, name: str, peer: str, case: Training, directory: Path, threads: int) -> Self:
        """Ready, with its first run behind it.  Raises RefusedError."""

    def time(self) -> float:
        """Seconds for a unit of the case, now."""

    def outcome(self) -> Parameters:
        """What came of the first run."""

    def end(self) -> None:
        """No more turns."""


def environment(threads: int) -> dict[str, str]:
    """That of a process with so many threads, whose deepnet is this one."""
    return limited(threads) | {"PYTHONPATH": str(ROOT)}


def last_line(log: Path) -> str:
    """The last that a process said."""
    return (log.read_text(errors="replace").strip().splitlines() or ["ended without a word"])[-1]


@dataclass
class Worker:
    """A process that is kept, warm and idle, until its turn."""

    name: str
    threads: int
    process: "subprocess.Popen[str]"
    log: Path
    units: float  # in a run
    first: float = 0.0
    times: int = 1  # runs in a timing
    file: Path = Path()

    @classmethod
    def start(cls, name: str, peer: str, case: Training, directory: Path, threads: int) -> Self:
        """The process with its first run behind it.  Raises RefusedError."""
        log = directory / f"{name}-{threads}.log"
        command = [sys.executable, "-m", "benchmarks.peers.worker", peer, str(directory)]
        with log.open("w") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
                cwd=ROOT,
                env=environment(threads),
            )
        worker = cls(name, threads, process, log, case.units)
        answer = worker._answer()
        worker.first, worker.file = answer["first"], Path(answer["outcome"])
        worker.times = max(1, round(TIMING / (worker.time() * worker.units)))
        return worker

    def time(self) -> float:
        assert self.process.stdin is not None
        print(self.times, file=self.process.stdin)
        return float(self._answer()["seconds"]) / self.times / self.units

    def outcome(self) -> Parameters:
        with np.load(self.file) as arrays:
            return dict(arrays)

    def end(self) -> None:
        self.process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.communicate()
            raise RefusedError(last_line(self.log))
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            self.process.communicate()
            raise RefusedError(answer["refused"])
        return answer


@dataclass
class Script:
    """A process for every turn, timed from its start to its end."""

    name: str
    threads: int
    command: list[str]  # to which the file or directory to write is added
    directory: Path
    first: float = 0.0
    number: "count[int]" = field(default_factory=count)

    @classmethod
    def start(cls, name: str, peer: str, case: Training, directory: Path, threads: int) -> Self:
        """The first time is not counted: the system then has all files in memory."""
        command = ["benchmarks.peers.script", peer, str(directory)]
        if name == "deepnet":
            file = directory / "job.yaml"
            file.write_text(config(case, case.steps))
            command = ["deepnet_cli", "train", str(file), "-q", "--run-dir"]
        script = cls(name, threads, [sys.executable, "-m", *command], directory)
        script.first = script.time()
        return script

    def time(self) -> float:
        target, log = self._target(next(self.number)), self.directory / f"{self.name}.log"
        with log.open("w") as errors:
            began = time.perf_counter()
            done = subprocess.run(
                [*self.command, target],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=ROOT,
                env=environment(self.threads),
            )
            seconds = time.perf_counter() - began
        if done.returncode:
            raise RefusedError(last_line(log))
        return seconds

    def outcome(self) -> Parameters:
        target = self._target(0)
        if target.is_dir():
            return read_model(target)
        with np.load(target) as arrays:
            return dict(arrays)

    def end(self) -> None:
        pass

    def _target(self, number: int) -> Path:
        ending = "" if self.name == "deepnet" else ".npz"
        return self.directory / f"{self.name}-{self.threads}-{number}{ending}"
