"""What is better of two values of a figure: the smaller or the larger, as the figure has it."""

from math import inf, isfinite

from deepnet_cli.nn.metrics import SMALLER_IS_BETTER


def smaller_is_better(figure: str) -> bool:
    """Of a figure of training, or (`val_` before its name) of validation."""
    return figure.removeprefix("val_") in SMALLER_IS_BETTER


def best_of(figure: str) -> float:
    """What no value of a figure is better than: 1, or 0 of an error.  A cost may be negative, and
    so may be what lies between quantiles, which can cross.
    """
    if figure.removeprefix("val_") in ("cost", "width"):
        return -inf
    return 0.0 if smaller_is_better(figure) else 1.0


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
