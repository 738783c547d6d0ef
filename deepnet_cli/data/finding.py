"""Which dataset of a file is x and which is y, where nobody said.

A part ("train", "validation", "test") is looked for by its own names first (x_train,
train_x, train_set_x, train/x, ...), then by plain ones (x, features, ...), and last, where
the file holds just one table and one dataset of the same length, by shape.  What is not
clear is not guessed: the message lists what there is and the lines to write.
"""

from itertools import product

from deepnet_cli.data.hdf5 import Entry, Source
from deepnet_cli.errors import LISTED_NAMES, DataError

X_WORDS = ("x", "features", "inputs", "input", "data", "images")
Y_WORDS = ("y", "labels", "label", "targets", "target", "outputs", "output", "classes")
PART_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
Apart = tuple[str | None, ...]
"""Datasets that have another use; None is none."""

PATTERNS = ("{word}_{part}", "{part}_{word}", "{part}_set_{word}", "{part}/{word}", "{word}/{part}")


def find_x(source: Source, part: str, hint: str | None = None, apart: Apart = ()) -> str:
    """The name of the dataset that holds the examples of `part`.  Raises DataError.

    `hint` is taken where there is such a dataset and no name speaks of the part; what is set
    `apart`, such as weights, is neither x nor y.
    """
    entries = _entries(source, apart)
    named = _by_name(entries, part, X_WORDS)
    if named:
        return named[0]
    if hint in [entry.name for entry in entries]:
        return str(hint)
    tables = [entry.name for entry in entries if len(entry.shape) >= 2 and entry.dtype != "text"]
    if len(tables) == 1:
        return tables[0]
    raise DataError(_unclear(source, entries, "x", part))


def find_y(
    source: Source,
    part: str,
    x: str,
    m: int,
    hint: str | None = None,
    apart: Apart = (),
) -> str:
    """The name of the dataset that holds the labels or targets of the m examples of `x`."""
    entries = _entries(source, apart)
    named = [name for name in _by_name(entries, part, Y_WORDS) if name != x]
    if named:
        return named[0]
    if hint in [entry.name for entry in entries]:
        return str(hint)
    alike = [
        entry.name
        for entry in entries
        if entry.name != x and entry.shape and m in (entry.shape[0], entry.shape[-1])
    ]
    if len(alike) == 1:
        return alike[0]
    raise DataError(_unclear(source, entries, "y", part))


def _entries(source: Source, apart: Apart) -> list[Entry]:
    others = {(name or "").strip("/") for name in apart}
    return [entry for entry in source.entries if entry.name not in others]


def parts_in(source: Source) -> list[str]:
    """The parts whose examples a file names as theirs."""
    return [p for p in PART_WORDS if _by_name(source.entries, p, X_WORDS, plain=False)]


def part_to_predict(source: Source) -> str:
    """What `predict` and `evaluate` look at: the test part where the file has one."""
    parts = parts_in(source)
    return "test" if "test" in parts or not parts else parts[0]


def part_of(source: Source, name: str, default: str) -> str:
    """The part that the name of an x or y speaks of, or the default where it speaks of none."""
    entries = [entry for entry in source.entries if entry.name == name.strip("/")]
    parts = [p for p in PART_WORDS if _by_name(entries, p, X_WORDS + Y_WORDS, plain=False)]
    return parts[0] if parts else default


def _by_name(
    entries: list[Entry], part: str, words: tuple[str, ...], *, plain: bool = True
) -> list[str]:
    """The datasets whose name says that they are `words` of `part`, the surest first."""
    by_folded = {entry.name.casefold(): entry.name for entry in entries}
    wanted = [
        pattern.format(word=word, part=part_word)
        for word, part_word, pattern in product(words, PART_WORDS[part], PATTERNS)
    ]
    if plain:
        wanted += words
    return [by_folded[name] for name in wanted if name in by_folded]


def _unclear(source: Source, entries: list[Entry], letter: str, part: str) -> str:
    if not entries:
        return f"{source.path}: holds no dataset"
    lines = [f"{source.path}: cannot tell which dataset is {letter} ({part}); it holds"]
    lines += [f"    {entry}" for entry in entries[:LISTED_NAMES]]
    if len(entries) > LISTED_NAMES:
        lines.append(f"    and {len(entries) - LISTED_NAMES} more")
    lines.append(
        f"  name it: '{part}: {{file: FILE, x: NAME, y: NAME}}' in a config, "
        f"--{letter} NAME on the command line"
    )
    return "\n".join(lines)
