"""deepnet convert"""

import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click

from deepnet_cli.cli.say import last_words, say, tell, typed
from deepnet_cli.data.convert.conversion import convert as converted
from deepnet_cli.data.convert.conversion import understood
from deepnet_cli.data.convert.formats import TARGETS, command, target_of
from deepnet_cli.data.convert.stream import Choices, Meter
from deepnet_cli.errors import ConfigError, MachineError, escaped, listed, one_line
from deepnet_cli.files import json_text
from deepnet_cli.report.conversion import conversion_json, conversion_text

REFRESH = 0.1
"""Seconds between two looks of the bar."""


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, type=click.Path(path_type=Path))
@click.argument("output", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--label",
    "-l",
    multiple=True,
    metavar="COLUMN",
    help="y, by its name or its number from 1; default: label, target, class, y ... or the last.",
)
@click.option("--no-label", is_flag=True, help="There is no y.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="A column to leave out.")
@click.option("--text", multiple=True, metavar="COLUMN", help="A column whose numbers are names.")
@click.option("--header/--no-header", default=None, help="Whether the first line has names.")
@click.option("--missing", multiple=True, metavar="TEXT", help="What else stands for no value.")
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Columns, categories and classes as in FILE, which convert made.",
)
@click.option("--skip-unlabeled", is_flag=True, help="Leave out rows without a label.")
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), help="Of x; default: what holds it."
)
@click.option("--size", metavar="WxH", help="Resize pictures to this width and height.")
@click.option("--gray", is_flag=True, help="Take pictures without their colors.")
@click.option("--only", multiple=True, metavar="NAME", help="A dataset to take; default: all.")
@click.option("--rechunk", is_flag=True, help="From HDF5 to HDF5: lay it out for fast reading.")
@click.option(
    "--compression",
    type=click.Choice(["none", "lzf", "gzip"]),
    default="none",
    show_default=True,
    help="How OUT is packed.",
)
@click.option("--force", is_flag=True, help="Replace OUT where it is there.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as one JSON object.")
def convert(
    inputs: tuple[Path, ...],
    output: Path,
    only: tuple[str, ...],
    compression: str,
    force: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Convert other formats to HDF5, and HDF5 to CSV, NPZ or NPY.

    IN is CSV or TSV (gzipped too), Parquet, Arrow, Feather, NPZ, NPY, IDX (images and labels),
    LIBSVM, MATLAB, a folder of pictures with a subfolder for each class, or HDF5.

    \b
    Example:
        deepnet convert iris.csv iris.h5 --label species
        deepnet convert iris.h5 iris.npz
    """
    if not inputs:
        whole = command(output) or f"{typed('convert', output)} OUT.h5"
        raise ConfigError(f"OUT is missing: {whole}")
    packings = target_of(output).compressions
    if compression not in packings:
        raise ConfigError(f"--compression {compression}: {output.suffix} has {listed(packings)}")
    choices = Choices(**given | {"size": _size(given["size"])})
    _check_output(list(inputs), output, force=force)
    with Bar() as bar:
        stream = understood(list(inputs), output, choices, only, bar)
        for note in stream.notes:
            bar.write(note)
        made = converted(stream, list(inputs), output, compression, bar, timed=choices.rechunk)
    with last_words(needed=as_json):
        tell(json_text(conversion_json(made)) if as_json else conversion_text(made))
    if output.suffix in TARGETS["HDF5"].suffixes:
        to_predict = choices.like is not None or {field.name for field in made.fields} == {"x"}
        say(f"next: {typed('predict RUN' if to_predict else 'init', output)}")


class Bar(Meter):
    """How much was read, as a bar where stderr is a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._shown = 0.0
        self._bar: Any = None

    def __enter__(self) -> "Bar":
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                unit="B",
                unit_scale=True,
                leave=False,
                ncols=max(40, shutil.get_terminal_size().columns - 3),  # room for ^C
                bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining} left]",
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def moved(self, count: int) -> None:
        """Show it, now and then."""
        super().moved(count)
        if self._bar is not None and time.monotonic() - self._shown > REFRESH:
            self._shown = time.monotonic()
            self._bar.total, self._bar.n = max(self.total, self.done), self.done
            self._bar.refresh()

    def write(self, text: str) -> None:
        """A line above the bar."""
        if self._bar is None:
            say(text)
        else:
            self._bar.write(escaped(text), file=sys.stderr)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    if not (found := re.fullmatch(r"([1-9]\d{0,4})[xX]([1-9]\d{0,4})", text)):
        raise ConfigError(f"--size {one_line(text)}: expected a width and a height, such as 28x28")
    return int(found[1]), int(found[2])


def _check_output(inputs: list[Path], output: Path, *, force: bool) -> None:
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise ConfigError(f"{output}: is IN, which stays as it is; give OUT another name")
    if output.is_dir():
        raise ConfigError(f"{output}: is a directory; name a file")
    if not output.parent.is_dir():
        raise MachineError(f"{output}: cannot write: there is no directory '{output.parent}'")
    if output.exists() and not force:
        raise ConfigError(f"{output}: is there; add --force to replace it, or choose another name")
