"""Ctrl-C in the midst of figures, by someone who waits for none of them."""

import signal
from dataclasses import dataclass

import pytest

from deepnet_cli.training.run import stopping
from deepnet_cli.training.run.stopping import Interruption


@dataclass
class Impatience:
    """SIGINT comes with the k-th time that figures ask whether it is late for them; 0 is never."""

    k: int = 0
    asked: int = 0

    def from_here(self, k: int = 0) -> None:
        """Count anew."""
        self.k, self.asked = k, 0


def impatience(monkeypatch: pytest.MonkeyPatch) -> Impatience:
    """In whatever is run from here on."""
    found, late = Impatience(), Interruption.late

    def asking(interruption: Interruption) -> bool:
        found.asked += 1
        if found.asked == found.k:
            signal.raise_signal(signal.SIGINT)
        return late(interruption)

    monkeypatch.setattr(stopping, "PATIENCE", -1.0)
    monkeypatch.setattr(Interruption, "late", asking)
    return found
