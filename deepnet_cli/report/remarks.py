"""What is worth knowing of data before training on them, the most important first."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deepnet_cli.data.describing.columns import Columns
from deepnet_cli.data.describing.inspection import Found, Inspection
from deepnet_cli.data.describing.profile import Profile
from deepnet_cli.data.describing.target import exact
from deepnet_cli.data.files.storage import unwieldy
from deepnet_cli.errors import one_line, shortened
from deepnet_cli.nn.types import Array

UNEQUAL = 100.0
"""Times that one range is another's, or a number is 1, from which on it is worth a scaling."""

IMBALANCED = 10.0

NAMED = 3
"""Columns that are named; of more it is said how many."""

LONGEST_NAME = 24


@dataclass(frozen=True)
class Remark:
    """What there is, and what to do about it."""

    kind: str
    what: str
    do: str


def remarks(inspection: Inspection) -> list[Remark]:
    """Those of all parts."""
    if not inspection.found:
        return []
    first, *others = inspection.found
    turned = [Remark("axis", "x counts examples on its last axis", "data.examples: last")]
    told = [*turned * first.last, *of_y(first), *between(inspection.found), *of_x(first)]
    for each in others:
        told += [r for r in (*of_y(each), *of_x(each)) if r.kind in ("y missing", "missing")]
    return told + list(of_storage(inspection))


def of_y(found: Found) -> Iterator[Remark]:
    """What is odd about y."""
    target, p = found.profile.target, found.profile
    if target is None:
        return
    y = f"'{one_line(found.y or '')}'"
    if target.kind in ("constant", "text"):
        yield Remark(
            "no target", f"{y}: {target.why}; there is nothing to learn", "name another: --y"
        )
    if target.missing:
        what = f"{y}: {target.missing:,} of {p.m:,} are missing, the first at row"
        yield Remark("y missing", f"{what} {target.first_missing}", "remove these rows")
    if target.kind == "numbers" and target.numbers is not None:
        mean, deviation = np.abs(target.numbers.mean).max(), target.numbers.deviation.max()
        if mean + deviation > UNEQUAL:
            what = f"{y} is large: mean {mean:.3g}, deviation {deviation:.3g}"
            yield Remark("large y", what, "data.scale_y: standardize")
    for j in p.answers:
        yield Remark("answer", f"{_column(found, j)} is y itself", "make x without it")


def between(found: list[Found]) -> Iterator[Remark]:
    """What parts have in common that they shouldn't, or the other way round."""
    first = found[0]
    for each in found[1:]:
        if each.profile.n != first.profile.n:
            what = f"{each.part} has {each.profile.n} features, {first.part} {first.profile.n}"
            yield Remark("features", what, "a network takes one number of features")
        if each.shared:
            what = f"{each.shared:,} of {each.profile.m:,} rows of {each.part} stand in train too"
            yield Remark("shared", what, "remove them: figures on them say little")


def of_x(found: Found) -> Iterator[Remark]:
    """What is odd about the rows and columns of x, and about the order of both."""
    yield from _missing(found, found.profile.columns)
    yield from _scales(found, found.profile.columns)
    yield from _order(found)
    yield from _repeated(found.profile)
    yield from _useless(found, found.profile.columns)


def _missing(found: Found, c: Columns) -> Iterator[Remark]:
    """Values that are not there, or seem not to be."""
    if c.rows_missing:
        kinds = {"NaN": c.statistics.nan.any(), "inf": c.statistics.infinite.any()}
        what = f"{int(c.missing.sum()):,} values are missing "
        what += f"({' and '.join(kind for kind, is_there in kinds.items() if is_there)}), in "
        first = int(c.first_missing[c.first_missing >= 0].min())
        what += f"{c.rows_missing:,} rows ({first}, ...)" if c.rows_missing > 1 else f"row {first}"
        where, do = _columns(found, np.flatnonzero(c.missing)), "data.impute: mean"
        if c.empty.any():
            do = "data.impute: {constant: 0}, for a column has no value at all"
        if kinds["inf"]:
            do = f"write NaN for an infinity that means a missing value; then {do}"
        yield Remark("missing", f"{what}: {where}", do)
    if fills := c.fill_values:
        told = [f"{exact(fill)} ({int(c.fills[c.fill == fill].sum()):,} times)" for fill in fills]
        lies = "lies" if len(told) == 1 else "lie"
        what = f"{' and '.join(told)} {lies} far from the other values: "
        value = exact(fills[0]) if len(fills) == 1 else f"[{', '.join(map(exact, fills))}]"
        do = f"data.missing: {value}, and data.impute: {{name: median, indicators: true}}"
        yield Remark("fill value", what + _columns(found, np.flatnonzero(c.fills)), do)


def _repeated(p: Profile) -> Iterator[Remark]:
    """Rows that are there again."""
    if len(p.repeated):
        rows = "1 row repeats" if len(p.repeated) == 1 else f"{len(p.repeated):,} rows repeat"
        what = f"{rows} an earlier one ({p.repeated[0]} that of {p.repeats[0]})"
        what += f", {p.conflicting:,} with another y" if p.conflicting else ""
        yield Remark("repeated", what, "keep them on one side of a split: data.train.groups")


