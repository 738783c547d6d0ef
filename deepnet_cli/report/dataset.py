"""What `deepnet inspect` says of a data file: on one screen of 80 columns."""

from collections.abc import Iterator, Sequence
from textwrap import fill, indent

from deepnet_cli.data.describing.columns import Columns
from deepnet_cli.data.describing.inspection import Found, Inspection
from deepnet_cli.data.describing.target import Classes, Target
from deepnet_cli.data.files.storage import Storage
from deepnet_cli.errors import one_line, shortened
from deepnet_cli.memory import told
from deepnet_cli.report.figures import COLUMNS, fits
from deepnet_cli.report.remarks import Remark, remarks
from deepnet_cli.report.table import table

Caps = dict[str, int]

CAPS: list[Caps] = [
    {"datasets": 10, "classes": 6, "columns": 6, "remarks": 6},
    {"datasets": 8, "classes": 6, "columns": 4, "remarks": 5},
    {"datasets": 6, "classes": 4, "columns": 3, "remarks": 4},
    {"datasets": 6, "classes": 4, "columns": 2, "remarks": 3},
]
"""How many of each are shown without --all: as many as fit on a screen."""

SCREEN = 40
"""Lines."""

TITLES = ("title", "description", "licence", "license")
BRIEF = ("mean", "std", "min", "median", "max")
"""Of numbers, where all would be too wide."""

WIDEST, NARROWEST = 30, 10
"""Of a name, where there is room and where there is not."""

BAR = 24


def data_text(inspection: Inspection, block: str, *, everything: bool) -> str:
    """All parts, one below the other; `block` is what bars are made of."""
    every = remarks(inspection)
    if everything:
        return _text(inspection, every, block, dict.fromkeys(CAPS[0], 10**9), brief=False)
    texts = (_text(inspection, every, block, caps, brief=True) for caps in CAPS)
    short = (text for text in texts if text.count("\n") < SCREEN)
    return next(short, "") or _text(inspection, every, block, CAPS[-1], brief=True)


def _text(
    inspection: Inspection, every: list[Remark], block: str, most: Caps, *, brief: bool
) -> str:
    """The same with so many of each; `brief`: little is said of the parts after the first."""
    size = f"{told(inspection.size)}, {_count(len(inspection.datasets), 'dataset')}"
    head = fill(f"{one_line(inspection.path)}: {size}", COLUMNS, break_long_words=False)
    parts = [[head, *_titles(inspection)], list(_tree(inspection, most["datasets"]))]
    for number, found in enumerate(inspection.found):
        parts.append(list(_part(found, most, block, brief=brief and number > 0)))
    parts.append(list(_remarks(every, most["remarks"])))
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _titles(inspection: Inspection) -> list[str]:
    """What the file says that it is."""
    known = {name.casefold(): text for name, text in inspection.attributes.items()}
    return [_cut(known[name], COLUMNS) for name in TITLES if name in known][:2]


def _tree(inspection: Inspection, most: int) -> Iterator[str]:
    """A line a dataset, those that are used first of all."""
    datasets = inspection.datasets
    if not datasets:
        return
    used = [each for each in datasets if inspection.role(each[0].name)]
    others = [each for each in datasets if not inspection.role(each[0].name)]
    shown = sorted((used + others)[:most], key=lambda each: each[0].name)
    rows = []
    for entry, storage in shown:
        shape = str(entry.shape) if entry.dtype or entry.shape else ""
        size, how = _stored(storage)
        cells = [_cut(entry.name, WIDEST), shape, entry.dtype, inspection.role(entry.name), size]
        rows.append([*cells, one_line(entry.problem or entry.aside) or how])
    head = ["dataset", "", "", "used", "stored", ""]
    yield from (_cut(line, COLUMNS) for line in table(head, rows).splitlines())
    if len(datasets) > most:
        yield f"and {len(datasets) - most:,} more: --all"


def _stored(storage: Storage | None) -> tuple[str, str]:
    """How many bytes, and how they are packed."""
    if storage is None:
        return "", ""
    ratio = f" {storage.ratio:.1f}x" if storage.ratio else ""
    words = ["+".join(storage.filters) + ratio] if storage.filters else []
    words += [f"chunks {storage.chunks}"] if storage.chunks else []
    return told(storage.stored), ", ".join(words)


def _part(found: Found, most: Caps, block: str, *, brief: bool) -> Iterator[str]:
    """What x and y of a part are like."""
    p = found.profile
    shape = f" of shape {found.shape_of_one}" if len(found.shape) > 2 else ""
    yield f"{found.part}: {_count(p.m, 'example')} with {_count(p.n, 'feature')}{shape}, {p.dtype}"
    if p.target is not None:
        yield from _target(p.target, 0 if brief else most["classes"], block)
    elif found.problem:
        yield from _problem(found.problem, most["datasets"])
    if not brief:
        yield from _x(found, most["columns"])


def _problem(problem: str, most: int) -> Iterator[str]:
    """Why there is no y; of the datasets that it could be the first."""
    first, *others = problem.splitlines()
    yield fill(f"  y: {first}", COLUMNS, subsequent_indent="     ")
    if len(others) > most + 1:
        others = [*others[:most], "    ...", others[-1]]
    yield from (_cut(f"   {line}", COLUMNS) for line in others)


