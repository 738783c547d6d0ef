"""Pictures of how classes or labels are told apart on examples that were held out."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from deepnet_cli.nn.metrics.calibration import binned, calibration, wilson
from deepnet_cli.nn.metrics.ranked import areas
from deepnet_cli.nn.metrics.swept import precision_recall, roc
from deepnet_cli.nn.types import Array
from deepnet_cli.report.pictures.panels import Chart, Matrix, Panel, Series, name_of, thinned
from deepnet_cli.report.pictures.trained import Measured, Trained
from deepnet_cli.training.results.outcomes import Outcomes

MOST_CURVES = 10
"""In one chart."""


def confusion(run: Trained) -> list[Panel]:
    """The confusion matrix."""
    found = run.outcomes
    right = np.average(found.right, weights=found.weights)
    title = f"confusion ({100 * right:.1f} % right)"
    return [Matrix(title, found.names, found.confusion)]


def roc_curves(run: Measured, most: int = MOST_CURVES) -> list[Chart]:
    """TP / P over FP / N as the threshold falls, of each class or label against the rest; of more
    than `most` of those with the smallest areas.
    """
    ends = np.array([0.0, 1.0])
    series = [Series("chance", ends, ends, "rule")]
    for k, (area, name, each) in enumerate(_worst(run.outcomes, "auc", most)):
        series.append(Series(f"{name}: {area:.3f}", *thinned(*roc(*each)), "line", k))
    axes = "false positives / negatives", "true positives / positives"
    return [Chart("ROC (area)", *axes, tuple(series), square=True)]


def precision_recall_curves(run: Measured, most: int = MOST_CURVES) -> list[Chart]:
    """Precision over recall, likewise."""
    series, worst = list[Series](), _worst(run.outcomes, "average_precision", most)
    if len(worst) == 1:
        _, _, (_, true, w) = worst[0]
        share = np.full(2, np.average(true, weights=w))
        series.append(Series("chance", np.array([0.0, 1.0]), share, "rule"))
    for k, (area, name, each) in enumerate(worst):
        series.append(Series(f"{name}: {area:.3f}", *thinned(*precision_recall(*each)), "step", k))
    title = "precision and recall (average precision)"
    return [Chart(title, "recall", "precision", tuple(series), square=True)]


def reliability(run: Trained) -> list[Panel]:
    """How often decisions of some probability are right, with 95 % intervals; of quantiles, how
    much of y is below each.
    """
    found, w = run.outcomes, _weights(run.outcomes)
    ends = np.array([0.0, 1.0])
    ideal, spans = Series("as it should be", ends, ends, "rule"), list[Series]()
    if found.form == "quantiles":
        x = np.array([float(name.removeprefix("quantile_")) for name in found.names])
        y = np.average(found.Y <= found.A, axis=1, weights=w)
        title, axes = "quantiles", ("quantile", "share of y at or below it")
    else:
        bins = calibration(binned(found.A, found.Y, w, found.kind))
        seen = bins.weight > 0
        x, y = bins.probability[seen], bins.right[seen]
        title = f"calibration (expected error {bins.error:.3f})"
        axes = "probability of the decision", "share that is right"
        if found.weights is None:
            low, high = wilson(y, bins.weight[seen])
            spans.append(Series("", x, low, "spans", 0, high))
    return [Chart(title, *axes, (ideal, *spans, Series("", x, y, "dotted")), square=True)]


Scored = tuple[Array, Array, Array]
"""Scores, flags and weights (m,)."""


def _worst(
    found: Outcomes, figure: Literal["auc", "average_precision"], most: int
) -> list[tuple[float, str, Scored]]:
    """The area, the name and the scores of each class that there are examples of, and others; of
    more than `most` classes of those with the smallest areas.
    """
    told = list[tuple[float, str, Scored]]()
    for name, each in _scored(found):
        score, true, w = each
        area: Array = getattr(areas(score, true, w[np.newaxis]), figure)
        told.append((float(area[0]), name_of(name), each))
    return sorted(told, key=lambda each: each[0])[:most] if len(told) > most else told


def _scored(found: Outcomes) -> Iterator[tuple[str, Scored]]:
    """Each class or label of which there are examples, and others."""
    w = _weights(found)
    for name, true, score in found.rankings():
        if w[true].any() and w[~true].any():
            yield name, (score, true, w)


def _weights(found: Outcomes) -> Array:
    return np.ones(found.m) if found.weights is None else found.weights


def no_classes(run: Trained) -> str:
    """Why there is nothing to be confused; nothing where there is."""
    form = run.outcomes.form
    if form == "labels":
        return "its labels do not exclude each other"
    return "" if form == "classes" else "its outputs are numbers"


def no_ranking(run: Measured) -> str:
    """Likewise, of scores by which examples are ranked."""
    if run.outcomes.form not in ("classes", "labels"):
        return "its outputs are numbers"
    return "" if any(True for _ in _scored(run.outcomes)) else "its examples are all of one class"


def no_probabilities(run: Trained) -> str:
    """Likewise, of probabilities to hold against what happened."""
    if run.outcomes.form == "quantiles" or run.outcomes.probable:
        return ""
    return "its outputs are " + ("numbers" if run.outcomes.form == "numbers" else "scores")
