"""What y most likely is, how it is spread, and what guessing costs.

    binary       two classes
    classes      several, as labels or one-hot
    multilabel   labels of 0 and 1 that do not exclude each other
    counts       whole numbers >= 0, many different ones
    numbers      any others
    constant     one value: there is nothing to learn
    text         several words a row, which is no label

Guessing is to give every example the same outputs, the best there are: how frequent each class
is, the mean, of mean_absolute_error the median.  It is what a training has to beat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.types import Array

MOST_CLASSES = 1000
"""Of whole numbers 0, 1, 2, ... or 1, 2, 3, ...; more are counts."""

MOST_ODD_CLASSES = 20
"""Of other whole numbers, and of floats."""

NEARLY = 0.9
"""Share of a run of whole numbers that has to occur."""

MOST_EXACT = 2**64
"""Whole numbers below it are written out."""

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Classes:
    """The classes that occur: their names, and how many examples (K,) each has."""

    names: tuple[str, ...]
    counts: Array

    @property
    def ratio(self) -> float:
        """How many examples the largest has for one of the smallest."""
        return float(self.counts.max() / self.counts.min())


@dataclass(frozen=True)
class Numbers:
    """Of each output (K,): its name, mean, deviation and skewness, and QUANTILES (5, K)."""

    names: tuple[str, ...]
    mean: Array
    deviation: Array
    skewness: Array
    quantiles: Array


@dataclass(frozen=True)
class Target:
    """What y is, told of the examples whose y is not missing.

    `alike` is the share of them whose class is that of the one before, of numbers the correlation
    with it, and `chance` what it is in a random order.
    """

    kind: str
    why: str
    examples: int
    outputs: int = 1  # columns in y
    classes: Classes | None = None  # of a multilabel y: how often each label is 1
    numbers: Numbers | None = None
    alike: float = 1.0
    chance: float = 1.0
    guess: dict[str, float] = field(default_factory=dict)
    missing: int = 0  # rows with NaN or infinity
    first_missing: int = -1  # of these; -1 where there is none

    @property
    def sorted(self) -> bool:
        """Whether neighbours are more alike than any shuffled order makes them."""
        spread = 1.0 if self.numbers else self.chance * (1 - self.chance)
        likely = 4 * np.sqrt(spread / max(self.examples, 1))
        return bool(self.alike > self.chance + max((1 - self.chance) / 2, likely))


def target(y: Array, names: Mapping[int, str], columns: Sequence[str] = ()) -> Target:
    """What y (m,) or (m, K) is; `names` are those of classes, by how they stand in y or by their
    column, and `columns` (K,) those of several numbers or labels.
    """
    if y.dtype.kind in "OSUT":
        if y.ndim > 1:
            return Target("text", f"text in {y.shape[1]} columns", len(y), y.shape[1])
        values, indices, counts = _distinct(y.astype(str))
        return _of_classes(indices, Classes(tuple(values.tolist()), counts), "text")
    bad = ~np.isfinite(y.reshape(len(y), -1).astype(np.float64)).all(axis=1)
    with np.errstate(all="ignore"):  # numbers may be huge
        kept = y[~bad]
        found = _of_vector(kept, names) if y.ndim == 1 else _of_matrix(kept, names, columns)
    if not bad.any():
        return found
    return replace(found, missing=int(bad.sum()), first_missing=int(bad.argmax()))


def _of_vector(y: Array, names: Mapping[int, str]) -> Target:
    """For y (m,), finite."""
    values, indices, counts = _distinct(y)
    whole = bool((values == np.floor(values)).all())
    if len(values) < 2 or (whole and (why := _classes_because(values, len(y), names))):
        named = tuple(_named(value.item(), names) for value in values)
        return _of_classes(indices, Classes(named, counts), why if len(values) > 1 else "")
    if whole and values[0] >= 0:
        return _of_numbers(y.reshape(-1, 1), "counts", f"{len(values):,} different whole numbers")
    return _of_numbers(y.reshape(-1, 1), "numbers", f"{len(values):,} different numbers")


def _of_matrix(y: Array, names: Mapping[int, str], columns: Sequence[str]) -> Target:
    """For y (m, K), finite."""
    m, K = y.shape
    if not ((y == 0) | (y == 1)).all():
        return _of_numbers(y, "numbers", f"{K} numbers each", columns)
    if (y.sum(axis=1) == 1).all():
        values, indices, counts = _distinct(y.argmax(axis=1))
        classes = Classes(tuple(_named(k, names) for k in values.tolist()), counts)
        return replace(_of_classes(indices, classes, f"one 1 in {K} columns"), outputs=K)
    ones = y.sum(axis=0, dtype=np.int64)
    p = ones / m
    cost = float(np.mean([_binary_cost(each) for each in p]))
    return Target(
        "multilabel",
        f"0 and 1 in {K} columns, not one 1 a row",
        m,
        K,
        Classes(tuple(columns), ones),
        alike=float((y[1:] == y[:-1]).mean()) if m > 1 else 1.0,
        chance=float((p**2 + (1 - p) ** 2).mean()),
        guess={"binary_cross_entropy": cost, "accuracy": float(np.maximum(p, 1 - p).mean())},
    )


def _of_classes(indices: Array, classes: Classes, why: str) -> Target:
    """For the class (m,) of each example."""
    K, m = len(classes.counts), len(indices)
    if K < 2:
        return Target("constant", f"all are {classes.names[0]}" if K else "no value", m)
    share = classes.counts / m
    if K == 2:
        guess = {"binary_cross_entropy": _binary_cost(share[1])}
    else:
        Z = np.broadcast_to(np.log(share)[:, np.newaxis], (K, K))
        costs = LOSSES["cross_entropy"].entries(Z, np.eye(K)).sum(axis=0)
        guess = {"cross_entropy": float(costs @ share)}
    return Target(
        "binary" if K == 2 else "classes",
        why,
        m,
        classes=classes,
        alike=float((indices[1:] == indices[:-1]).mean()),
        chance=float((share**2).sum()),
        guess=guess | {"accuracy": float(share.max())},
    )


def _of_numbers(y: Array, kind: str, why: str, columns: Sequence[str] = ("",)) -> Target:
    """For y (m, K), finite."""
    y = y.astype(np.float64)
    if not len(y):
        return Target("constant", "no value", 0, y.shape[1])
    mean, deviation, median = y.mean(axis=0), y.std(axis=0), np.median(y, axis=0)
    centered = (y - mean) / np.where(deviation > 0, deviation, 1.0)
    constants = {"mean_squared_error": mean, "mean_absolute_error": median}
    if kind == "counts":
        constants["poisson"] = np.log(mean)
    return Target(
        kind,
        why,
        len(y),
        y.shape[1],
        numbers=Numbers(
            tuple(columns),
            mean,
            deviation,
            (centered**3).mean(axis=0),
            np.quantile(y, QUANTILES, axis=0),
        ),
        alike=float((centered[1:] * centered[:-1]).mean()) if len(y) > 1 else 1.0,
        chance=0.0,
        guess={
            name: float(LOSSES[name].entries(np.broadcast_to(constant, y.shape), y).mean())
            for name, constant in constants.items()
        },
    )


def _classes_because(values: Array, m: int, names: Mapping[int, str]) -> str:
    """Why whole numbers (K,), ascending, are those of classes; empty where they are not."""
    K, low, high = len(values), values[0], values[-1]
    if K == 2:
        return f"two values, {exact(low)} and {exact(high)}"
    told = f"{K} whole numbers, {exact(low)} to {exact(high)}"
    if names and {*values.tolist()} <= {*names}:
        return f"{told}, with names in the file"
    integers = values.dtype.kind != "f"
    run = low in (0, 1) and NEARLY * (high - low + 1) <= K
    most = MOST_CLASSES if run and integers else MOST_ODD_CLASSES
    return told if (run or integers) and most >= K and m >= 2 * K else ""


def _named(value: float, names: Mapping[int, str]) -> str:
    return names.get(int(value), exact(value))


def exact(value: float) -> str:
    """A finite number in full: whole ones without a point, where they are not very large."""
    whole = int(value)
    return (
        str(whole)
        if abs(whole) < MOST_EXACT and float(whole) == float(value)
        else repr(float(value))
    )


def _binary_cost(p: float) -> float:
    """Binary cross-entropy where label 1 has the share p and always gets the probability p."""
    if p in (0, 1):
        return 0.0
    Z, Y = np.full((1, 2), np.log(p / (1 - p))), np.array([[0.0, 1.0]])
    costs = LOSSES["binary_cross_entropy"].entries(Z, Y)[0]
    return float((1 - p) * costs[0] + p * costs[1])


def _distinct(values: Array) -> tuple[Array, Array, Array]:
    """The different values (K,), the index (m,) of each among them, and how often each is there."""
    different, indices, counts = np.unique(values, return_inverse=True, return_counts=True)
    return different, indices.reshape(-1), counts
