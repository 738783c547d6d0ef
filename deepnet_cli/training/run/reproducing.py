"""A run trained again from what it recorded, and held bit for bit against what it kept:

every row of history.csv,
theta and the optimizer's slots in every checkpoint,
the parameters in model.h5, and why it ended.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from deepnet_cli.errors import ConfigError, DivergedError
from deepnet_cli.nn.parameters import Layout
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept.model import NAME as MODEL
from deepnet_cli.training.kept.model import load_model
from deepnet_cli.training.kept.record import Record
from deepnet_cli.training.kept.sealed import open_sealed
from deepnet_cli.training.loop.history import History, Row
from deepnet_cli.training.loop.state import Event
from deepnet_cli.training.run.session import Session


@dataclass(frozen=True)
class OtherRow:
    """A row of the history that is another: its first figure that differs, as it was and is; None
    where there is none.
    """

    iteration: int
    figure: str
    there: float | None
    here: float | None


@dataclass(frozen=True)
class Compared:
    """A vector of parameters: the first tensor that differs, if any, and by how much at most; and
    the largest difference of all.
    """

    what: str
    updates: int
    tensor: str = ""
    by: float = 0.0
    most: float = 0.0


@dataclass
class Reproduction:
    """A session that makes again what a record tells, up to its last update or `until`.

    Raises ConfigError where the run began with that many, those of another run.
    """

    record: Record
    session: Session
    changed: list[str]
    until: int | None = None
    rows: int = 0  # that were held against each other
    row: OtherRow | None = None
    states: list[Compared] = field(default_factory=list)
    diverged: str = ""
    ended: bool = False  # rather than interrupted

    def __post_init__(self) -> None:
        self.began = self.session.progress.state.iteration
        made = self.record.made
        if self.until is not None and self.until <= self.began:
            raise ConfigError(
                f"--until {self.until}: {self.record.path} began with {self.began:,} updates of "
                "another run; give a larger number"
            )
        self.last = made if self.until is None else min(self.until, made)
        self.session.marks = {self.last, *self.record.states}

    @property
    def made(self) -> int:
        """Updates, with those that it began with."""
        return self.session.progress.state.iteration

    @property
    def whole(self) -> bool:
        """Whether all that the run is known to have done is done again."""
        return self.until is None or self.until >= self.record.made

    @property
    def identical(self) -> bool | None:
        """Whether all was the same that could be compared; None where there was nothing."""
        if self.row or self.other_end or any(state.tensor for state in self.states):
            return False
        return True if self.rows or self.states else None

    @property
    def other_end(self) -> bool:
        """Whether it ended for another reason."""
        if self.ended and self.whole and self.record.ending:
            return self.record.ending != self.session.ending.reason
        return bool(self.diverged)

    def steps(self) -> Iterator[Event]:
        """Train, and look on the way at what was kept.  It ends where the record does, and where
        training diverges; nothing is trained where the run made no update, and did not try to.
        """
        beyond = self.record.diverged and self.whole
        if self.last <= self.began and not beyond:
            return
        try:
            for event in self.session.steps():
                self._see_state()
                yield event
                if self.made >= self.last and not beyond:
                    break
            self.session.end()
        except DivergedError as error:
            self.diverged = str(error)
        self.ended = True

    def finish(self) -> None:
        """Write the run's files, and compare what they hold; none where nothing was trained.  Where
        it gets late the row of the last update may be missing, and what is chosen by it.
        """
        if not self.ended and self.made == self.began:
            return
        self.session.finish()
        cut_off = self.session.late()
        self.ended = self.ended and not cut_off
        self._see_rows(self.last if self.ended else self.made - cut_off)
        path = self.record.path / MODEL
        known = self.record.whole and self.record.measured and not cut_off
        if self.whole and known and path.exists() and self.made == self.record.made:
            there, here = load_model(path), load_model(self.session.directory.path)
            layout = there.network.layout
            found = _compared(MODEL, self.made, layout, there.theta, here.theta)
            self.states.append(found)

    def _see_state(self) -> None:
        path = self.record.states.get(self.made)
        if path is None or self.made == self.began:
            return
        with open_sealed(path, "checkpoint") as source:
            there = source.read("state/theta"), source.read("state/slots")
        space, state = self.session.progress.space, self.session.progress.state
        here = space.lift(state.theta), space.lift(state.slots)
        layout = self.session.job.network.layout
        found = _compared("theta", self.made, layout, there[0], here[0])
        if not found.tensor:
            pairs = zip(there[1], here[1], strict=True)
            slots = [_compared("slots", self.made, layout, *pair) for pair in pairs]
            found = next((slot for slot in slots if slot.tensor), found)
        self.states.append(found)

    def _see_rows(self, last: int) -> None:
        ours = History.from_csv(self.session.history.to_csv()).rows
        here = {row["iteration"]: row for row in ours}
        for row in self.record.rows:
            if row["iteration"] < self.began:  # the other run's, read and not made
                continue
            if row["iteration"] >= last:
                break
            self.rows += 1
            if self.row is None:
                self.row = _other(row, here.get(row["iteration"], {}))


def _other(there: Row, here: Row) -> OtherRow | None:
    """The first figure in which two rows differ: NaN is NaN."""
    for name in [name for name in {**there, **here} if name not in ("iteration", "epoch")]:
        if repr(there.get(name)) != repr(here.get(name)):
            return OtherRow(int(there["iteration"]), name, there.get(name), here.get(name))
    return None


def _compared(what: str, updates: int, layout: Layout, there: Array, here: Array) -> Compared:
    """Two vectors (P,), by their bits."""
    if there.tobytes() == here.tobytes():
        return Compared(what, updates)
    a, b = layout.views(there), layout.views(here)
    tensor = next(name for name in a if a[name].tobytes() != b[name].tobytes())
    return Compared(what, updates, tensor, _apart(a[tensor], b[tensor]), _apart(there, here))


def _apart(a: Array, b: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.max(np.abs(a.astype(np.float64) - b)))
