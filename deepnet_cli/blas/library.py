"""Shared libraries that Python packages bring."""

from ctypes import CDLL
from importlib.metadata import PackageNotFoundError, distribution


class UnavailableError(Exception):
    """Something cannot be had on this machine; the message says why and what to do."""


def load(package: str, library: str) -> tuple[CDLL, str]:
    """`library`.so of an installed package, and the package's version.  Raises UnavailableError."""
    try:
        found = distribution(package)
    except PackageNotFoundError:
        install = f"python -m pip install {package}"
        raise UnavailableError(f"{package} is not installed: {install}") from None
    files = sorted(file for file in found.files or () if file.name.startswith(f"{library}.so"))
    if not files:
        raise UnavailableError(f"{package} {found.version} has no {library}.so")
    try:
        return CDLL(str(found.locate_file(files[0]))), found.version
    except OSError as error:
        raise UnavailableError(f"{package} {found.version} cannot be loaded: {error}") from None
