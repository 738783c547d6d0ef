"""The health of each layer: whether anything moves its units."""

from collections.abc import Sequence

import numpy as np

from deepnet_cli.nn.health import LayerHealth, faults, health
from deepnet_cli.report.health import sentences
from deepnet_cli.report.page.facts import Facts, Held
from deepnet_cli.report.page.html import Node, tag
from deepnet_cli.report.page.scores import examined
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import grid

EXAMPLES = 1000
"""Of the held-out ones, at most, that the layers are looked at by."""


def layers(runs: Sequence[Facts]) -> Section | None:
    """A row for each, and a sentence for what is wrong."""
    (facts,) = runs
    if facts.held is None:
        return None
    found = _found(facts.held)
    rows = [_row(each) for each in found]
    wrong: list[Node] = [tag("p", told, class_="alarm") for told in sentences(faults(found))]
    if not wrong:
        wrong = [tag("p", "No layer is dead, saturated, or cut off from the gradient.")]
    head = ["layer", "activation", "|W|", "|dW|", "dead units", "saturated"]
    told = f"The parameters that are kept, on {examined(facts.held, EXAMPLES)}"
    return Section("The layers", [*wrong, grid(head, rows, told)])


def _found(held: Held) -> list[LayerHealth]:
    model, table = held.model, held.outcomes.table
    part = model.supply(table).sample(min(EXAMPLES, table.m), model.config.seed, "health")
    with np.errstate(all="ignore"):
        return health(model.objective, model.theta, part.X, part.Y, part.weights)


def _row(each: LayerHealth) -> list[object]:
    norms = each.weight_norm, each.gradient_norm
    return [
        str(each.layer),
        each.activation,
        *("" if value is None else value for value in norms),
        *("" if share is None else f"{100 * share:.0f} %" for share in (each.dead, each.saturated)),
    ]
