"""From files to a file: what was read, what was written, and what there is to say of both."""

import shutil
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from deepnet_cli.data.convert.formats import FORMATS, TARGETS, Format, format_of, target_of
from deepnet_cli.data.convert.speed import Speed, reading_speed
from deepnet_cli.data.convert.stream import CLASS_NAMES, Block, Choices, Field, Meter, Stream
from deepnet_cli.errors import ConfigError, DataError, MachineError, did_you_mean, listed
from deepnet_cli.files import written
from deepnet_cli.memory import told
from deepnet_cli.nn.types import Array

CLASSES = 100
"""Different labels that are counted."""


@dataclass(frozen=True)
class Made:
    """What was written, and how fast."""

    path: Path
    fields: tuple[Field, ...]
    classes: dict[str, dict[str, int]]  # of each field of labels: how many examples each has
    notes: tuple[str, ...]
    bytes_in: int
    bytes_out: int
    seconds: float
    speeds: dict[str, tuple[Speed, Speed]]  # of each dataset that was laid out anew


def understood(
    paths: list[Path],
    output: Path,
    choices: Choices,
    only: tuple[str, ...],
    meter: Meter,
) -> Stream:
    """What is to be written.  Raises DataError and ConfigError, before anything is."""
    names = {path: format_of(path) for path in paths}
    name = names[paths[0]]
    known = FORMATS[name]
    if len(paths) > 1 and not (known.several and set(names.values()) == {name}):
        raise ConfigError(
            f"{paths[1]}: several files are taken of IDX only; convert {paths[0]} by itself"
        )
    _check_choices(name, known, choices)
    target = target_of(output)
    if choices.rechunk and target is not TARGETS["HDF5"]:
        raise ConfigError("--rechunk goes from HDF5 to HDF5")
    stream = known.read(paths, choices, meter)
    if name == "HDF5" and target is TARGETS["HDF5"] and not choices.rechunk:
        raise ConfigError(
            f"{paths[0]}: is an HDF5 file: it can be trained on as it is; to lay it out anew for "
            "reading, add --rechunk"
        )
    stream = _only(stream, only, paths[0])
    if target is TARGETS["NPY"]:
        stream = _examples(stream, paths[0])
    return stream


def convert(
    stream: Stream, paths: list[Path], output: Path, compression: str, meter: Meter, *, timed: bool
) -> Made:
    """Write a stream that was read from `paths`.  `timed`: measure what this gains.

    Raises DataError, MachineError; then `output` stays as it was.
    """
    target = target_of(output)
    needed = sum(field.nbytes for field in stream.fields)
    if target is not TARGETS["CSV"] and compression == "none":
        _check_space(output, needed)
    began = time.perf_counter()
    before = reading_speed(paths[0]) if timed else {}
    began = meter.began + (time.perf_counter() - began)
    tally = Tally(stream)
    with written(output) as file:
        target.write(file, tally.stream, compression)
    seconds = time.perf_counter() - began
    after = reading_speed(output) if timed else {}
    return Made(
        output,
        stream.fields,
        tally.classes(),
        stream.notes,
        sum(_size(path) for path in paths),
        output.stat().st_size,
        seconds,
        {name: (before[name], after[name]) for name in before if name in after},
    )


class Tally:
    """Counts the labels of a stream as they go by."""

    def __init__(self, stream: Stream) -> None:
        self._of = stream
        self._counts: dict[str, Counter[object]] = {
            field.name: Counter()
            for field in stream.fields
            if len(field.shape) == 1
            and field.dtype.kind in "biuO"
            and field.name not in CLASS_NAMES
        }
        self._names: Array = np.empty(0, object)
        self.stream = replace(stream, blocks=self._blocks)

    def _blocks(self, wanted: Collection[str]) -> Iterator[Block]:
        seen: dict[str, Counter[object]] = {name: Counter() for name in self._counts}
        for block in self._of.blocks(wanted):
            for name, values in block.items():
                if name in seen and len(seen[name]) <= CLASSES:
                    seen[name].update(values.tolist())
                elif name in CLASS_NAMES:
                    self._names = values
            yield block
        self._counts.update({name: counts for name, counts in seen.items() if counts})

    def classes(self) -> dict[str, dict[str, int]]:
        """How many examples there are of each class, by name where it has one."""
        K = len(self._names)
        told = {}
        for field, counts in self._counts.items():
            if 0 < len(counts) <= CLASSES:
                named = all(isinstance(label, int) and 0 <= label < K for label in counts)
                told[field] = {
                    str(self._names[int(label)] if named else label): counts[label]  # type: ignore[call-overload]
                    for label in sorted(counts)  # type: ignore[type-var]
                }
        return told


def _check_choices(name: str, known: Format, choices: Choices) -> None:
    """Refuse an option that means nothing here."""
    for option in fields(Choices):
        given = getattr(choices, option.name) != option.default
        if given and option.name not in known.takes:
            takers = listed(n for n, other in FORMATS.items() if option.name in other.takes)
            raise ConfigError(f"--{option.name.replace('_', '-')} is for {takers}; this is {name}")
    if choices.label and choices.no_label:
        raise ConfigError("--label goes without --no-label")
    if choices.like and (choices.label or choices.drop or choices.text):
        raise ConfigError(
            "--like says which columns there are; it goes without --label, --drop and --text"
        )


def _only(stream: Stream, only: tuple[str, ...], path: Path) -> Stream:
    """The fields that were named."""
    for name in only:
        if name not in stream.names:
            near = did_you_mean(name, stream.names)
            raise ConfigError(f"{path}: has no '{name}'{near} (found: {listed(stream.names)})")
    kept = tuple(field for field in stream.fields if not only or field.name in only)
    return replace(stream, fields=kept)


def _examples(stream: Stream, path: Path) -> Stream:
    """The one dataset that an .npy holds: x, or the only one with more than one axis."""
    tables = [field for field in stream.fields if len(field.shape) >= 2]
    chosen = [f for f in stream.fields if f.name == "x"] or tables
    if len(chosen) != 1 and len(stream.fields) != 1:
        found = listed(stream.names)
        raise DataError(f"{path}: an .npy holds one array; name it with --only (found: {found})")
    return replace(stream, fields=tuple(chosen[:1] or stream.fields))


def _check_space(output: Path, needed: int) -> None:
    folder = output.parent
    if folder.is_dir() and (free := shutil.disk_usage(folder).free) < needed:
        raise MachineError(
            f"{output}: takes {told(needed)} but {told(free)} are free; free some space, or add "
            "--compression lzf"
        )


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
