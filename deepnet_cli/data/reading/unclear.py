"""What to say where x or y is not clear: all that there is, and the lines to write."""

import json
import re
import shlex
from collections.abc import Collection
from itertools import groupby, islice

from deepnet_cli.data.files.conventions import SINGLE
from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.data.files.survey import Entry
from deepnet_cli.errors import DataError, one_line, shortened

MOST_LISTED, FIRST_LISTED = 20, 6
"""Datasets in all, and of each kind before more of another."""

LONGEST_CELL = 60
PLAIN = re.compile(r"(?!(true|false|null)$)[a-z_][\w./-]*", re.IGNORECASE)
"""What a config takes for text without quotes."""

Lines = dict[str, str | None]
"""What a config could say: a dataset for "x" and for "y", an axis for "examples"."""


def unclear(
    source: Source,
    letter: str,
    part: str,
    verdicts: dict[Entry, str],
    names: Lines,
) -> DataError:
    """The error that lists each dataset with what it could be, or why it could not.

    `names` are the lines to write as far as they are known.
    """
    if not verdicts:
        return DataError(f"{source.path}: holds no dataset")
    listed = _listed(verdicts)
    cells = [(*_cells(entry), verdicts[entry]) for entry in listed]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [f"{source.path}: cannot tell which dataset is {letter} ({part}); it holds"]
    lines += ["    " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    if len(verdicts) > len(listed):
        lines.append(f"    and {len(verdicts) - len(listed)} more")
    known = {key: name for key, name in names.items() if name is not None}
    if letter in known:
        lines += _to_write(source, letter, part, known)
    else:
        odd = next((entry for entry in verdicts if entry.odd), None)
        if odd and odd.odd:
            lines.append(f"  {odd.odd.advice(source.path, odd.name)}")
        elif _are_columns(verdicts):
            lines.append(f"  {SINGLE.advice(source.path, '')}")
    return DataError("\n".join(lines))


def _are_columns(entries: Collection[Entry]) -> bool:
    """Whether a file has a dataset for each column, and nothing else."""
    shapes = {entry.shape if entry.dtype and "/" not in entry.name else () for entry in entries}
    return len(shapes) == 1 and len(entries) > 1 and len(shapes.pop()) == 1


def _listed(verdicts: dict[Entry, str]) -> list[Entry]:
    """What could be x, then what could be y, then the others: some of each, as many as may be."""

    def kind(entry: Entry) -> int:
        return [*map(verdicts[entry].startswith, ("could be x", "could be y", ""))].index(True)

    kinds = groupby(sorted(verdicts, key=kind), kind)
    first = [entry for _, entries in kinds for entry in islice(entries, FIRST_LISTED)]
    others = [entry for entry in verdicts if entry not in first]
    return sorted([*first, *sorted(others, key=kind)[: MOST_LISTED - len(first)]], key=kind)


def _cells(entry: Entry) -> tuple[str, str, str]:
    """Name, shape and type."""
    shape = str(entry.shape) if entry.dtype or entry.shape else ""
    return shortened(one_line(entry.name), LONGEST_CELL), shape, entry.dtype


def _to_write(source: Source, letter: str, part: str, names: dict[str, str]) -> list[str]:
    if source.written is None:
        return [f"  name it: --{letter} {shlex.quote(names[letter])}"]
    examples = [f"      examples: {names['examples']}"] if "examples" in names else []
    return [
        "  name them in the config, such as",
        "    data:",
        *examples,
        f"      {part}:",
        f"        file: {_yaml(source.written)}",
        *(f"        {key}: {_yaml(names[key])}" for key in "xy" if key in names),
    ]


def _yaml(text: str) -> str:
    return text if PLAIN.fullmatch(text) else json.dumps(text)
