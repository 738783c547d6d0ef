"""Runs beside each other."""

from collections.abc import Sequence

from deepnet_cli.report.page.about import ending, file_of, network
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import tag
from deepnet_cli.report.page.scores import headline
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import grid
from deepnet_cli.report.runs import as_written, differing
from deepnet_cli.training.results.listing import trained
from deepnet_cli.training.results.outcomes import HELD_OUT


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
    """A row for each figure of a part, what says most first."""
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
    return Section("Figures", [grid(["", *_labels(runs)], rows, "Figures")]) if rows else None


def _labels(runs: Sequence[Facts]) -> list[str]:
    return [facts.label for facts in runs]
