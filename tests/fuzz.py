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
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen
from time import monotonic

import numpy as np
from fuzz_seeds import BEST, KINDS, write_data

SECONDS = 10
"""That a case may take."""

MEMORY = 200 * 2**20
"""Bytes that it may take, beside what reading a good file does."""

AT_ONCE = 2000
"""Cases of one process."""


@dataclass
class Outcome:
    """How many cases ended with which codes, and what was found, by case."""

    codes: Counter[str] = field(default_factory=Counter)
    findings: dict[int, str] = field(default_factory=dict)
    slowest: float = 0.0
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
        write_data(folder / "data.h5")
        KINDS[kind].write(folder)
        seeds = seeds_in(folder)
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
        return f"took more than {SECONDS} s"
    return signal.Signals(-code).name if code < 0 else f"ended with {code}"


def _follow(process: "Popen[str]", cases: range, outcome: Outcome) -> int:
    """Note what a process says of its cases, as long as it does; how many it has told of."""
    assert process.stdout is not None
    for at, number in enumerate(cases):
        began = monotonic()
        line = process.stdout.readline()
        if not line:
            return at
        told, codes, memory, found = line.rstrip("\n").split("\t")
        assert int(told) == number
        outcome.codes[codes] += 1
        outcome.slowest = max(outcome.slowest, monotonic() - began)
        outcome.largest = max(outcome.largest, int(memory))
        if found:
            outcome.findings[number] = found.encode().decode("unicode_escape")
        if int(memory) > MEMORY:  # and the next ones are read by a process that has not
            outcome.findings[number] = f"took {int(memory) / 2**20:.0f} MiB"
            process.kill()
            return at + 1
    return len(cases)


def _read(kind: str, folder: Path, cases: range) -> None:
    """Read cases, and say of each: number, exit codes, memory, what was found."""
    seeds, tell = seeds_in(folder), os.fdopen(os.dup(1), "w", buffering=1)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        os.chdir(name)
        os.link(folder / "data.h5", "data.h5")
        _prepare()
        file = Path(KINDS[kind].name)
        file.write_bytes(seeds[0].read_bytes())
        KINDS[kind].read()
        before = _peak()
        tell.write("ready\n")
        for number in cases:
            file.write_bytes(case(kind, seeds, number))
            codes, found = "", ""
            signal.alarm(SECONDS)  # no handler: it ends the process, whatever it is at
            try:
                codes = " ".join(str(result.code) for result in KINDS[kind].read())
            except BaseException:
                found = ascii(traceback.format_exc())[1:-1]
                for crash in Path().glob("deepnet-crash-*"):
                    crash.unlink()
            tell.write(f"{number}\t{codes}\t{_peak() - before}\t{found}\n")


def _prepare() -> None:
    """The config that names a data file."""
    import yaml

    tree = BEST | {"data": {"train": "case.h5"}}
    Path("data.yaml").write_text(yaml.safe_dump(tree))


def _peak() -> int:
    """Bytes that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


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
    for codes, n in outcome.codes.most_common():
        print(f"  exit codes {codes or 'found'}: {n:,}")
    print(f"  findings: {len(outcome.findings):,}")
    sys.exit(1 if outcome.findings else 0)


if __name__ == "__main__":
    _main()
