"""--code: a file of the user's own activations and losses, for every command that has it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from deepnet_cli.config.code import Code

KEY = "deepnet.code"


def code_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --code; the file's activations and losses are known while the command runs."""

    @click.option(
        "--code",
        type=click.Path(path_type=Path),
        metavar="FILE.py",
        help="Run this file of your own activations and losses first.",
    )
    @wraps(command)
    def with_code(*args: Any, code: Path | None, **options: Any) -> Any:
        with _running(code) if code is not None else nullcontext() as loaded:
            click.get_current_context().meta[KEY] = loaded
            return command(*args, **options)

    return with_code


def code_given() -> "Code | None":
    """The file of the running command, where it was given one."""
    code: Code | None = click.get_current_context().meta.get(KEY)
    return code


def _running(file: Path) -> AbstractContextManager["Code"]:
    from deepnet_cli.config.code import running  # and all that checks derivatives

    return running(file)
