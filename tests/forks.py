"""Processes that are started, and what became of them."""

import os

import pytest


def forked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that are started from here on."""
    pids: list[int] = []
    started = os.fork

    def fork() -> int:
        pids.append(started())
        return pids[-1]

    monkeypatch.setattr(os, "fork", fork)
    return pids


def ended(pids: list[int]) -> list[bool]:
    """Which of them have."""
    return [not _is_there(pid) for pid in pids]


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
