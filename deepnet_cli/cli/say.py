"""What goes to stderr.  Nobody listening there is no reason to stop working."""

import contextlib
import shlex
from pathlib import Path

import click


def say(text: str) -> None:
    """A line of progress, a warning, or the next useful command."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def typed(command: str, path: Path, settings: tuple[str, ...] = ()) -> str:
    """A deepnet command as it is typed in a shell, with the --code of the one that is running."""
    words = [str(path), *(word for setting in settings for word in ("--set", setting))]
    ctx = click.get_current_context(silent=True)
    if code := ctx and ctx.params.get("code"):
        words += ["--code", str(code)]
    return f"deepnet {command} {shlex.join(words)}"


def warn(warnings: list[str]) -> None:
    """What is likely a mistake, each with its place."""
    for warning in warnings:
        say(f"warning: {warning}")
