"""One peer in a process of its own: `python -m benchmarks.peers.worker PEER DIRECTORY`

Speaks JSON, a line each way.  First it makes one run, writes what came of it to an .npz, and
says so, or why it cannot; then for each number N that it is sent it makes N runs and answers
their seconds.
"""

import importlib
import json
import os
import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.peers.cases import CASE
from benchmarks.peers.reference import Parameters


class Peer(Protocol):
    """A peer with its data, ready to run."""

    def run(self, times: int) -> None:
        """Do the case's work, to its end."""

    def outcome(self) -> Parameters:
        """What came of it, to be checked."""


Start = Callable[[Any, Path], Peer]
"""(case, directory of its files) -> Peer"""


def save(file: Path, outcome: Parameters) -> None:
    """Write an .npz."""
    arrays: dict[str, Any] = outcome
    np.savez(file, **arrays)


def main() -> None:
    """Serve until stdin ends."""
    start, directory = sys.argv[1], Path(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is not an answer
    module, name = start.split(":")
    case = pickle.loads((directory / CASE).read_bytes())
    make: Start = getattr(importlib.import_module(f"benchmarks.peers.{module}"), name)
    began = time.perf_counter()
    try:
        peer = make(case, directory)
        peer.run(1)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".replace(f"{directory}/", "")
        print(json.dumps({"refused": reason.splitlines()[0]}), file=answers)
        raise
    first = time.perf_counter() - began
    file = directory / f"{name}-{os.getpid()}.npz"
    save(file, peer.outcome())
    print(json.dumps({"first": first, "outcome": str(file)}), file=answers)
    for line in sys.stdin:
        began = time.perf_counter()
        peer.run(int(line))
        print(json.dumps({"seconds": time.perf_counter() - began}), file=answers)


if __name__ == "__main__":
    main()
