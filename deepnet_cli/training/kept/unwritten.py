"""The directory of a run that leaves none: arrays in, a model out."""

from collections.abc import Sequence
from pathlib import Path

from deepnet_cli.config.schema import OutputSection
from deepnet_cli.training.kept.background import Background
from deepnet_cli.training.kept.logs import Logs
from deepnet_cli.training.kept.run_directory import KEEP, Keep, RunDirectory
from deepnet_cli.training.loop.history import Row


class Unwritten(RunDirectory):
    """Takes every file and keeps none."""

    def __init__(self) -> None:
        self.path = Path()
        self.background = Background()

    def close(self) -> None:
        """There is nothing to let others use."""

    def write(self, name: str, content: bytes) -> None:
        """Not anywhere."""

    def remove(self, name: str) -> None:
        """There is none."""

    def check_room(self, checkpoint: int) -> None:
        """None is needed."""

    def logs(self, output: OutputSection) -> Logs:
        """Of no rows."""
        return Unlogged(self.path, output)

    def save_checkpoint(self, iteration: int, content: bytes, keep: Keep = KEEP) -> None:
        """Nor this."""


class Unlogged(Logs):
    """Neither begun nor looked for."""

    def begin(self, rows: Sequence[Row]) -> None:
        """There is none."""
