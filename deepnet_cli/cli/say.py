"""All that is printed: progress and warnings to stderr, results to stdout.

A name from a file, a config or the command line cannot drive a terminal: what does not print is
written out.
"""

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from deepnet_cli.errors import escaped


def say(text: str) -> None:
    """A line of progress, a warning, or the next useful command, to stderr: nobody listening is no
    reason to stop working.
    """
    with contextlib.suppress(OSError):
        print(escaped(text), file=sys.stderr, flush=True)


def tell(text: str) -> None:
    """A result, to stdout.  Raises OSError."""
    print(escaped(text), flush=True)


def mark(word: str, color: str, text: str) -> None:
    """A result, to stdout, behind a word that has a color where a terminal shows some and the user
    wants them (https://no-color.org).  Raises OSError.
    """
    plain = (
        not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    )
    print(f"{word if plain else click.style(word, color)}{escaped(text)}", flush=True)


def speaks_utf8() -> bool:
    """Whether standard output takes more than ASCII."""
    return (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")


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


@contextlib.contextmanager
def last_words(*, needed: bool) -> Iterator[None]:
    """Results of which all has been written already: a reader who has gone misses nothing, and
    where they are not `needed` there may be no terminal any more.
    """
    try:
        yield
    except OSError as error:
        if needed and not isinstance(error, BrokenPipeError):
            raise
        discard(1)


def discard(descriptor: int) -> None:
    """What is still buffered can't be written: keep the interpreter from trying at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def typed(command: str, path: Path, settings: tuple[str, ...] = ()) -> str:
    """A deepnet command as it is typed in a shell, with the --code of the one that is running."""
    words = [str(path), *(word for setting in settings for word in ("--set", setting))]
    ctx = click.get_current_context(silent=True)
    if code := ctx and ctx.params.get("code"):
        words += ["--code", str(code)]
    return f"deepnet {command} {in_shell(*words)}"


def in_shell(*words: str) -> str:
    """Words as they are typed in a shell, whatever is in them."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    plain = {byte: chr(byte) for byte in range(32, 127)} | {ord("'"): r"\'", ord("\\"): r"\\"}
    return "$'" + "".join(plain.get(byte, f"\\x{byte:02x}") for byte in os.fsencode(word)) + "'"


def warn(warnings: list[str]) -> None:
    """What is likely a mistake, each with its place."""
    for warning in warnings:
        say(f"warning: {warning}")
