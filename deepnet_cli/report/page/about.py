"""What was trained, on what, and how it ended."""

from collections.abc import Iterator, Sequence

from deepnet_cli.config.data_schema import DataFile
from deepnet_cli.config.datasets import PARTS
from deepnet_cli.config.load import resolved
from deepnet_cli.config.several_files import names_of
from deepnet_cli.report.model import training_line
from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import Node
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import figure, grid, pairs

STATES = {
    "training": "being trained at this moment",
    "ended": "ended",
    "diverged": "diverged",
    "stopped": "stopped; it can go on",
    "broken off": "broken off; it can go on",
}


def about(runs: Sequence[Facts]) -> Section:
    """The network, its training and its data."""
    (facts,) = runs
    rows = [*_trained(facts)]
    return Section("What was trained on what", [pairs(rows), _data(facts)])


def _trained(facts: Facts) -> Iterator[tuple[str, Node]]:
    run, summary = facts.run, facts.run.summary
    yield "network", network(facts)
    if (count := summary.get("parameters")) is not None:
        yield "parameters", figure(count)
    if run.config is not None:
        yield "training", training_line(run.config)
        yield "seed", str(run.config.seed)
    yield "updates made", f"{run.made:,}{_epochs(facts)}"
    if isinstance(seconds := summary.get("seconds"), int | float):
        yield "time", f"{seconds:,.1f} s"
    if isinstance(best := summary.get("best"), dict):
        yield (
            "kept",
            f"the parameters with the best {best.get('monitor')}, "
            + (f"after iteration {figure(best.get('iteration'))}"),
        )


def ending(facts: Facts) -> str:
    """How the run stands, and why it ended."""
    run, told = facts.run, STATES[facts.run.state]
    if run.state == "training":
        return f"{told}, by {run.user}"
    if run.state == "broken off":
        return told
    return f"{run.summary.get('stopped')}: {run.summary.get('reason')}"


def network(facts: Facts) -> str:
    """n[0] and the units of each layer with its activation."""
    if facts.held is not None:
        built = facts.held.model.network
        layers = [f"{layer.units} {layer.activation.name}" for layer in built.layers]
        return " → ".join([str(built.features), *layers])
    config = facts.run.config
    return "" if config is None else " → ".join(str(spec.units) for spec in config.model.layers)


def _epochs(facts: Facts) -> str:
    epochs = facts.run.summary.get("epochs")
    if not isinstance(epochs, int | float):
        return ""
    return f" ({figure(epochs)} epoch{'s' * (epochs != 1)})"


def _data(facts: Facts) -> Node:
    """A row for each part."""
    data = facts.run.summary.get("data")
    known = data if isinstance(data, dict) else {}
    rows = []
    for part in PARTS:
        told, file = known.get(part), file_of(facts, part)
        told = told if isinstance(told, dict) else {}
        if told or file:
            counts = (told.get(key, "") for key in ("examples", "features"))
            rows.append([part, file, *counts, str(told.get("x_sha256", ""))[:12]])
    head = ["part", "file", "examples", "features", "sha256 of X"]
    return grid(head, rows, "Data") if rows else None


def file_of(facts: Facts, part: str) -> str:
    """The files of a part, or that it was split off."""
    config = facts.run.config
    where = getattr(config.data, part) if config is not None else None
    if config is None or where is None:
        return ""
    if not isinstance(where, DataFile):
        return "split off from train"
    named = names_of(config.data.file_of(where))
    return ", ".join(str(resolved(name, facts.run.path)) for name in named)
