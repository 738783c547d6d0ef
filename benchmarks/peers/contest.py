"""Several contestants in turn, round after round, so that what disturbs one disturbs all."""

import time
from collections.abc import Sequence

from benchmarks.peers.processes import Contestant

SETTLE = 0.2
"""Seconds between two contestants: threads that spin while they wait for work go to sleep."""


def contest(contestants: Sequence[Contestant], rounds: int) -> list[list[float]]:
    """Seconds of each in each round; every second round goes in reverse order."""
    times: list[list[float]] = [[] for _ in contestants]
    for number in range(rounds):
        turns = list(zip(contestants, times, strict=True))
        for contestant, seconds in turns[:: -1 if number % 2 else 1]:
            time.sleep(SETTLE)
            seconds.append(contestant.time())
    return times
