"""-o FILE.png: a name that a picture may be written to."""

from pathlib import Path

from deepnet_cli.errors import ConfigError
from deepnet_cli.report.pictures.style import format_of


def check_picture(output: Path, *, force: bool) -> None:
    """Raise ConfigError where the format isn't known, or the file is there and is to stay."""
    format_of(output, f"-o {output}")
    if output.is_file() and not force:
        raise ConfigError(
            f"-o {output}: is there; add --force to replace it, or choose another name"
        )
