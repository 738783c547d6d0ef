"""New folders: to stay, durable, and to go when the work in them is done."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from deepnet_cli.errors import ConfigError
from deepnet_cli.files import cannot, sync_directory
from deepnet_cli.signals import Leaving


def make_directory(path: Path) -> None:
    """A new directory, durable; its parents too.

    Raises FileExistsError where it is there, ConfigError below a file, MachineError.
    """
    try:
        _make(path)
    except FileExistsError:
        raise
    except NotADirectoryError:
        raise ConfigError(f"{path}: lies below a file; choose another directory") from None
    except OSError as error:
        raise cannot("make", path, error) from error


def _make(path: Path) -> None:
    if not path.parent.is_dir():
        with suppress(FileExistsError):  # by another process just now, or it is a file
            _make(path.parent)
    path.mkdir()
    sync_directory(path.parent)


@contextmanager
def temporary_folder(prefix: str, place: Path | None = None) -> Iterator[Path]:
    """A new folder, in `place` or where temporary files are: it goes, with all in it, when the
    block ends or the process is made to leave.  Raises MachineError.
    """
    from shutil import rmtree
    from tempfile import gettempdir

    try:
        place = place or Path(gettempdir())
    except OSError as error:
        raise cannot("write", Path("the temporary folder"), error) from error
    path = place / f"{prefix}{os.urandom(6).hex()}"
    remove = partial(rmtree, path, ignore_errors=True)
    with Leaving(remove):
        try:
            path.mkdir(mode=0o700)
        except OSError as error:
            raise cannot("write", place, error) from error
        try:
            yield path
        finally:
            remove()
