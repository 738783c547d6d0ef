"""Measure, print the tables, write benchmark.json and benchmark.png."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.peers.figure import figure
from benchmarks.peers.machine import load, machine, summary
from benchmarks.peers.measure import BASE, measure
from benchmarks.peers.peers import CONTESTS
from benchmarks.peers.processes import ROOT
from benchmarks.peers.table import table

PEERS = list(dict.fromkeys(name for contest in CONTESTS.values() for name in contest.peers))


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.peers", description=__doc__)
    add = parser.add_argument
    add("--cases", nargs="+", choices=CONTESTS, default=list(CONTESTS), metavar="CASE")
    add("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="PEER")
    add("--rounds", type=int, help="5 by default, 3 where they are long")
    add("--rows", type=int, default=200_000, help="how many the predict case predicts at a time")
    add("--quick", action="store_true", help="two rounds, short jobs, few rows")
    add("--output", type=Path, default=ROOT / "docs", help="where the files go")
    return parser.parse_args()


def main() -> None:
    """Exit with 1 where a peer reached something else."""
    given, host = options(), machine()
    held = []
    for name in given.cases:
        contest = CONTESTS[name]
        case = contest.case.with_rows(given.rows)
        contest = replace(contest, case=case.quick() if given.quick else case)
        rounds = given.rounds or (2 if given.quick else contest.rounds)
        held.append(measure(contest, given.peers, rounds))
        print(table(held[-1]), flush=True)
    host["load after"] = load()
    given.output.mkdir(parents=True, exist_ok=True)
    record = {"machine": host, "contests": [contest.as_dict() for contest in held]}
    (given.output / "benchmark.json").write_text(json.dumps(record, indent=1) + "\n")
    if BASE in given.peers:
        figure(held, summary(host), given.output / "benchmark.png")
    sys.exit(not all(result.agrees for contest in held for result in contest.results))


if __name__ == "__main__":
    main()
