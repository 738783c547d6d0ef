"""What is given as Python has it, as the rest of deepnet takes it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepnet_cli.config.overrides import Implied
from deepnet_cli.config.source import Tree
from deepnet_cli.config.yaml_writer import flowed

if TYPE_CHECKING:
    from deepnet_cli.config.code import Code

PathGiven = str | PathLike[str]
ConfigGiven = PathGiven | Mapping[str, Any]
"""A config file, or what would stand in one as nested dicts."""


def path_of(given: PathGiven) -> Path:
    """A path, ~ being one's home."""
    return Path(fspath(given)).expanduser()


def source_of(given: ConfigGiven) -> Path | Tree:
    """Where a config comes from."""
    return given if isinstance(given, Mapping) else path_of(given)


def settings_of(given: Mapping[str, Any] | None) -> tuple[str, ...]:
    """{"training.l2": 0.1} as --set has it; messages call it as it was given."""
    return tuple(
        Implied(f"{key}={flowed(value)}", f"set={{{key!r}: {value!r}}}")
        for key, value in (given or {}).items()
    )


@contextmanager
def code_of(given: PathGiven | None) -> Iterator["Code | None"]:
    """The file of the user's own activations and losses, which are known inside."""
    if given is None:
        yield None
        return
    from deepnet_cli.config.code import running

    with running(path_of(given)) as code:
        code.check()
        yield code
