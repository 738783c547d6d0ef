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
from benchmarks.peers.peers import Contest
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
    """Start all who can take part, time them in turn, check what they reached."""
    case, refused = contest.case, {}
    ready: list[Contestant] = []
    with TemporaryDirectory(prefix="peers-") as name:
        directory = Path(name)
        case.write(directory)
        (directory / CASE).write_bytes(pickle.dumps(case))
        for peer in (peer for peer in contest.peers if peer in chosen):
            say(f"{case.name}: {peer}")
            try:
                ready += started(contest, peer, directory)
            except RefusedError as reason:
                refused[peer] = str(reason)
        say(f"{case.name}: {contest.trials} and {rounds} rounds")
        if contest.trials:
            ready = fastest(ready, timed(ready, contest.trials))
        times = dict(zip((each.name for each in ready), timed(ready, rounds), strict=True))
        results = []
        for contestant in ready:
            contestant.end()
            peer, outcome = contestant.name, contestant.outcome()
            error = case.error(directory, outcome) if outcome else None
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


def started(contest: Contest, name: str, directory: Path) -> list[Contestant]:
    """The peer with all cores, and with one where there are trials.  Raises RefusedError."""
    peer = contest.peers[name]
    if peer.missing:
        raise RefusedError(f"not installed: {peer.missing}")
    counts = {cores(), 1} if contest.trials else {cores()}
    return [contest.kind.start(name, peer.start, contest.case, directory, n) for n in counts]


def fastest(tried: list[Contestant], trials: list[list[float]]) -> list[Contestant]:
    """The one of each name that was fastest in its best trial; the others end."""
    best: dict[str, tuple[float, Contestant]] = {}
    for contestant, times in zip(tried, trials, strict=True):
        mine = min(times), contestant
        other = best.setdefault(contestant.name, mine)
        if other is not mine:
            best[contestant.name], (_, slower) = sorted((mine, other), key=lambda pair: pair[0])
            slower.end()
    return [contestant for _, contestant in best.values()]


def ratio(mine: list[float], theirs: list[float]) -> float:
    """The median of the ratios within a round."""
    return median(a / b for a, b in zip(mine, theirs, strict=True))


def say(what: str) -> None:
    """Progress, on stderr."""
    print(what, file=sys.stderr, flush=True)
