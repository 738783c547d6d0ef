"""What is useful next where a run has not come to its end."""

from pathlib import Path

from deepnet_cli.cli.say import typed
from deepnet_cli.training.kept.inspecting import Run


def going_on(run: Run, path: Path) -> str:
    """The last line of a command about it; nothing where it has ended, or goes on by itself."""
    if run.can_go_on:
        return f"go on: {typed('train --resume', path)}"
    return f"next: {typed('replay', path)}" if run.state == "diverged" else ""
