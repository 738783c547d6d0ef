"""What goes to stderr, where nobody listening is no reason to stop working; and bytes to stdout."""

import contextlib
import shlex
import sys
from pathlib import Path

import click


def say(text: str) -> None:
    """A line of progress, a warning, or the next useful command."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def put(content: bytes) -> None:
    """All of it to stdout.  Where that is not buffered, a pipe that breaks takes a part and is
    silent; it is at the rest that it raises BrokenPipeError.
    """
    if sys.stdout is None:  # it is closed
        return
    out, rest = sys.stdout.buffer, memoryview(content)
    while rest:
        rest = rest[out.write(rest) :]
    out.flush()


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
