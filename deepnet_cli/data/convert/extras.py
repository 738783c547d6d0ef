"""Libraries that only some formats need."""

from importlib import import_module
from typing import Any

from deepnet_cli.errors import DataError


def needed(module: str, extra: str, what: str) -> Any:
    """The library.  Raises DataError with the line that installs it."""
    try:
        return import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise DataError(f"{what} take {library}; pip install 'deepnet-cli[{extra}]'") from None
