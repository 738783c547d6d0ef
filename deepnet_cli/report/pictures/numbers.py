"""Pictures of predicted numbers against true ones, on examples that were held out."""

from collections.abc import Iterator

import numpy as np

from deepnet_cli.nn.metrics.numeric import Moments, moments, r2, rmse
from deepnet_cli.nn.types import Array
from deepnet_cli.report.pictures.panels import Chart, Series, name_of, thinned
from deepnet_cli.report.pictures.trained import Measured, Trained
from deepnet_cli.training.results.outcomes import Outcomes

MOST_OUTPUTS = 6
MOST_DOTS = 3000


def predicted(run: Measured) -> list[Chart]:
    """Predictions against what is true, a chart an output; of quantiles what is true over the
    middle one, with what lies between the lowest and the highest.
    """
    found = run.outcomes
    if found.form == "quantiles":
        return [_quantiles(found)]
    return [
        Chart(
            f"{named}predicted against true (R2 {_figures(found)[0][k]:.3f})",
            "true",
            "predicted",
            (_diagonal(found.A[k], found.Y[k]), _dots(found.Y[k], found.A[k])),
            square=True,
        )
        for k, named in _outputs(found)
    ]


def residuals(run: Measured) -> list[Chart]:
    """What is true less what was predicted, over what was predicted."""
    found = run.outcomes
    return [
        Chart(
            f"{named}residuals (root mean square {_figures(found)[1][k]:.4g})",
            "predicted",
            "true - predicted",
            (
                Series("", np.array([found.A[k].min(), found.A[k].max()]), np.zeros(2), "rule"),
                _dots(found.A[k], found.Y[k] - found.A[k]),
            ),
        )
        for k, named in _outputs(found)
    ]


def _outputs(found: Outcomes) -> Iterator[tuple[int, str]]:
    """Which outputs are shown, and how their titles begin: of many those with the smallest R2."""
    K = len(found.A)
    shown = np.sort(np.argsort(_figures(found)[0], kind="stable")[:MOST_OUTPUTS])
    for k in shown.tolist():
        yield k, f"{name_of(found.names[k])}: " if K > 1 else ""


def _figures(found: Outcomes) -> tuple[Array, Array]:
    """R2 and root mean squared error (K,)."""
    w = np.ones(found.m) if found.weights is None else found.weights
    with np.errstate(all="ignore"):
        seen = Moments(*moments(found.A, found.Y, w[np.newaxis]))
        return r2(seen)[0], rmse(seen)[0]


def _quantiles(found: Outcomes) -> Chart:
    y, names = found.Y[0], [name.replace("_", " ") for name in found.names]
    low, middle, high = found.A[0], found.A[len(found.A) // 2], found.A[-1]
    some = thinned(np.arange(found.m), y, MOST_DOTS)[0]
    y, low, middle, high = y[some], low[some], middle[some], high[some]
    inside = (low <= y) & (y <= high)
    series = (
        Series(f"{names[0]} to {names[-1]}", middle, low, "spans", 5, high),
        _diagonal(middle),
        Series("within", middle[inside], y[inside], "dots"),
        Series("outside", middle[~inside], y[~inside], "dots", 1),
    )
    return Chart("true numbers and their quantiles", names[len(found.A) // 2], "true", series)


def _diagonal(*values: Array) -> Series:
    """Where both are the same."""
    ends = np.array([min(v.min() for v in values), max(v.max() for v in values)])
    return Series("", ends, ends, "rule")


def _dots(x: Array, y: Array) -> Series:
    return Series("", *thinned(x, y, MOST_DOTS), "dots")


def no_numbers(run: Trained) -> str:
    """Why there is nothing to see; nothing where there is."""
    return "" if run.outcomes.form in ("numbers", "quantiles") else "its outputs tell classes apart"


def no_residuals(run: Trained) -> str:
    """Likewise, of residuals."""
    return "its outputs are quantiles" if run.outcomes.form == "quantiles" else no_numbers(run)
