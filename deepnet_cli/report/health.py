"""The layers' health for a reader: a line each, and a sentence for what is wrong."""

from collections.abc import Sequence

from deepnet_cli.errors import listed
from deepnet_cli.nn.health import Fault, LayerHealth, faults
from deepnet_cli.report.table import table

MOST_LAYERS = 12

SENTENCES = {
    "zero": "W is 0{since}: all units are alike; use another model.initialization",
    "dead": "{percent:.0f} % of units dead{since}: lower the learning rate or use leaky_relu",
    "saturated": "{percent:.0f} % of {activation} saturated{since}: scale the features, lower the "
    "learning rate or use relu",
    "fast": "an update moves W by {percent:.0f} % of its size{since}: lower the learning rate",
    "still": "no gradient arrives{since}: the layers above pass none on; use another "
    "model.initialization",
    "vanishing": "the gradient is {value:.0e} of the last layer's{since}: use relu, batch_norm or "
    "fewer layers",
    "exploding": "the gradient is {value:.0e} times the last layer's{since}: scale the features, "
    "use batch_norm or a smaller initialization",
}
"""By the kind of fault (nn/health.py)."""


def sentences(faults: Sequence[Fault], since: str = "") -> list[str]:
    """What is wrong and what helps, a line a kind; `since` is "epoch 3"."""
    by_kind: dict[str, list[Fault]] = {}
    for fault in faults:
        by_kind.setdefault(fault.kind, []).append(fault)
    return [_sentence(alike, since) for alike in by_kind.values()]


def _sentence(alike: Sequence[Fault], since: str) -> str:
    """Of faults of one kind, by the layer that has it worst."""
    worst = (min if alike[0].kind == "vanishing" else max)(alike, key=lambda fault: fault.value)
    told = SENTENCES[worst.kind].format(
        percent=100 * worst.value,
        value=worst.value,
        activation=worst.activation,
        since=f" since {since}" if since else "",
    )
    layers = listed(str(fault.layer) for fault in alike)
    return f"layer{'s' * (len(alike) > 1)} {layers}: {told}"


class Complaints:
    """What is wrong with the layers of a run that goes on; each fault is told once."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, int], str] = {}

    def see(self, layers: Sequence[LayerHealth], when: str) -> list[str]:
        """Sentences for what has come up since the last look, at "epoch 3"."""
        found = {(fault.kind, fault.layer): fault for fault in faults(layers)}
        new = [fault for key, fault in found.items() if key not in self._since]
        self._since = {key: self._since.get(key, when) for key in found}
        return sentences(new, when)


def health_text(layers: Sequence[LayerHealth]) -> str:
    """A line a layer, the first ones of very many, 80 columns at most."""
    head = ["layer", "activation", "|dW|", "|W|", "update/weight", "dead", "saturated"]
    rows: list[list[object]] = [
        [
            str(each.layer),
            each.activation[:16],
            _figure(each.gradient_norm),
            _figure(each.weight_norm),
            _figure(each.update_ratio),
            _percent(each.dead),
            _percent(each.saturated),
        ]
        for each in layers[:MOST_LAYERS]
    ]
    more = len(layers) - MOST_LAYERS
    return table(head, rows) + (f"\nand {more} more layers" if more > 0 else "")


def health_json(layers: Sequence[LayerHealth]) -> list[dict[str, object]]:
    """The same by the names of the fields; null where there is no such thing."""
    return [vars(each) for each in layers]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2e}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:3.0f} %"
