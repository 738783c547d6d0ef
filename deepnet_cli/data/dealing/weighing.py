"""Class weights: how much the examples of a class count in J, times weights of their own."""

import numpy as np

from deepnet_cli.data.reading.labels import Classes
from deepnet_cli.nn.losses import shares
from deepnet_cli.nn.types import Array

FLAGS = {"false": "0", "true": "1"}


def class_named(name: str, classes: Classes) -> int | None:
    """The index of the class of that name: as it is shown, or as it stands in y."""
    values = tuple(str(value) for value in classes.values)
    for known in (classes.names, values):
        for text in (name, FLAGS.get(name.lower())):
            if text in known:
                return known.index(text)
    return None


def balanced(indices: Array, K: int, weights: Array | None) -> Array:
    """(K,): under these the classes present in `indices` (m,) weigh the same in all; 1 for others.

    m / (classes present * examples of the class), these by their own weights if they have some
    (scikit-learn's "balanced").
    """
    parts = np.bincount(indices, shares(weights, len(indices)), K)
    present = parts > 0
    even = np.ones(K)
    even[present] = 1 / (present.sum() * parts[present])
    return even


def weighed(indices: Array, class_weights: Array, weights: Array | None) -> Array:
    """The weights (m,) of examples of these classes, which may have some of their own."""
    of_class: Array = class_weights[indices]
    return of_class if weights is None else of_class * (weights / weights.max())
