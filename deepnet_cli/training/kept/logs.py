"""The rows of history.csv for other programs, as they come: JSON lines, TensorBoard's events.

A log holds what the history holds, no more: at the start, and where rows have been taken back,
it is written anew; from there on each row is added at its end, durable with the next checkpoint.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from deepnet_cli.config.schema import OutputSection
from deepnet_cli.files import cannot, json_text, write_file
from deepnet_cli.training.loop.history import Row

JSON_LINES = "history.jsonl"
EVENTS = "events.out.tfevents."
"""How names begin that TensorBoard looks for; seconds follow, by which it takes the last file."""

VERSION = "brain.Event:2"


def json_line(row: Row) -> bytes:
    """One object; what is not finite is null."""
    return json_text(row).encode() + b"\n"


def events(row: Row) -> bytes:
    """A scalar for each figure, at the step `iteration`."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    figures = {name: value for name, value in row.items() if name != "iteration"}
    values = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
    event = Event(wall_time=time.time(), step=int(row["iteration"]), summary=Summary(value=values))
    return _record(event.SerializeToString())


def events_head() -> bytes:
    """What a file of events begins with."""
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event(wall_time=time.time(), file_version=VERSION)
    return _record(event.SerializeToString())


def _record(data: bytes) -> bytes:
    """With its length and their checksums, as TensorBoard frames them."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    file = BytesIO()
    RecordWriter(file).write(data)
    return file.getvalue()


@dataclass
class Log:
    """A file of a run that grows by rows."""

    path: Path
    encoded: Callable[[Row], bytes]
    head: Callable[[], bytes] = bytes
    _rows: int = 0  # that are in it
    _last: Row | None = None  # of them

    def follow(self, rows: Sequence[Row]) -> None:
        """Hold exactly these rows.  Raises MachineError."""
        begun = self._last is not None and self._rows <= len(rows)
        if not begun or rows[self._rows - 1] is not self._last:
            write_file(self.path, self.head() + b"".join(map(self.encoded, rows)))
        elif added := rows[self._rows :]:
            self._append(b"".join(map(self.encoded, added)))
        self._rows, self._last = len(rows), rows[-1] if rows else None

    def sync(self) -> None:
        """Make all of it durable.  Raises MachineError."""
        try:
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot("write", self.path, error) from error

    def _append(self, content: bytes) -> None:
        try:
            with self.path.open("ab") as file:
                file.write(content)
        except OSError as error:
            raise cannot("write", self.path, error) from error


@dataclass
class Logs:
    """Those that the config asks for."""

    folder: Path
    output: OutputSection
    _logs: list[Log] = field(default_factory=list)

    def begin(self, rows: Sequence[Row]) -> None:
        """Write the rows so far, in place of what an earlier start has left."""
        old = {*self.folder.glob(f"{EVENTS}*"), self.folder / JSON_LINES}
        if self.output.jsonl:
            self._logs.append(Log(self.folder / JSON_LINES, json_line))
        if self.output.tensorboard:
            path = self.folder / f"{EVENTS}{int(time.time())}.deepnet"
            self._logs.append(Log(path, events, events_head))
        self.follow(rows)
        for path in old - {log.path for log in self._logs}:
            with suppress(OSError):
                path.unlink()

    def follow(self, rows: Sequence[Row]) -> None:
        """Hold exactly these rows."""
        for log in self._logs:
            log.follow(rows)

    def sync(self) -> None:
        """Make them durable."""
        for log in self._logs:
            log.sync()
