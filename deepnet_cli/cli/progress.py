"""What training shows on stderr: a bar and a table on a terminal, plain lines elsewhere."""

import os
import sys
import time
from contextlib import suppress
from textwrap import fill, indent
from threading import RLock
from typing import Any

from deepnet_cli.cli.say import say
from deepnet_cli.fused import native
from deepnet_cli.report.rows import Rows, clock
from deepnet_cli.training.loop.state import Event
from deepnet_cli.training.run.session import Session

REFRESH = 0.1
"""Seconds between two looks of the bar."""

BAR_AFTER = 1.0
"""Seconds of training before there is a bar: who made one for a shorter run would notice."""

COLUMNS, LINES = 80, 25
"""Of a screen, where there is none to ask."""

LOOK_EVERY = 10
"""Rows from one look at the layers' health to the next."""


class Display:
    """A row for each logged iteration, a bar below it where stderr is a terminal; `verbose`, the
    layers' health every so often.  It ends after so many updates: all of the job's, if not said.
    """

    def __init__(
        self, session: Session, *, quiet: bool, verbose: bool = False, updates: int | None = None
    ) -> None:
        self.session = session
        self.updates = session.job.iterations if updates is None else updates
        self.quiet = quiet
        self.began = time.monotonic()
        self.shown = 0.0
        self.metric = ""
        self.terminal = sys.stderr.isatty() and not quiet
        self.bar: Any = None
        self.rows: Rows | None = None
        self.first: tuple[int, float] | None = None  # updates behind the first row, and seconds
        self.count = self.since_head = 0
        self.look = _look(session) if verbose else None

    def __enter__(self) -> "Display":
        if not self.quiet:
            native.announce = self._compiling
        return self

    def __exit__(self, *_: object) -> None:
        native.announce = bool
        if self.bar is not None:
            with suppress(OSError):
                self.bar.close()
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # a ^C echoed beside it

    def show(self, event: Event) -> None:
        """Move the bar; print the row of an event that has one."""
        if self.quiet:
            return
        now = time.monotonic()
        if self.terminal and self.bar is None and now - self.began > BAR_AFTER:
            self.bar = _bar(self.session, self.updates)
        due = now - self.shown > REFRESH
        if self.bar is not None and (due or event.row is not None):
            self.shown = now
            self.bar.n = event.steps.iteration + 1
            self.bar.set_postfix_str(f"cost {event.steps.cost:.4g}{self.metric}", refresh=False)
        if event.row is not None:
            self._print(event, now - self.began)  # and the bar below it
        elif self.bar is not None and due:
            with suppress(OSError):  # a terminal that was closed
                self.bar.refresh()

    def _print(self, event: Event, seconds: float) -> None:
        row = event.row or {}
        columns, lines = _screen()
        if self.rows is None or (self.terminal and self.since_head >= lines - 3):
            self.rows, self.since_head = _rows(self.session, list(row), columns), 0
            self._line(self.rows.head)
        left = self._left(event.steps.iteration + 1, seconds)
        times = {"seconds": f"{seconds:.1f}", "left": left}
        self._line(self.rows.line({**row, **times}, best=event.best))
        if self.look is not None and self.count % LOOK_EVERY == 0:
            for line in self.look(event):
                self._line(line)
            self.rows = None
        self.count += 1
        self.since_head += 1
        if (name := _metric(self.session)) in row:
            self.metric = f", {name} {row[name]:.4g}"

    def _left(self, made: int, seconds: float) -> str:
        """How long the updates still to be made take if they take as long as those so far."""
        if self.first is None:  # which compiles, too
            self.first = made, seconds
            return "-"
        pace = (seconds - self.first[1]) / (made - self.first[0])
        return clock(pace * (self.updates - made))

    def _compiling(self) -> None:
        native.announce = bool
        self._line("compiling for this processor; later runs find it done")

    def _line(self, text: str) -> None:
        if self.bar is None:
            say(text)
        else:
            with suppress(OSError):
                self.bar.write(text, file=sys.stderr)


def _rows(session: Session, told: list[str], columns: int) -> Rows:
    """The columns for a row that tells so much: what can be missed goes first."""
    figures = ["val_cost", _metric(session)]
    names = ["epoch", "iteration", "cost", *figures, "learning_rate", "gradient_norm"]
    names = [name for name in names if name in told] + ["seconds", "left"]
    least = ["gradient_norm", "left", "learning_rate", "seconds", "epoch", *reversed(figures)]
    if sys.stderr.isatty():
        least.insert(0, "left")  # the bar has it
    if isinstance(session.job.config.training.learning_rate, float):
        least.insert(0, "learning_rate")  # which is the same all the time
    return Rows(names, columns, least)


def _metric(session: Session) -> str:
    """The one that is shown: that which is watched, where it isn't the cost that is."""
    watch = session.progress.watch
    if watch is not None and watch.figure not in ("cost", "val_cost"):
        return watch.figure
    return "val_" * ("validation" in session.job.dataset.parts) + session.job.headline


def _screen() -> tuple[int, int]:
    """Columns and lines of the terminal that stderr is."""
    with suppress(OSError, ValueError):
        size = os.get_terminal_size(sys.stderr.fileno())
        if size.columns and size.lines:
            return size.columns, size.lines
    return COLUMNS, LINES


def _bar(session: Session, updates: int) -> Any:
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread, and no lock between processes
    tqdm.set_lock(RLock())
    return tqdm(
        total=updates,
        initial=session.progress.state.iteration,
        unit="it",
        leave=False,
        ncols=max(20, _screen()[0] - 3),  # room for ^C
        bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining} left{postfix}]",
    )


def _look(session: Session) -> Any:
    """What a look at the layers after an event tells, line by line."""
    from deepnet_cli.report.health import Complaints, health_text
    from deepnet_cli.training.checking.checkup import Checkup

    checkup, complaints = Checkup(session.job), Complaints()

    def lines(event: Event) -> list[str]:
        layers = checkup.of(session.progress, session.rate)
        steps, counted = event.steps, session.job.batches.per_epoch > 1
        when = f"epoch {steps.epoch}" if counted else f"iteration {steps.iteration}"
        told = [f"warning: {sentence}" for sentence in complaints.see(layers, when)]
        return [
            *indent(health_text(layers), "  ").splitlines(),
            *(fill(warning, COLUMNS, subsequent_indent="  ") for warning in told),
        ]

    return lines
