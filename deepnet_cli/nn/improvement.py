"""What is better of two values of a figure: the smaller or the larger, as the figure has it."""

from math import isfinite

from deepnet_cli.nn.metrics import SMALLER_IS_BETTER


def smaller_is_better(figure: str) -> bool:
    """Of a figure of training, or (`val_` before its name) of validation."""
    return figure.removeprefix("val_") in SMALLER_IS_BETTER


def improves(figure: str, new: float, old: float | None, by: float = 0.0) -> bool:
    """Whether a value is better than an old one by more than `by`; what is not finite never is."""
    if not isfinite(new):
        return False
    if old is None:
        return True
    return new < old - by if smaller_is_better(figure) else new > old + by


def reaches(figure: str, value: float, target: float) -> bool:
    """Whether a value is as good as a target."""
    return value == target or improves(figure, value, target)
