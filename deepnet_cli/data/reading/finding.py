"""Which dataset of a file is x and which is y, where nobody said.

A part ("train", "validation", "test") is looked for by its own names first (x_train,
train_x, train_set_x, train/x, ...), then by plain ones (x, features, ...), whatever their
case, at the root first and then in groups; and last by shape: where there is one table, or
one that holds floats or images, and one dataset of its length.  What is not clear is not
guessed: the message lists what there is and the lines to write (data/reading/unclear.py).
"""

from collections.abc import Collection

from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.data.files.survey import TEXT, Entry
from deepnet_cli.data.reading.unclear import Lines, unclear
from deepnet_cli.data.reading.words import (
    NAMING_WORDS,
    OTHER_WORDS,
    PART_WORDS,
    X_WORDS,
    Y_WORDS,
    ranked,
    says,
    surest,
)
from deepnet_cli.errors import DataError

COULD_BE_X, COULD_BE_Y = "could be x", "could be y"

Apart = tuple[str | None, ...]
"""Datasets that have another use; None is none."""


def find_x(source: Source, part: str, hint: str | None = None, apart: Apart = ()) -> str:
    """The name of the dataset that holds the examples of `part`.  Raises DataError.

    `hint` is taken where there is such a dataset and no name speaks of the part; what is set
    `apart`, such as weights, is neither x nor y.
    """
    entries = _entries(source, apart)
    tables = [entry for entry in entries if not _why_not_x(entry)]
    named = ranked(tables, part, X_WORDS) | ranked(entries, part, X_WORDS[:1])
    if named and (chosen := surest(named)):
        return chosen  # of what is called x it will be told why it is none
    if named:
        raise _x_unclear(source, part, apart)
    if hint in [entry.name for entry in entries]:
        return str(hint)
    for narrower in (_is_table, _is_wide, _is_measured):
        tables = [entry for entry in tables if narrower(entry)]
        if len(tables) == 1:
            return tables[0].name
    raise _x_unclear(source, part, apart)


def find_y(
    source: Source,
    part: str,
    x: str,
    m: int,
    hint: str | None = None,
    apart: Apart = (),
) -> str:
    """The name of the dataset that holds the labels or targets of the m examples of `x`.

    Where names say so of several, it is the one that stands nearest to x.  Raises DataError.
    """
    x = x.strip("/")
    entries = [entry for entry in _entries(source, apart) if entry.name != x]
    fitting = [entry for entry in entries if not _why_not_y(entry, m)]
    numbers = [entry for entry in entries if entry.dtype != TEXT]
    named = ranked({*fitting, *numbers}, part, Y_WORDS, near=x)
    if named and (chosen := surest(named)):
        return chosen  # if it does not fit, it will be told why not
    if named:
        raise _y_unclear(source, part, x, m, apart)
    if hint in [entry.name for entry in entries]:
        return str(hint)
    alike = _alike(entries, part, m)
    if len(alike) == 1:
        return alike[0].name
    raise _y_unclear(source, part, x, m, apart)


def only_turned(source: Source, part: str, x: str, m: int, other: int, apart: Apart = ()) -> bool:
    """Whether some dataset could be y for as many examples as x has on its other axis, and none
    for the m of this one.
    """
    entries = [entry for entry in _entries(source, apart) if entry.name != x.strip("/")]
    return not _alike(entries, part, m) and bool(_alike(entries, part, other))


def could_be_y(source: Source, part: str, x: str, m: int) -> list[str]:
    """The names of what could be y for the m examples of `x`, the likeliest first."""
    named = [entry for entry in source.entries if entry.name == x.strip("/")]
    return [entry.name for entry in _fit(source, part, m, named)]


def _x_unclear(source: Source, part: str, apart: Apart) -> DataError:
    used = _used(source, apart)
    verdicts = {entry: used.get(entry) or _why_not_x(entry) for entry in source.entries}
    tables = [entry for entry, reason in verdicts.items() if not reason]
    lines: Lines = {}
    if tables:
        x = tables[0]
        fit = _fit(source, part, x.shape[0], [x, *used])
        verdicts |= dict.fromkeys(fit, COULD_BE_Y)
        named = surest(ranked(fit, part, Y_WORDS, near=x.name))
        single = next((entry.name for entry in fit if entry not in tables), None)
        lines = {"x": x.name, "y": named or single}
    verdicts |= dict.fromkeys(tables, COULD_BE_X)
    return unclear(source, "x", part, verdicts, lines)


