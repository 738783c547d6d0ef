"""What there is to know of a model, a checkpoint or a run that somebody else has made.

Nothing is changed, no lock is taken, and no data file is opened.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepnet_cli.config.data_schema import DataFile
from deepnet_cli.config.load import config_from_text, resolved
from deepnet_cli.config.schema import Config
from deepnet_cli.errors import ConfigError, DataError, DeepnetError
from deepnet_cli.files import cannot, read_file, shown
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.training.kept.lock import user_of
from deepnet_cli.training.kept.model import Model, load_model
from deepnet_cli.training.kept.run_directory import (
    CHECKPOINTS,
    CONFIG,
    HISTORY,
    SUMMARY,
    check_begun,
)
from deepnet_cli.training.kept.sealed import open_sealed
from deepnet_cli.training.loop.history import History

ENDED = ("completed", "converged", "early", "target")
"""Why a run stopped that has nothing left to do."""


@dataclass(frozen=True)
class ModelFile:
    """A model whose digest verifies, with what its file says beside it."""

    path: Path
    size: int
    version: str  # of the deepnet that wrote it
    model: Model
    figures: dict[str, Figures]


@dataclass(frozen=True)
class Checkpoint:
    """How far a run was; or why that cannot be known."""

    path: Path
    size: int
    iteration: int  # updates made
    problem: str = ""


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint by itself."""

    checkpoint: Checkpoint
    config: Config
    parameters: int
    slots: int  # vectors in the optimizer's memory
    history: History


@dataclass(frozen=True)
class Run:
    """A run directory.  `summary` is empty where the run has not come to an end."""

    path: Path
    config: Config | None
    problem: str  # of the config
    summary: dict[str, Any]
    history: History
    files: list[tuple[str, int]]  # with their sizes
    checkpoints: list[Checkpoint]  # the newest first
    user: str  # the process that trains it

    @property
    def name(self) -> str:
        """As the config has it."""
        return str(self.config.name or "") if self.config else ""

    @property
    def data(self) -> Path | None:
        """The file that the run was tested on, if it still is; of several the first.

        Figures on what it was trained on would say little.
        """
        if self.config is None or not isinstance(self.config.data.test, DataFile):
            return None
        named = self.config.data.file_of(self.config.data.test)
        file = resolved(named if isinstance(named, str) else named[0], self.path)
        return file if file.is_file() else None

    @property
    def figures(self) -> dict[str, Figures]:
        """Of each part, those of the summary."""
        return figures_in(self.summary.get("figures"))

    @property
    def made(self) -> int:
        """Updates that are kept."""
        whole = [each.iteration for each in self.checkpoints if not each.problem]
        return max([*whole, self._ended])

    @property
    def _ended(self) -> int:
        ended = self.summary.get("iterations")
        return ended if isinstance(ended, int) else 0

    @property
    def state(self) -> str:
        """training, ended, diverged, stopped or broken off."""
        if self.user:
            return "training"
        if not self.summary or self.made > self._ended:
            return "broken off"
        why = self.summary.get("stopped")
        return "ended" if why in ENDED else "diverged" if why == "diverged" else "stopped"

    @property
    def can_go_on(self) -> bool:
        """Whether resuming it makes something of it: one that diverged diverges again."""
        return self.state in ("stopped", "broken off")


def inspect_model(path: Path) -> ModelFile:
    """The model of a file.  Raises DataError."""
    model = load_model(path)
    with open_sealed(path, "model") as source:
        figures = figures_in(object_in(source.text("figures")))
        return ModelFile(path, path.stat().st_size, source.text("deepnet"), model, figures)


def inspect_checkpoint(path: Path) -> CheckpointFile:
    """What a checkpoint holds.  Raises DataError."""
    with open_sealed(path, "checkpoint") as source:
        try:
            config, _ = config_from_text(source.text("config"), str(path))
        except ConfigError as error:
            raise DataError(f"{path}: the config in it is not valid: {error}") from None
        slots = source.read("state/slots")
        history = History.from_csv(str(source.read("history")))
        iteration = int(source.number("iteration"))
        checkpoint = Checkpoint(path, path.stat().st_size, iteration)
        parameters = source.read("state/theta").size
        return CheckpointFile(checkpoint, config, parameters, len(slots), history)


def inspect_run(path: Path) -> Run:
    """What a run directory holds, whole or not.  Raises DataError where it is none."""
    check_begun(path)
    config, problem = None, ""
    try:
        config, _ = config_from_text(read_file(path / CONFIG).decode(), str(path / CONFIG))
    except (ConfigError, UnicodeDecodeError) as error:
        problem = str(error).split("\n")[0]
    try:
        found = [each for each in sorted(path.iterdir()) if each.is_file()]
        kept = sorted((path / CHECKPOINTS).glob("iteration-*.h5"), reverse=True)
        files = [(each.name, each.stat().st_size) for each in found if each.name[0] != "."]
    except OSError as error:
        raise cannot("read", path, error) from error
    return Run(
        shown(path),
        config,
        problem,
        object_in(text_in(path / SUMMARY)),
        history_in(text_in(path / HISTORY)),
        files,
        [_checkpoint(each) for each in kept if each.exists()],  # who trains there removes some
        user_of(path),
    )


def _checkpoint(path: Path) -> Checkpoint:
    size = path.stat().st_size
    try:
        with open_sealed(path, "checkpoint") as source:
            return Checkpoint(path, size, int(source.number("iteration")))
    except DataError as error:
        return Checkpoint(path, size, 0, str(error).removeprefix(f"{path}: "))


def text_in(path: Path) -> str:
    """What stands in a file of a run; nothing where that cannot be read."""
    try:
        return read_file(path).decode()
    except (DeepnetError, UnicodeDecodeError):
        return ""


def object_in(text: str) -> dict[str, Any]:
    """A JSON object; empty where it is none."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def figures_in(parts: object) -> dict[str, Figures]:
    """Those that are numbers, of each part."""
    return {
        part: {name: value for name, value in figures.items() if isinstance(value, float | int)}
        for part, figures in (parts.items() if isinstance(parts, dict) else ())
        if isinstance(figures, dict)
    }


def history_in(text: str) -> History:
    """What stands in a history.csv; without rows where it is none."""
    try:
        history = History.from_csv(text)
    except (ValueError, IndexError):
        return History()
    whole = all({"iteration", "epoch", "cost"} <= row.keys() for row in history.rows[:1])
    return history if whole else History()
