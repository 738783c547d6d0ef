"""From facts to a config: what is chosen for each key, and why.

The numbers here did well, without being tuned to any of them, on the sets that come with
deepnet and on those of tests/made.py, beside linear models and the best that can be had.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log2, sqrt
from typing import Union

from deepnet_cli.config.starting.facts import Facts

HELD_OUT = 0.15
"""Of the rows, to choose by; and as many to judge by where there are enough."""

FEW, ENOUGH = 40, 1000
"""Rows, for a part of them to choose by, and for another one to judge by."""

NARROWEST, WIDEST, WIDEST_FOR_CLASSES = 16, 128, 256
"""Units of the first hidden layer."""

SMALLEST, LARGEST, BATCHES = 16, 256, 50
"""Examples in a batch, and about how many batches there are in an epoch."""

UPDATES, EPOCHS, FEWEST_EPOCHS = 3000, 100, 10
"""That a run has at least, unless it is stopped before; the last where the others take long."""

MULTIPLICATIONS = 2e11
"""Of a run, at most: about ten seconds on one core."""

L2, EXAMPLES_TO_L2 = 20.0, 20
"""The strength of the penalty, at most; and how many examples there are for each unit of it."""

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


def hidden(facts: Facts) -> list[int]:
    """The units of two hidden layers, by the number of rows; no fewer than there are classes."""
    first = min(max(NARROWEST, _power_of_two(1.4 * sqrt(facts.m))), WIDEST)
    classes = facts.outputs if facts.kind == "classes" else 1
    first = max(first, min(_power_of_two(classes), WIDEST_FOR_CLASSES))
    return [first, first if classes > first // 2 else first // 2]


def batch(facts: Facts) -> int:
    """Examples in a batch."""
    return min(max(SMALLEST, _power_of_two(facts.m / BATCHES)), LARGEST, facts.m)


def epochs(facts: Facts) -> int:
    """How often every example is seen, if training is not stopped before."""
    first, second = hidden(facts)
    weights = first * (facts.n + second) + second * facts.outputs
    most = MULTIPLICATIONS / (3 * weights * facts.m)
    wanted = max(EPOCHS, UPDATES // ceil(facts.m / batch(facts)))
    return int(max(FEWEST_EPOCHS, min(wanted, most)))


def l2(facts: Facts) -> float:
    """lambda for a J of about 1; a J of several labels or numbers is their mean."""
    strength = min(L2, facts.m / EXAMPLES_TO_L2)
    return strength if facts.kind == "classes" else strength / facts.outputs


def _power_of_two(size: float) -> int:
    return int(2 ** max(0, round(log2(size))))


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
    if facts.missing:
        why = f"{facts.missing:,} values are missing; the feature's mean stands in for them"
        chosen["impute"] = Chosen("mean", why)
    if facts.task == "numbers":
        why = "y too: costs are then of about 1, figures and predictions stay in its units"
        chosen["scale_y"] = Chosen("standardize", why)
    return chosen


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
        "batch_size": Chosen(batch(facts), f"{ceil(rows / batch(facts)):,} updates an epoch"),
        "shuffle": Chosen(True, f"{order}: the rows are sorted by y" if facts.sorted else order),
        "l2": Chosen(_told(l2(facts)), _small_because(facts)),
        **stop,
    }


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
