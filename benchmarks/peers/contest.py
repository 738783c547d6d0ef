"""Several contestants in turn, round after round, so that what disturbs one disturbs all."""

import time
from collections.abc import Sequence

from benchmarks.peers.processes import Contestant

SETTLE = 0.2
"""Seconds between two contestants: threads that spin while they wait for work go to sleep."""


def contest(contestants: Sequence[Contestant], rounds: int) -> dict[str, list[float]]:
    """Seconds of each in each round; every second round goes in reverse order."""
    times: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        for contestant in contestants[:: -1 if number % 2 else 1]:
            time.sleep(SETTLE)
            times[contestant.name].append(contestant.time())
    return times
