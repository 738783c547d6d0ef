"""Runs beside each other."""

from collections.abc import Iterator, Sequence

from deepnet_cli.errors import DataError, DeepnetError
from deepnet_cli.report.comparison import NO_EVIDENCE, called
from deepnet_cli.report.page.about import ending, file_of, network
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import Node, tag
from deepnet_cli.report.page.scores import headline
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import grid
from deepnet_cli.report.runs import as_written, differing
from deepnet_cli.training.results.comparing import UNJUDGED, Comparison, compared
from deepnet_cli.training.results.listing import trained
from deepnet_cli.training.results.outcomes import HELD_OUT
from deepnet_cli.training.results.pairing import Side


def overview(runs: Sequence[Facts]) -> Section:
    """A row a run."""
    rows = [
        [
            facts.label,
            file_of(facts, "train"),
            network(facts),
            facts.run.summary.get("parameters", ""),
            facts.run.made,
            facts.run.summary.get("seconds", ""),
            headline(facts.held) if facts.held is not None else "",
            ending(facts),
        ]
        for facts in runs
    ]
    head = ["run", "data", "network", "parameters", "updates", "seconds", "held out", "state"]
    return Section("The runs", [grid(head, rows, "Runs")])


def differences(runs: Sequence[Facts]) -> Section:
    """A row for each key of the configs that is not the same in all."""
    listed = [trained(facts.run.path) for facts in runs]
    rows = [
        [key, *(as_written(each.keys.get(key), key) for each in listed)]
        for key in differing(listed)
    ]
    if not rows:
        return Section("What differs", [tag("p", "Nothing that the configs say of training.")])
    return Section("What differs", [grid(["key", *_labels(runs)], rows, "Keys of the configs")])


def side_by_side(runs: Sequence[Facts]) -> Section | None:
    """A row for each figure of a part, what says most first; and what differs surely."""
    names = dict.fromkeys(
        (part, name)
        for facts in runs
        for part, figures in facts.run.figures.items()
        if part in HELD_OUT
        for name in figures
    )
    rows = [
        [f"{part} {name}", *(facts.run.figures.get(part, {}).get(name, "") for facts in runs)]
        for part, name in sorted(names, key=lambda pair: HELD_OUT.index(pair[0]))
    ]
    if not rows:
        return None
    return Section("Figures", [grid(["", *_labels(runs)], rows, "Figures"), *_gained(runs)])


def _gained(runs: Sequence[Facts]) -> Iterator[Node]:
    """Each run against the first, figure by figure, on the rows that both held out."""
    first, *others = runs
    found, notes = dict[str, Comparison](), list[str]()
    for facts in others:
        try:
            found[facts.label] = each = _compared(first, facts)
        except DeepnetError as error:
            notes.append(f"{facts.label}: {error}")
        else:
            notes += [f"{facts.label}: {note}" for note in each.notes]
    names = dict.fromkeys(name for each in found.values() for name in each.figures)
    rows = [
        [called(name, *found.values()), *(_difference(each, name) for each in found.values())]
        for name in names
    ]
    if rows:
        heads = [
            f"{label}, {each.m:,} {each.a.outcomes.part} rows" for label, each in found.items()
        ]
        yield grid(["", *heads], rows, f"Differences from {first.label}, with 95 % intervals")
    yield from (tag("p", note, class_="note") for note in notes)


def _compared(first: Facts, other: Facts) -> Comparison:
    """Raises DataError where it cannot be done."""
    sides = list[Side]()
    for facts in (first, other):
        if facts.held is None:
            raise DataError(facts.why)
        sides.append(Side(facts.run.path, facts.held.model, facts.held.outcomes))
    return compared(*sides)


def _difference(found: Comparison, name: str) -> str:
    if name not in found.figures:
        return ""
    _, _, difference, (low, high), better = found.figures[name]
    said = {"A": "worse", "B": "better", "": "" if name in UNJUDGED else NO_EVIDENCE}[better]
    return f"{difference:+.3g} ({low:.3g} to {high:.3g}){': ' * bool(said)}{said}"


def _labels(runs: Sequence[Facts]) -> list[str]:
    return [facts.label for facts in runs]
