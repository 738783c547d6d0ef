"""One contest from its files to its results."""

import pickle
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peers.cases import CASE
from benchmarks.peers.contest import contest as timed
from benchmarks.peers.machine import cores
from benchmarks.peers.peers import Contest, Peer
from benchmarks.peers.processes import Contestant, RefusedError

BASE = "deepnet"


@dataclass(frozen=True)
class Result:
    """A peer in a contest."""

    peer: str
    threads: int
    seconds: float  # for a unit of the case: the median over the rounds
    ratio: float | None  # to deepnet, above 1 is slower: the median of those within a round
    error: float | None  # to the reference
    agrees: bool
    first: float  # seconds of the first run, with compiling and all
    rounds: list[float]  # seconds


@dataclass(frozen=True)
class Results:
    """A contest that was held."""

    name: str
    title: str
    unit: str
    results: list[Result]
    refused: dict[str, str]  # who did not take part, and why

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure(contest: Contest, chosen: list[str], rounds: int) -> Results:
    """Start all who can take part, check what they reach, time them in turn."""
    case, refused, ready = contest.case, {}, {}
    with TemporaryDirectory(prefix="peers-") as name:
        directory = Path(name)
        case.write(directory)
        (directory / CASE).write_bytes(pickle.dumps(case))
        for peer, entry in contest.peers.items():
            if peer not in chosen:
                continue
            say(f"{case.name}: {peer}")
            try:
                ready[peer] = fastest(contest, peer, entry, directory)
            except RefusedError as reason:
                refused[peer] = str(reason)
        say(f"{case.name}: {rounds} rounds")
        times = timed(list(ready.values()), rounds)
        results = []
        for peer, contestant in ready.items():
            contestant.end()
            found = contestant.outcome()
            error = case.error(directory, found) if found else None
            results.append(
                Result(
                    peer,
                    contestant.threads,
                    median(times[peer]),
                    ratio(times[peer], times[BASE]) if BASE in times else None,
                    error,
                    error is None or error <= contest.peers[peer].tolerance,
                    contestant.first,
                    times[peer],
                )
            )
    return Results(case.name, case.title, case.unit, results, refused)


def fastest(contest: Contest, name: str, peer: Peer, directory: Path) -> Contestant:
    """The peer with all cores, or with one where that is faster.  Raises RefusedError."""
    if peer.missing:
        raise RefusedError(f"not installed: {peer.missing}")
    counts = {1, cores()} if contest.choose_threads else {cores()}
    tried = [contest.kind.start(name, peer.start, contest.case, directory, n) for n in counts]
    quickest = min(tried, key=lambda contestant: contestant.time())
    for other in tried:
        if other is not quickest:
            other.end()
    return quickest


def ratio(mine: list[float], theirs: list[float]) -> float:
    """The median of the ratios within a round."""
    return median(a / b for a, b in zip(mine, theirs, strict=True))


def say(what: str) -> None:
    """Progress, on stderr."""
    print(what, file=sys.stderr, flush=True)
