"""Files that are nearly right, in any number: each is read, or refused in one message.

    python tests/fuzz.py yaml 100000               so many configs; also: model, data
    python tests/fuzz.py data 100000 --save DIR    what was found is kept there
    python tests/fuzz.py model 1 --first 4711      one of them again

A case is a function of its number.  Processes of their own read the cases and say which one they
are at: a signal, a hang or too much memory ends one of them, is noted, and another goes on.
"""

import argparse
import os
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen
from time import monotonic

import numpy as np
import yaml
from fuzz_seeds import BEST, KINDS, write_data

SECONDS, WAIT = 10, 100
"""Of the processor's time that a case may take, and until nobody waits for it any longer."""

MEMORY = 200 * 2**20
"""Bytes that it may take, beside what reading a good file does."""

AT_ONCE = 2000
"""Cases of one process."""


@dataclass
class Outcome:
    """How many cases ended with which code, and what was found, by case."""

    codes: Counter[str] = field(default_factory=Counter)
    findings: dict[int, str] = field(default_factory=dict)
    slowest: float = 0.0  # seconds of the processor's
    largest: int = 0  # bytes

    def add(self, other: "Outcome") -> None:
        self.codes += other.codes
        self.findings |= other.findings
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)


def case(kind: str, seeds: list[Path], number: int) -> bytes:
    """The mutant of this number."""
    rng = np.random.default_rng([number, *kind.encode()])
    return KINDS[kind].mutate(seeds[number % len(seeds)].read_bytes(), rng)


def fuzz(kind: str, cases: range, processes: int = 1, save: Path | None = None) -> Outcome:
    """Read these cases."""
    total = Outcome()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        seeds = prepared(kind, folder)
        pieces = [cases[k : k + AT_ONCE] for k in range(0, len(cases), AT_ONCE)]
        if len(pieces) < processes:
            pieces = [cases[k::processes] for k in range(processes)]
        with ThreadPoolExecutor(processes) as pool:
            for outcome in pool.map(lambda piece: _watched(kind, folder, piece), pieces):
                total.add(outcome)
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            for number, found in total.findings.items():
                (save / f"{kind}-{number}").write_bytes(case(kind, seeds, number))
                (save / f"{kind}-{number}.txt").write_text(found)
    return total


def prepared(kind: str, folder: Path) -> list[Path]:
    """The seeds, in a folder with all that reading them needs."""
    write_data(folder / "data.h5")
    (folder / "data.yaml").write_text(yaml.safe_dump(BEST | {"data": {"train": "case.h5"}}))
    KINDS[kind].write(folder)
    return seeds_in(folder)


def seeds_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.seed"))


# The process that watches, and the one that reads


def _watched(kind: str, folder: Path, cases: range) -> Outcome:
    """Read cases in other processes, one after the other where one of them ends too early."""
    outcome = Outcome()
    while len(cases):
        numbers = [str(n) for n in (cases.start, cases.stop, cases.step)]
        command = [sys.executable, __file__, kind, *numbers, "--read", str(folder)]
        process = Popen(command, stdout=PIPE, stderr=PIPE, text=True)
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError(process.communicate()[1])  # the good file was not read
        at = _follow(process, cases, outcome)
        _, err = process.communicate()
        cases = cases[at:]
        if process.returncode not in (0, -signal.SIGKILL):
            outcome.findings[cases[0]] = f"{_ended(process)}\n{err[-2000:]}"
            cases = cases[1:]
    return outcome


def _ended(process: "Popen[str]") -> str:
    """How a process ended that had more to read."""
    code = process.returncode
    if code == -signal.SIGALRM:
        return f"has not ended after {WAIT} s"
    return signal.Signals(-code).name if code < 0 else f"ended with {code}"


def _follow(process: "Popen[str]", cases: range, outcome: Outcome) -> int:
    """Note what a process says of its cases, as long as it does; how many it has told of."""
    assert process.stdout is not None
    for at, number in enumerate(cases):
        line = process.stdout.readline()
        if not line:
            return at
        told, codes, seconds, memory, found = line.rstrip("\n").split("\t")
        assert int(told) == number
        outcome.codes[codes] += 1
        outcome.slowest = max(outcome.slowest, float(seconds))
        outcome.largest = max(outcome.largest, int(memory))
        if found:
            outcome.findings[number] = found.encode().decode("unicode_escape")
        if float(seconds) > SECONDS:
            outcome.findings[number] = f"took {seconds} s"
        if int(memory) > MEMORY:  # and the next ones are read by a process that has not
            outcome.findings[number] = f"took {int(memory) / 2**20:.0f} MiB"
            process.kill()
            return at + 1
    return len(cases)


def _read(kind: str, folder: Path, cases: range) -> None:
    """Read cases, and say of each: number, exit codes, seconds, memory, what was found."""
    seeds, tell = seeds_in(folder), os.fdopen(os.dup(1), "w", buffering=1)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        os.chdir(name)
        for beside in ("data.h5", "data.yaml"):
            os.link(folder / beside, beside)
        file = Path(KINDS[kind].name)
        file.write_bytes(seeds[0].read_bytes())
        warnings.simplefilter("error")
        for turn in range(2):
            KINDS[kind].read(turn)
        before = _peak()
        tell.write("ready\n")
        for number in cases:
            file.write_bytes(case(kind, seeds, number))
            codes, found, began = "", "", _seconds()
            signal.alarm(WAIT)  # no handler: it ends the process, whatever it is at
            try:
                codes = str(KINDS[kind].read(number // len(seeds)).code)
            except BaseException:
                found = ascii(traceback.format_exc())[1:-1]
                for crash in Path().glob("deepnet-crash-*"):
                    crash.unlink()
            took, memory = _seconds() - began, _peak() - before
            tell.write(f"{number}\t{codes}\t{took:.2f}\t{memory}\t{found}\n")


def _seconds() -> float:
    """Of the processor's that this process took, and those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak() -> int:
    """Bytes that one of them had at most."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return 1024 * max(resource.getrusage(each).ru_maxrss for each in who)


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("cases", nargs="*", type=int, default=[5000])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--save", type=Path)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read is not None:
        _read(given.kind, given.read, range(*given.cases))
        return
    began = monotonic()
    cases = range(given.first, given.first + given.cases[0])
    outcome = fuzz(given.kind, cases, given.processes, given.save)
    for number, found in sorted(outcome.findings.items()):
        print(f"--- case {number}\n{found}")
    print(f"{given.kind}: {len(cases):,} cases in {monotonic() - began:.0f} s, ", end="")
    print(f"the slowest {outcome.slowest:.2f} s, memory +{outcome.largest / 2**20:.0f} MiB")
    for code, n in outcome.codes.most_common():
        print(f"  exit code {code or 'none'}: {n:,}")
    print(f"  findings: {len(outcome.findings):,}")
    sys.exit(1 if outcome.findings else 0)


if __name__ == "__main__":
    _main()
