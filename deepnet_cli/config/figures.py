"""The figures of the history that a config names: what is measured, and what is monitored."""

from collections.abc import Iterator

from deepnet_cli.config.data_schema import DataSection
from deepnet_cli.config.document import Document, Path
from deepnet_cli.config.schema import TrainingSection
from deepnet_cli.errors import did_you_mean
from deepnet_cli.nn.improvement import best_of, improves
from deepnet_cli.nn.metrics import DEFAULTS, EVERY, METRICS, find, top
from deepnet_cli.nn.network import Network

MONITORED = ["cost", "val_cost", *(f"val_{name}" for name in EVERY)]
"""What a monitor can be; any val_top_K besides, and what training.metrics names."""


def monitors(training: TrainingSection) -> Iterator[tuple[Path, str]]:
    """The places that name a figure of the history, each with the figure."""
    named = {
        "early_stopping": training.early_stopping,
        "target": training.target,
        "learning_rate": training.learning_rate,
    }
    for key, options in named.items():
        if figure := getattr(options, "monitor", None):
            yield ("training", key, "monitor"), figure


def measured(training: TrainingSection, kind: str) -> list[str]:
    """The metrics in each row of the history, of the validation set, for outputs of a kind.

    A target may change when a run goes on, the columns of its history may not: it adds none.
    """
    watched = [figure.removeprefix("val_") for _, figure in monitors(training)]
    if training.target is not None:
        watched.remove(training.target.monitor.removeprefix("val_"))
    return [*(training.metrics or DEFAULTS[kind]), *watched]


def check_figures(document: Document, training: TrainingSection, data: DataSection | None) -> None:
    """Each metric once; something to monitor."""
    metrics = training.metrics or []
    for i, name in enumerate(metrics):
        if name in metrics[:i]:
            document.add(("training", "metrics", i), f"'{name}' stands here already")
    for place, figure in monitors(training):
        if figure in metrics:
            continue
        if figure in EVERY or top(figure):
            document.add(
                place,
                f"{figure} of the training batches is measured where training.metrics names it; "
                f"do so, or monitor val_{figure}",
            )
        elif figure not in MONITORED and not (figure[:4] == "val_" and top(figure[4:])):
            document.add(
                place,
                f"unknown figure '{figure}'{did_you_mean(figure, MONITORED)} "
                f"(one of {', '.join(MONITORED)})",
            )
        elif figure != "cost" and data is not None and data.validation is None:
            document.add(
                place[:-1],
                f"{figure} needs a validation set; add 'validation: {{fraction: 0.1}}' under data, "
                "or monitor the cost of training: 'monitor: cost'",
            )


def check_metrics(document: Document, training: TrainingSection, network: Network) -> None:
    """All of them are known of what the network gives; a target is one that it can reach.  Raises
    ConfigError.
    """
    loss, own = network.loss, METRICS[network.loss.kind]
    asked: dict[Path, str] = {}
    for i, name in enumerate(training.metrics or []):
        asked["training", "metrics", i] = name
    asked |= {place: figure.removeprefix("val_") for place, figure in monitors(training)}
    for place, name in asked.items():
        if name == "cost":
            continue
        if find(loss.kind, name) is None:
            why = did_you_mean(name, own)
            if loss.scored and name in METRICS[loss.target]:
                why = ": its outputs are scores, not probabilities"
            what = f"{loss.name} has no metric '{name}'{why}"
            document.add(place, f"{what} (one of {', '.join(own)})")
        elif (top(name) or 0) >= network.sizes[-1]:
            what = f"{name} of {network.sizes[-1]} classes is always 1; ask for fewer"
            document.add(place, what)
        elif place[1] == "target" and name not in measured(training, loss.kind):
            document.add(place, f"val_{name} is not measured; name {name} in training.metrics")
    document.raise_problems()
    if (target := training.target) is not None:
        best = best_of(target.monitor)
        if improves(target.monitor, target.value, best):
            what = f"is never reached: {target.monitor} is {best:g} at best"
            document.warn(("training", "target", "value"), what)


def check_patience(document: Document, training: TrainingSection, rows: int) -> None:
    """Warns where a run is over before it has run out.  The first row improves on nothing, so it
    is not waited; a rate waits for one more than its patience.
    """
    nothing = {"early_stopping": (1, "stops early"), "learning_rate": (2, "reduces the rate")}
    for key, (more, what) in nothing.items():
        patience = getattr(getattr(training, key), "patience", None)
        if patience is not None and rows < patience + more:
            document.warn(
                ("training", key, "patience"),
                f"the history has {rows} row{'s' * (rows > 1)}, too few for {patience}: "
                f"nothing {what}; ask for less patience, or for more rows",
            )
