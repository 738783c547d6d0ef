"""What showing costs: training the digits on a terminal, into a pipe and with -q, in turn.

    python -m benchmarks.showing            # some minutes on a busy machine; ratios of CPU time

Pictures are off in all.  Each round runs the three after one another; told is the median over the
rounds of the ratio of their CPU seconds (user and system, of all that the command does) to those
of the quiet run in the same round.
"""

import os
import pty
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 25
MOST = 1.03
"""How many times as long as the quiet run it may take without -v; else it exits with 1."""


def command(folder: str, *more: str) -> list[str]:
    """Train the digits into a new run below `folder`."""
    settings = ("output.plots=false", f"output.directory={folder}")
    words = [word for setting in settings for word in ("--set", setting)]
    config = str(ROOT / "configs" / "digits.yaml")
    return [sys.executable, "-m", "deepnet_cli", "train", config, *words, *more]


def piped(words: list[str]) -> float:
    """CPU seconds of a command that prints into a pipe."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(write, 1)
        os.dup2(write, 2)
        os.close(read)
        os.execv(words[0], words)
    os.close(write)
    return drained(pid, read)


def on_terminal(words: list[str]) -> float:
    """CPU seconds of a command that prints on a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(words[0], words)
    return drained(pid, terminal)


def drained(pid: int, descriptor: int) -> float:
    """Read all that a process prints; its CPU seconds when it ends."""
    try:
        while os.read(descriptor, 65536):
            pass
    except OSError:  # how a terminal ends
        pass
    os.close(descriptor)
    _, status, used = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return used.ru_utime + used.ru_stime


WAYS: dict[str, tuple[Callable[[list[str]], float], tuple[str, ...]]] = {
    "quiet": (piped, ("-q",)),
    "into a pipe": (piped, ()),
    "on a terminal": (on_terminal, ()),
    "on a terminal, -v": (on_terminal, ("-v",)),
}


def main() -> int:
    """Print each way's median ratio, and what it was of; 1 where it is too large."""
    os.environ["PYTHONPATH"] = str(ROOT)
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for k in range(ROUNDS + 1):
            for way, (run, more) in WAYS.items():
                seconds = run(command(folder, *more))
                if k:  # the first compiles
                    took[way].append(seconds)
    quiet = took["quiet"]
    print(f"quiet: {statistics.median(quiet):.3f} s of CPU time, median of {ROUNDS} runs")
    ratios = {
        way: statistics.median(a / b for a, b in zip(took[way], quiet, strict=True))
        for way in list(WAYS)[1:]
    }
    for way, ratio in ratios.items():
        print(f"{way}: {ratio:.3f} times")
    return int(max(ratios["into a pipe"], ratios["on a terminal"]) > MOST)


if __name__ == "__main__":
    sys.exit(main())
