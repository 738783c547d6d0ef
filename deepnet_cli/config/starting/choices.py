"""From facts to a config: what is chosen for each key, and why.

What is chosen did well, without being tuned to any of them, on the sets that come with
deepnet and on those of tests/made.py, beside linear models and the best that can be had.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Union

from deepnet_cli.config.starting.facts import Facts
from deepnet_cli.config.starting.sizes import batch, epochs, hidden, l2

HELD_OUT = 0.15
"""Of the rows, to choose by; and as many to judge by where there are enough."""

FEW, ENOUGH = 40, 1000
"""Rows, for a part of them to choose by, and for another one to judge by."""

RATE, FACTOR, STALE, PATIENCE = 0.001, 0.3, 3, 10
"""The learning rate, its reductions, and after how many rows of the history; and when to stop."""

ROWS = 50
"""Of the history, about (config/job.py)."""

RARE = 20
"""Examples for one of the rarest class, from which on the accuracy says little."""


@dataclass(frozen=True)
class Chosen:
    """A value of the config, and a sentence that says why."""

    value: object
    why: str = ""


Choices = Mapping[str, Union[Chosen, "Choices"]]


def choices(facts: Facts, parts: Mapping[str, Chosen]) -> Choices:
    """The config for these facts; `parts` is how it names what the file has: "train", and its own
    "validation" and "test" where there are some.
    """
    held_out = {part: share for part, share in _held_out(facts).items() if part not in parts}
    rows = facts.m - round(HELD_OUT * facts.m) * len(held_out)
    return {
        "seed": Chosen(0, "every random number follows from it"),
        "data": {"train": parts["train"], **held_out, **parts, **_scaled(facts)},
        "model": _model(facts),
        "loss": Chosen(LOSSES[facts.task], _loss_because(facts)),
        "training": _training(facts, rows, chosen_by="validation" in {*held_out, *parts}),
    }


def values(choices: Choices) -> dict[str, object]:
    """The config itself."""
    return {
        key: chosen.value if isinstance(chosen, Chosen) else values(chosen)
        for key, chosen in choices.items()
    }


def reasons(choices: Choices, prefix: str = "") -> dict[str, str]:
    """{"data.scale": WHY, ...}"""
    told: dict[str, str] = {}
    for key, chosen in choices.items():
        if not isinstance(chosen, Chosen):
            told |= reasons(chosen, f"{prefix}{key}.")
        elif chosen.why:
            told[prefix + key] = chosen.why
    return told


def _held_out(facts: Facts) -> Choices:
    """What is chosen by, and what is judged by, where a file does not say so."""

    def part(why: str) -> Choices:
        share: Choices = {"fraction": Chosen(HELD_OUT, f"held out {why}")}
        if facts.tells_apart and min(facts.counts) > 1:
            share = {**share, "stratify": Chosen(True, "each class gives its share")}
        return share

    parts: Choices = {}
    if facts.m >= FEW:
        parts = {"validation": part("to choose by: what costs least on these rows is kept")}
    if facts.m >= ENOUGH:
        parts = {**parts, "test": part("to judge by, once, at the end")}
    return parts


def _scaled(facts: Facts) -> Choices:
    """How x and y are made fit for a network."""
    scale = {
        "pixels": Chosen(255, "pixels: 0 to 255 becomes 0 to 1"),
        "flags": Chosen("none", "every value is 0 or 1"),
        "numbers": Chosen("standardize", _standardized_because(facts)),
    }[facts.x]
    chosen = {"scale": scale}
    if facts.fills:
        values = [
            int(fill) if fill.is_integer() and abs(fill) < 1e6 else fill for fill in facts.fills
        ]
        why = "twice or more it lies far from all other values: nothing was measured"
        chosen["missing"] = Chosen(values[0] if len(values) == 1 else values, why)
    if facts.missing or facts.fills:
        chosen["impute"] = _imputed(facts)
    if facts.categories:
        named: object = {"columns": list(facts.categories), "unknown": "zeros"}
        why = "numbers of categories, which the file names: a feature each; none for unknown ones"
        chosen["one_hot"] = Chosen(named, why)
    if facts.task == "numbers":
        why = "y too: costs are then of about 1, figures and predictions stay in its units"
        chosen["scale_y"] = Chosen("standardize", why)
    return chosen


def _imputed(facts: Facts) -> Chosen:
    if facts.empty:
        return Chosen({"constant": 0}, "a column has no value at all, so no mean of its own")
    if facts.fills:
        why = "the feature's median stands in, and a feature more says where"
        return Chosen({"name": "median", "indicators": True}, why)
    why = f"{facts.missing:,} values are missing; the feature's mean stands in for them"
    return Chosen("mean", why)


def _standardized_because(facts: Facts) -> str:
    because, (low, high) = "each feature to mean 0 and deviation 1", facts.spreads
    return f"{because}, which goes from {low:.3g} to {high:.3g}" if high > 2 * low > 0 else because


def _model(facts: Facts) -> Choices:
    sizes = hidden(facts)
    output = OUTPUTS[facts.task]
    about = output.because.format(facts.outputs)
    activations = ["relu"] * len(sizes) + [output.activation]
    return {
        "layers": Chosen([*sizes, facts.outputs], f"wide enough for {facts.m:,} rows; {about}"),
        "activations": Chosen(activations, output.activation_because.format(facts.second)),
    }


def _loss_because(facts: Facts) -> str:
    because = f"y is taken for {TAKEN_FOR[facts.task]}: {facts.why}"
    if facts.rare < RARE:
        return because
    return (
        f"{because}; one row in {facts.rare:,} is of the rarest class. To find more of these, with "
        f"more false alarms: {{name: {LOSSES[facts.task]}, class_weight: balanced}}"
    )


def _training(facts: Facts, rows: int, *, chosen_by: bool) -> Choices:
    """For so many rows that are not held out."""
    told = "rows of the history"
    if (every := ceil(epochs(facts) / ROWS)) > 1:
        told += f", {every} epochs each"
    rate: Chosen | Choices = Chosen(RATE, "what suits adam")
    stop: Choices = {}
    if chosen_by:
        rate = {
            "schedule": Chosen("reduce_on_plateau", "smaller steps when val_cost stalls"),
            "initial": Chosen(RATE, "what suits adam"),
            "factor": Chosen(FACTOR),
            "patience": Chosen(STALE, told),
        }
        patience = Chosen(PATIENCE, "rows without a lower val_cost end it")
        stop = {"early_stopping": {"patience": patience}}
    order = "a new order each epoch"
    most = ", at most" if chosen_by else ""
    return {
        "optimizer": Chosen("adam", "finds a step size for each weight itself"),
        "learning_rate": rate,
        "epochs": Chosen(epochs(facts), f"how often each row is seen{most}"),
        "batch_size": Chosen(batch(facts), _updates(ceil(rows / batch(facts)))),
        "shuffle": Chosen(True, f"{order}: the rows are sorted by y" if facts.sorted else order),
        "l2": Chosen(_told(l2(facts)), _small_because(facts)),
        **stop,
    }


def _updates(n: int) -> str:
    return f"{n:,} update{'s' * (n != 1)} an epoch"


def _small_because(facts: Facts) -> str:
    because = "small weights learn less noise by heart"
    return f"{because}: there are more features than rows" if facts.n > facts.m else because


def _told(number: float) -> float:
    """Two digits of it; an int where it is whole."""
    rounded = float(f"{number:.2g}")
    return int(rounded) if rounded.is_integer() else rounded


@dataclass(frozen=True)
class Output:
    """The output activation, and what is said of it and of the units."""

    activation: str
    because: str
    activation_because: str


OUTPUTS = {
    "binary": Output("sigmoid", "1 output", "sigmoid: the probability of '{}'"),
    "classes": Output(
        "softmax", "an output for each class", "softmax: probabilities that add to 1"
    ),
    "multilabel": Output(
        "sigmoid", "an output for each label", "sigmoid: labels do not exclude each other"
    ),
    "counts": Output("exp", "{} output", "exp: how many are expected, never below 0"),
    "numbers": Output("linear", "{} output", "linear: any number may come out"),
}

TAKEN_FOR = {
    "binary": "two classes",
    "classes": "classes",
    "multilabel": "labels",
    "counts": "counts",
    "numbers": "numbers",
}

LOSSES = {
    "binary": "binary_cross_entropy",
    "classes": "cross_entropy",
    "multilabel": "binary_cross_entropy",
    "counts": "poisson",
    "numbers": "mean_squared_error",
}
