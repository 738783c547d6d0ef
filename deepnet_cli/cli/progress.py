"""What training shows on stderr: a bar and a table on a terminal, plain lines elsewhere."""

import shutil
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Any

from deepnet_cli.cli.say import say
from deepnet_cli.fused import native
from deepnet_cli.report.table import number
from deepnet_cli.training.session import Session
from deepnet_cli.training.state import Event

REFRESH = 0.1
"""Seconds between two looks of the bar."""

HEADER_EVERY = 25

WIDTHS = {"epoch": 7, "iteration": 9, "learning_rate": 10}
"""Of the columns that are not 10 wide or as their name.  All of them, two spaces between each,
eight for the seconds and two for a star are 80.
"""

HEADS = {"learning_rate": "rate"}
"""Of the columns that history.csv calls by a longer name."""


class Display:
    """A row for each logged iteration, a bar below it where stderr is a terminal."""

    def __init__(self, session: Session, *, quiet: bool) -> None:
        metric = session.job.headline
        held_out = "validation" in session.job.dataset.parts
        shown = ["val_cost", f"val_{metric}"] if held_out else [metric]
        figures = ["cost", "learning_rate", *shown]
        self.columns = ["epoch", "iteration", *figures]
        self.quiet = quiet
        self.rows = 0
        self.began = time.monotonic()
        self.shown = 0.0
        self.metric = ""
        self.bar = _bar(session) if sys.stderr.isatty() and not quiet else None

    def __enter__(self) -> "Display":
        if not self.quiet:
            native.announce = self._compiling
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
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
        if event.row is not None:
            self._print(event, now - self.began)
        if self.bar is not None and now - self.shown > REFRESH:
            self.shown = now
            self.bar.set_postfix_str(f"cost {event.steps.cost:.4g}{self.metric}", refresh=False)
            self.bar.n = event.steps.iteration + 1
            with suppress(OSError):  # a terminal that was closed
                self.bar.refresh()

    def _print(self, event: Event, seconds: float) -> None:
        row = event.row or {}
        columns = [name for name in self.columns if name in row]
        widths = {name: WIDTHS.get(name, max(10, len(name))) for name in columns}
        if self.rows % HEADER_EVERY == 0 and (self.rows == 0 or self.bar is not None):
            heads = [f"{HEADS.get(name, name):>{width}}" for name, width in widths.items()]
            self._line("  ".join([*heads, " seconds"]))
        self.rows += 1
        cells = [number(row[name], width) for name, width in widths.items()]
        self._line("  ".join([*cells, f"{seconds:8.1f}"]) + (" *" if event.best else ""))
        if (name := columns[-1]).startswith("val_"):
            self.metric = f", {name} {row[name]:.4g}"

    def _compiling(self) -> None:
        native.announce = bool
        self._line("compiling for this processor; later runs find it done")

    def _line(self, text: str) -> None:
        if self.bar is None:
            say(text)
        else:
            with suppress(OSError):
                self.bar.write(text, file=sys.stderr)


def _bar(session: Session) -> Any:
    from tqdm import tqdm

    return tqdm(
        total=session.job.iterations,
        initial=session.progress.state.iteration,
        unit="it",
        leave=False,
        ncols=max(40, shutil.get_terminal_size().columns - 3),  # room for ^C
        bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining} left{postfix}]",
    )
