"""What is useful next where a run has not come to its end."""

from pathlib import Path

from deepnet_cli.cli.say import typed
from deepnet_cli.training.kept.inspecting import Run
from deepnet_cli.training.run.post_mortem import NAME


def going_on(run: Run, path: Path) -> str:
    """The last line of a command about it; nothing where it has ended, or goes on by itself."""
    if run.can_go_on:
        return f"go on: {typed('train --resume', path)}"
    if run.state == "diverged" and NAME in dict(run.files):
        return f"next: {typed('replay', path)}"
    return ""
