"""What a run kept of itself: enough to be trained again, and what that is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import differences, resolved_config
from deepnet_cli.config.schema import MOST_THREADS
from deepnet_cli.errors import DataError
from deepnet_cli.training.kept.inspecting import history_in, object_in, text_in
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.restoring import CHANGEABLE, changes_since, load_progress
from deepnet_cli.training.kept.run_directory import HISTORY, ORIGIN, SUMMARY, checkpoints
from deepnet_cli.training.kept.sealed import open_sealed
from deepnet_cli.training.loop.history import Row

SETTINGS = ("training.max_time=null", "output.tensorboard=false", "output.jsonl=false")
"""Of the config that a run is trained by again: the machine's speed does not end it, and nobody
looks on.
"""


@dataclass(frozen=True)
class Record:
    """What a run kept."""

    path: Path
    summary: Mapping[str, Any]  # empty where it has not come to an end
    rows: list[Row]
    states: dict[int, Path]  # whole checkpoints, by updates made, the newest first
    damaged: list[str]  # the others
    told: Mapping[str, Any]  # data and environment

    @classmethod
    def of(cls, run: Path) -> "Record":
        """That of a run.  Raises DataError where it kept nothing that says how it was trained."""
        summary = object_in(text_in(run / SUMMARY))
        if not isinstance(summary.get("iterations"), int):
            summary = {}
        states: dict[int, Path] = {}
        damaged: list[str] = []
        told: Mapping[str, Any] = summary
        for path in checkpoints(run):
            try:
                with open_sealed(path, "checkpoint") as source:
                    states[int(source.number("iteration"))] = path
                    kept = {name: object_in(source.text(name)) for name in ("data", "environment")}
            except DataError as error:
                damaged.append(str(error))
            else:
                told = told or kept
        return cls(run, summary, history_in(text_in(run / HISTORY)).rows, states, damaged, told)

    @cached_property
    def made(self) -> int:
        """Updates that it has made, as far as it tells."""
        return max([0, self._ended, *self.states])

    @property
    def _ended(self) -> int:
        ended: int = self.summary.get("iterations", 0)
        return ended

    @property
    def ending(self) -> str:
        """Why it ended; nothing where it went on after that, or a clock or a signal ended it."""
        by_itself = self.summary.get("stopped") not in ("interrupted", "time")
        return str(self.summary.get("reason", "")) if by_itself and self.whole else ""

    @property
    def whole(self) -> bool:
        """Whether the summary and the model are of the last update."""
        return bool(self.summary) and self._ended == self.made

    @property
    def measured(self) -> bool:
        """Whether the last update has its row, by which the parameters to use are chosen: a signal
        may not have waited for it.
        """
        last = self.rows[-1]["iteration"] if self.rows else -1
        return last == self.made - 1

    @property
    def diverged(self) -> bool:
        """Whether that is how it ended."""
        return self.whole and self.summary.get("stopped") == "diverged"

    @property
    def threads(self) -> int | None:
        """That multiplied matrices."""
        threads = self._told("environment").get("threads")
        known = isinstance(threads, int) and 1 <= threads <= MOST_THREADS
        return threads if known else None

    def start(self, job: Job) -> Progress:
        """What it began with: nothing, or a state of another run."""
        if not (self.path / ORIGIN).exists():
            return Progress.start(job)
        config = resolved_config(job, self.path)
        return load_progress(self.path / ORIGIN, job, config)[0]

    def changes(self, job: Job) -> list[str]:
        """What of the environment is not as it was.  Raises DataError where the data are not, and
        ConfigError where the config is not that of its newest checkpoint.
        """
        for path in self.states.values():
            return load_progress(path, job, resolved_config(job, self.path))[1]
        if not self.told:
            return []
        data = {part: of for part, of in self._told("data").items() if isinstance(of, dict)}
        return changes_since(data, self._told("environment"), job, self.path / SUMMARY)

    def settings(self, job: Job) -> list[str]:
        """What was set otherwise when a checkpoint was kept."""
        config, told = resolved_config(job, self.path), dict[str, str]()
        for path in self.states.values():
            with open_sealed(path, "checkpoint") as source:
                found = differences(source.text("config"), config)
            told |= {key: what for key, what in found.items() if key in CHANGEABLE}
        return [what for key, what in told.items() if key.startswith("training.")]

    def _told(self, what: str) -> dict[str, Any]:
        """Of its data or its environment."""
        found = self.told.get(what)
        return found if isinstance(found, dict) else {}