def _useless(found: Found, c: Columns) -> Iterator[Remark]:
    """Columns that say nothing, or not what they seem to."""
    if c.constant.any():
        where = _columns(found, np.flatnonzero(c.constant))
        yield Remark("constant", f"constant: {where}", "they teach nothing")
    for group in c.equal[:1]:
        more = f" (and {len(c.equal) - 1:,} more such groups)" if len(c.equal) > 1 else ""
        yield Remark("equal", f"equal: {_columns(found, np.array(group))}{more}", "one is enough")
    if c.rising.any():
        where = _columns(found, np.flatnonzero(c.rising))
        what = f"rising from row to row: {where}: a row number, or a time?"
        yield Remark("rising", what, "it teaches nothing of rows to come, where it is one")
    if len(known := found.categorical):
        what = "numbers of categories, by the names in the file"
        yield _categories(found, known, what, unknown=True)
    likely = np.setdiff1d(c.categorical, [*found.categories])
    if len(likely) and len(found.shape) == 2 and len(c.categorical) < found.profile.n:
        missing = bool(found.profile.columns.missing[likely].any())  # it is of no category
        yield _categories(found, likely, "a few whole numbers, of categories?", unknown=missing)


def _categories(found: Found, columns: Array, what: str, *, unknown: bool) -> Remark:
    """`unknown`: whether there may be values of no known category."""
    first = ", ".join(map(str, columns[:NAMED]))
    listed = f"[{first}{', ...' if len(columns) > NAMED else ''}]"
    named = f"{{columns: {listed}, unknown: zeros}}" if unknown else listed
    return Remark("categories", f"{what}: {_columns(found, columns)}", f"data.one_hot: {named}")


def _scales(found: Found, c: Columns) -> Iterator[Remark]:
    """Columns that a network sees too much or too little of."""
    s, ranges, fix = c.statistics, c.ranges, "data.scale: standardize"
    if found.pixels or np.isnan(ranges).all():
        return
    if found.profile.dtype == np.uint8:
        what = "numbers in bytes, no pixels: data.scale: auto would divide them by 255"
        yield Remark("scales", what, "data.scale: none" if c.flags else fix)
        return
    least, most = int(np.nanargmin(ranges)), int(np.nanargmax(ranges))
    low, high = float(ranges[least]), float(ranges[most])
    if high > UNEQUAL * low:
        what = f"ranges differ {_times(high / low)}-fold: {low:.3g} in {_column(found, least)}, "
        yield Remark("scales", f"{what}{high:.3g} in {_column(found, most)}", fix)
    elif c.offset.any():
        where = _columns(found, np.flatnonzero(c.offset))
        yield Remark("offset", f"means lie far from 0 beside the spread: {where}", fix)
    elif (largest := float(s.largest.max())) > UNEQUAL:
        yield Remark("large", f"values are as large as {largest:.3g}", fix)


def _order(found: Found) -> Iterator[Remark]:
    """How labels are balanced, and follow each other."""
    target = found.profile.target
    if target is None:
        return
    if target.sorted and target.examples > 1 and target.kind not in ("constant", "text"):
        what = f"sorted: {100 * target.alike:.0f} % of neighbors have the same y"
        what += f" ({100 * target.chance:.0f} % in a random order)"
        if target.numbers is not None:
            what = f"in order: neighbors have a y that correlates, by {target.alike:.2f}"
        yield Remark("sorted", what, "keep training.shuffle: true")
    if target.kind in ("binary", "classes") and target.classes is not None:
        counts = target.classes.counts
        if target.classes.ratio >= IMBALANCED:
            rare, common = (
                target.classes.names[int(k)] for k in (counts.argmin(), counts.argmax())
            )
            what = f"{target.classes.ratio:,.0f} examples of '{_short(common)}' for one of '"
            loss = "binary_cross_entropy" if target.kind == "binary" else "cross_entropy"
            do = f"loss: {{name: {loss}, class_weight: balanced}}"
            more = "for more recall at more false alarms"
            yield Remark("imbalance", f"{what}{_short(rare)}'", f"{do}, {more}")


def of_storage(inspection: Inspection) -> Iterator[Remark]:
    """What makes reading slow."""
    used = {found.x for found in inspection.found}
    for entry, storage in inspection.datasets:
        why = unwieldy(storage, entry.shape) if storage and entry.name in used else ""
        if why:
            what = f"'{one_line(entry.name)}' is slow to read: {why}"
            yield Remark("storage", what, "deepnet convert --rechunk")


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio < 1e6 else f"{ratio:.0e}"


def _columns(found: Found, columns: Array) -> str:
    """The first of some columns, and how many more there are."""
    named = ", ".join(_column(found, j, bare=j > columns[0]) for j in columns[:NAMED].tolist())
    more = len(columns) - NAMED
    text = f"{named} and {more:,} more" if more > 0 else named
    return text.replace("column ", "columns ", 1) if len(columns) > 1 else text


def _column(found: Found, j: int, *, bare: bool = False) -> str:
    name = f" '{_short(found.names[j])}'" if found.names else ""
    return f"{'' if bare else 'column '}{j}{name}"


def _short(name: str) -> str:
    return shortened(one_line(name), LONGEST_NAME)
