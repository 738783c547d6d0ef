"""What goes to stderr.  Nobody listening there is no reason to stop working."""

import contextlib

import click


def say(text: str) -> None:
    """A line of progress, a warning, or the next useful command."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def warn(warnings: list[str]) -> None:
    """What is likely a mistake, each with its place."""
    for warning in warnings:
        say(f"warning: {warning}")
