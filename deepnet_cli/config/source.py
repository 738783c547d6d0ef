"""Where a config comes from: a file, a pipe, or a program that has it as a dict."""

import sys
from collections.abc import Mapping
from pathlib import Path

from deepnet_cli.config.document import Document
from deepnet_cli.config.schema import plain_name
from deepnet_cli.config.yaml_reader import LARGEST, parse
from deepnet_cli.config.yaml_writer import dumped
from deepnet_cli.data.convert.formats import command
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.files import cannot, check_readable, read_pipe

RUN_CONFIG = "config.yaml"
"""The config in a run directory."""

Tree = Mapping[str, object]
"""A config that was made by a program, and stands nowhere."""


def place_of(source: Path | Tree) -> Path | None:
    """The file of a config; None of one that comes from a program, a pipe or standard input."""
    if isinstance(source, Mapping) or str(source) == "-" or source.is_fifo():
        return None
    return source


def directory_of(source: Path | Tree) -> Path:
    """What the paths in a config are relative to: its directory, or the working one."""
    place = place_of(source)
    return Path() if place is None else place.parent


def name_of(source: Path | Tree) -> str:
    """What a config is called that has no name."""
    place = place_of(source)
    return "config" if place is None else plain_name(place.stem)


def document_of(source: Path | Tree) -> Document:
    """It as a tree with places.  Raises ConfigError and MachineError."""
    if isinstance(source, Mapping):
        return parse(dumped({**source}).encode(), "config")
    document = parse(_content(source), str(source))
    if not document.tree and (typed := command(source)):
        raise ConfigError(f"{source}: holds data, and a config was expected; make HDF5: {typed}")
    return document


def _content(path: Path) -> bytes:
    """At most a little more than a config may hold; `-` is standard input, pipes are fine."""
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        if path.is_fifo():
            return read_pipe(path, LARGEST + 1)
        if (path / RUN_CONFIG).is_file():
            raise ConfigError(
                f"{path}: is a run; go on with it by 'deepnet train --resume {path}', "
                f"or train its config again: {path / RUN_CONFIG}"
            )
        check_readable(path)
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except DataError as error:
        raise ConfigError(str(error)) from None  # a config is the user's own word: usage
    except OSError as error:
        raise cannot("read", path, error) from error
