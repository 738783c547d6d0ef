"""Runs beside each other."""

from collections.abc import Sequence

from deepnet_cli.config.resolved import flat
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.report.page.about import counted, ending, network
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import tag
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import grid


def overview(runs: Sequence[Facts]) -> Section:
    """A row a run."""
    rows = [
        [
            facts.label,
            network(facts),
            counted(facts.run.summary.get("parameters", "")),
            facts.run.made,
            counted(facts.run.summary.get("seconds", "")),
            ending(facts),
        ]
        for facts in runs
    ]
    head = ["run", "network", "parameters", "updates", "seconds", "state"]
    return Section("The runs", [grid(head, rows, "Runs")])


def differences(runs: Sequence[Facts]) -> Section:
    """A row for each key of the configs that is not the same in all."""
    trees = [flat(parse(facts.config.encode(), "").tree) for facts in runs]
    keys = dict.fromkeys(key for tree in trees for key in tree)
    rows = [
        [key, *(_told(tree.get(key)) for tree in trees)]
        for key in keys
        if any(tree.get(key) != trees[0].get(key) for tree in trees)
    ]
    if not rows:
        return Section("What differs", [tag("p", "Nothing: the configs are the same.")])
    return Section("What differs", [grid(["key", *_labels(runs)], rows, "Keys of the configs")])


def side_by_side(runs: Sequence[Facts]) -> Section | None:
    """A row for each figure of a part, the test part first."""
    names = dict.fromkeys(
        (part, name)
        for facts in runs
        for part, figures in facts.run.figures.items()
        for name in figures
    )
    rows = [
        [f"{part} {name}", *(facts.run.figures.get(part, {}).get(name, "") for facts in runs)]
        for part, name in sorted(names, key=lambda pair: pair[0] != "test")
    ]
    return Section("Figures", [grid(["", *_labels(runs)], rows, "Figures")]) if rows else None


def _labels(runs: Sequence[Facts]) -> list[str]:
    return [facts.label for facts in runs]


def _told(value: object) -> str:
    return "" if value is None else str(value)