def _y_unclear(source: Source, part: str, x: str, m: int, apart: Apart) -> DataError:
    table = next((entry for entry in source.entries if entry.name == x), None)
    used = _used(source, apart) | ({table: "is x"} if table else {})
    verdicts = {entry: used.get(entry) or _why_not_y(entry, m) for entry in source.entries}
    fit = _fit(source, part, m, used)
    verdicts |= dict.fromkeys(fit, COULD_BE_Y)
    lines: Lines = {"x": x, "y": fit[0].name if fit else None}
    first, last = (table.shape[0], table.shape[-1]) if table and table.shape else (m, m)
    axis, k = ("last", last) if m == first else ("first", first)
    if only_turned(source, part, x, m, k, apart):
        turned = _fit(source, part, k, used)
        verdicts |= dict.fromkeys(turned, f"{COULD_BE_Y} with examples: {axis}; x has {k} there")
        lines |= {"y": turned[0].name, "examples": axis}
    return unclear(source, "y", part, verdicts, lines)


def _alike(entries: Collection[Entry], part: str, m: int) -> list[Entry]:
    """What could be y for m examples, without what is called as something else is."""
    fitting = [entry for entry in entries if not _why_not_y(entry, m)]
    others = ranked(fitting, part, OTHER_WORDS)
    return [entry for entry in fitting if entry.name not in others]


def _fit(source: Source, part: str, m: int, used: Collection[Entry]) -> list[Entry]:
    """What could be y for m examples: last what is called as something else is, before it what
    names the examples.
    """
    entries = [entry for entry in source.entries if entry not in used]
    alike = _alike(entries, part, m)
    others = [entry for entry in entries if entry not in alike and not _why_not_y(entry, m)]
    return [*sorted(alike, key=lambda entry: says(entry.name, NAMING_WORDS)), *others]


def _used(source: Source, apart: Apart) -> dict[Entry, str]:
    """What is named as something else."""
    names = {(name or "").strip("/") for name in apart}
    return {e: "named for another use" for e in source.entries if e.name in names}


def parts_in(source: Source) -> list[str]:
    """The parts whose examples a file names as theirs."""
    return [p for p in PART_WORDS if ranked(source.entries, p, X_WORDS, plain=False)]


def part_to_predict(source: Source) -> str:
    """What `predict` and `evaluate` look at: the test part where the file has one."""
    parts = parts_in(source)
    return "test" if "test" in parts or not parts else parts[0]


def part_of(source: Source, name: str, default: str) -> str:
    """The part that the name of an x or y speaks of, or the default where it speaks of none."""
    entries = [entry for entry in source.entries if entry.name == name.strip("/")]
    parts = [p for p in PART_WORDS if ranked(entries, p, X_WORDS + Y_WORDS, plain=False)]
    return parts[0] if parts else default


def _entries(source: Source, apart: Apart) -> list[Entry]:
    """What may be x or y: what serves others is neither."""
    others = {(name or "").strip("/") for name in apart}
    return [entry for entry in source.entries if entry.name not in others and not entry.aside]


def _why_not_x(entry: Entry) -> str:
    """Why a dataset cannot be x; nothing where it can."""
    if entry.problem or entry.aside:
        return entry.problem or entry.aside
    if entry.dtype == TEXT:
        return "text, no numbers"
    return "" if len(entry.shape) > 1 else "one dimension" if entry.shape else "one value"


def _why_not_y(entry: Entry, m: int) -> str:
    """Why a dataset cannot be y for m examples; nothing where it can."""
    if entry.problem or entry.aside:
        return entry.problem or entry.aside
    if not entry.shape:
        return "one value"
    if m in (entry.shape[0], entry.shape[-1]):
        return ""
    return f"of {max(entry.shape[0], entry.shape[-1])} examples, not {m}"


def _is_table(entry: Entry) -> bool:
    return 0 not in entry.shape


def _is_wide(entry: Entry) -> bool:
    """More than one number an example."""
    return sum(n > 1 for n in entry.shape) > 1


def _is_measured(entry: Entry) -> bool:
    """Floats, or images of any kind: no one-hot labels."""
    return entry.dtype.startswith("float") or len(entry.shape) > 2
