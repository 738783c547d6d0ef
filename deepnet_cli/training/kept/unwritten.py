"""The directory of a run that leaves none: arrays in, a model out."""

from pathlib import Path

from deepnet_cli.training.kept.background import Background
from deepnet_cli.training.kept.run_directory import KEEP, Keep, RunDirectory


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

    def save_checkpoint(self, iteration: int, content: bytes, keep: Keep = KEEP) -> None:
        """Nor this."""
