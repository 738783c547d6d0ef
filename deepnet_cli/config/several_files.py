"""The files that a config names: one, several, or a pattern such as days/*.h5."""

from pathlib import Path

from deepnet_cli.errors import DataError
from deepnet_cli.files import shown

Files = str | list[str]

WILD = set("*?")
"""What names of files hardly have."""


def names_of(files: Files) -> list[str]:
    """As they are written."""
    return files if isinstance(files, list) else [files]


def files_of(files: Files, directory: Path) -> list[Path]:
    """The paths, those of a pattern by name.  Raises DataError where a pattern matches none."""
    found = list[Path]()
    for name in names_of(files):
        path = shown(directory / name)
        matches = [] if path.exists() else sorted(path.parent.glob(path.name))
        if not matches and WILD & set(path.name) and not path.exists():
            raise DataError(f"{path}: no file has a name like this")
        found += matches or [path]
    return found
