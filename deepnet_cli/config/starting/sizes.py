"""How large a first network, its batches and its penalty are, and how long it is trained: by the
number of rows above all.
"""

from math import ceil, log2, sqrt

from deepnet_cli.config.starting.facts import Facts

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
