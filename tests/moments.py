"""A command that meets signals at chosen moments: a process of its own, forked from one that has
imported everything, in which calls of functions are counted, whichever thread makes them.

So a moment is nearly the same one each time (what the writer's thread has done by then is not), and
there is one between any two calls that deepnet makes.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

IMPORTED = ("cli.train", "cli.predict", "cli.cv", "report.curves")

Moment = tuple[int, int]
"""How many calls have been made or have returned, and the signal that comes then."""

NEVER: Moment = (10**12, signal.SIGKILL)


@dataclass(frozen=True)
class Outcome:
    """What a command ended with (minus the number of a signal that killed it), and said."""

    code: int
    out: str
    err: str
    calls: int  # in all, where it was to meet a signal at NEVER
    seconds: float  # from its first signal to its end; 0 without one


@dataclass(frozen=True)
class Forks:
    """The process that forks."""

    process: subprocess.Popen[str]
    folder: Path

    def run(self, *argv: str, at: Sequence[Moment] = (), **options: float) -> Outcome:
        """Run `deepnet ARGV`; `options` are APART, for the time between two signals."""
        return self.together([argv], at, **options)[0]

    def together(
        self,
        commands: list[tuple[str, ...]],
        at: Sequence[Moment] = (),
        **options: float,
    ) -> list[Outcome]:
        """The same for several, at the same time."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {
            "commands": commands,
            "at": list(at),
            "folder": str(self.folder),
            "options": options,
        }
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return [Outcome(**told) for told in json.loads(self.process.stdout.readline())]


@contextmanager
def forks(folder: Path, imported: bool = True) -> Iterator[Forks]:
    """Commands that run in `folder`, `imported` or each with all that they import."""
    command = [sys.executable, __file__, *(IMPORTED if imported else ())]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, env=os.environ | {"PYTHONPATH": path()}) as process:
        try:
            yield Forks(process, folder)
        finally:
            process.kill()


def path() -> str:
    return os.pathsep.join(entry for entry in sys.path if entry)


def serve() -> None:
    """Of each line of stdin, fork the commands, and tell what became of them."""
    import importlib

    for name in sys.argv[1:]:
        importlib.import_module(f"deepnet_cli.{name}")
    for line in sys.stdin:
        order = json.loads(line)
        pids = []
        for k, argv in enumerate(order["commands"]):
            pid = os.fork()
            if pid == 0:
                child(argv, order, k)
            pids.append(pid)
        ends = [(os.waitpid(pid, 0)[1], time.monotonic()) for pid in pids]
        print(json.dumps([told(order, k, *end) for k, end in enumerate(ends)]), flush=True)


def told(order: dict[str, Any], k: int, status: int, end: float) -> dict[str, object]:
    out, err, calls, first = (kept(order, k, name) for name in ("out", "err", "calls", "first"))
    found = out.read_text(), err.read_text(), int(calls.read_text() or 0)
    seconds = end - float(first.read_text()) if first.exists() else 0.0
    for file in (out, err, calls, first):
        file.unlink(missing_ok=True)
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "out": found[0], "err": found[1], "calls": found[2], "seconds": seconds}


def kept(order: dict[str, Any], k: int, name: str) -> Path:
    return Path(order["folder"]).parent / f"{name}.{k}"


def child(argv: list[str], order: dict[str, Any], k: int) -> None:
    """Run a command, and end the process."""
    from deepnet_cli.__main__ import main

    kept(order, k, "calls").touch()
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(kept(order, k, name), os.O_RDWR | os.O_CREAT, 0o600), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["folder"])
    sys.argv = ["deepnet", *argv]
    if order["options"]:
        from deepnet_cli.training.run import stopping

        stopping.APART = order["options"]["APART"]
    moments, calls = [tuple(moment) for moment in order["at"]], 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += 1
        if moments and calls >= moments[0][0]:
            number = moments.pop(0)[1]
            if not kept(order, k, "first").exists():
                kept(order, k, "first").write_text(str(time.monotonic()))
            if not moments:
                sys.setprofile(None)
            os.kill(os.getpid(), number)

    os.register_at_fork(after_in_child=lambda: sys.setprofile(None))  # who reads has no moments
    code: Any = 70
    if moments:
        threading.setprofile(count)
        sys.setprofile(count)
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.setprofile(None)
        kept(order, k, "calls").write_text(str(calls))
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