def _target(target: Target, most: int, block: str) -> Iterator[str]:
    """What y is, its classes or numbers, and what guessing costs."""
    outputs = f", {target.outputs} columns" if target.outputs > 1 else ""
    yield _cut(f"  y: {target.kind} ({target.why}){outputs if target.numbers else ''}", COLUMNS)
    if target.classes is not None and most:
        yield from _classes(target.classes, target.examples, most, block)
    if target.numbers is not None and most:
        yield from _numbers(target, most)
    if target.guess:
        guess = ", ".join(f"{name} {value:.4g}" for name, value in target.guess.items())
        yield fill(f"     guessing: {guess}", COLUMNS, subsequent_indent=" " * 15)


def _classes(classes: Classes, examples: int, most: int, block: str) -> Iterator[str]:
    """A bar for each class; of many, for the largest and the smallest."""
    K, counts = len(classes.names), classes.counts.tolist()
    order = list(range(K))
    if most < K:
        order = sorted(order, key=lambda k: -counts[k])
        order = order[: most // 2] + order[K - most // 2 :]
    names = [_cut(classes.names[k], WIDEST) for k in order]
    largest = max(1, *counts)  # of flags none may be set
    width, wide = max(map(len, names)), len(f"{largest:,}")
    for place, (k, name) in enumerate(zip(order, names, strict=True)):
        if most < K and place == most // 2:
            yield f"     {'...':<{width}}  {K - len(order):,} more classes: --all"
        bar = block * round(BAR * counts[k] / largest)
        share = f"{100 * counts[k] / examples:5.1f} %"
        yield f"     {name:<{width}}  {counts[k]:>{wide},}  {share}  {bar}".rstrip()


def _numbers(target: Target, most: int) -> Iterator[str]:
    numbers = target.numbers
    if numbers is None:
        return
    heads = ["", "mean", "std", "skew", "min", "25 %", "median", "75 %", "max"]
    figures = [numbers.mean, numbers.deviation, numbers.skewness, *numbers.quantiles]
    K = len(numbers.names)

    def text(shown: Sequence[str], digits: int) -> str:
        kept = [each for name, each in zip(heads[1:], figures, strict=True) if name in shown]
        rows = [
            [_cut(numbers.names[k], 16), *(float(f"{each[k]:.{digits}g}") for each in kept)]
            for k in range(min(most, K))
        ]
        return indent(table(["", *shown], rows), " " * 5)

    full = text(heads[1:], 4)
    yield from (full if fits(full) else text(BRIEF, 3)).splitlines()
    if most < K:
        yield f"     and {K - most:,} more: --all"


def _x(found: Found, most: int) -> Iterator[str]:
    """The range of all, and the columns where they are features by themselves."""
    c = found.profile.columns
    s = c.statistics
    if s.count.any():
        mean = float((s.mean * (s.count / s.count.sum())).sum())
        missing = int(c.missing.sum())
        gone = f"{missing:,} missing" if missing else "none missing"
        yield f"  x: {s.low.min():.4g} to {s.high.max():.4g}, mean {mean:.4g}, {gone}"
    if len(found.shape) > 2:
        return
    heads = ["", "column" if found.names else "", "mean", "std", "min", "max", "missing", ""]
    columns = range(min(most, found.profile.n))
    for widest in (WIDEST, NARROWEST):
        rows = [_row(found, c, j, widest) for j in columns]
        text = indent(table(heads, rows), " " * 5)
        if fits(text):
            break
    yield from (_cut(line, COLUMNS) for line in text.splitlines())
    if found.profile.n > most:
        yield f"     and {_count(found.profile.n - most, 'more column')}: --all"


def _row(found: Found, c: Columns, j: int, widest: int) -> list[object]:
    s = c.statistics
    figures = (s.mean, c.deviation, s.low, s.high)
    name = _cut(found.names[j], widest) if found.names else ""
    return [str(j), name, *(float(a[j]) for a in figures), int(c.missing[j]), _note(found, j)]


def _note(found: Found, j: int) -> str:
    c = found.profile.columns
    if j in found.categories:
        return _cut(", ".join(found.categories[j]), WIDEST)
    if c.constant[j]:
        return "constant"
    if c.fills[j]:
        return f"{c.fill[j]:g} x{c.fills[j]}"
    if c.rising[j]:
        return "rising"
    return _count(int(c.distinct[j]), "value") if c.distinct[j] else ""


def _remarks(every: Sequence[Remark], most: int) -> Iterator[str]:
    for remark in every[:most]:
        what, do = f"! {one_line(remark.what)}", f"-> {remark.do}"
        if len(what) + 1 + len(do) <= COLUMNS:
            yield f"{what} {do}"
            continue
        yield fill(what, COLUMNS, subsequent_indent="  ", break_on_hyphens=False)
        yield fill(f"  {do}", COLUMNS, subsequent_indent="     ", break_on_hyphens=False)
    if len(every) > most:
        yield f"and {_count(len(every) - most, 'more remark')}: --all"


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def _cut(text: str, width: int) -> str:
    return shortened(one_line(text), width)
