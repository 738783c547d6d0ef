"""What `deepnet evaluate` says: rows of figures, as text of 80 columns, and for JSON."""

from collections.abc import Sequence

import numpy as np

from deepnet_cli.errors import shortened
from deepnet_cli.nn.metrics.calibration import Calibration
from deepnet_cli.nn.types import Array
from deepnet_cli.report.figures import LONGEST_NAME, MOST_CLASSES, confusion_text, fits
from deepnet_cli.report.table import table
from deepnet_cli.training.results.assessment import Assessment

Rows = tuple[list[str], list[list[object]]]
"""The head of a table, and its rows."""

OF_CLASSES = ("precision", "recall", "f1")
OF_OUTPUTS = ("rmse", "mae", "medae", "r2", "mape")
"""Of the figures of each output, those that say most, first."""


def assessment_text(found: Assessment) -> str:
    """Tables, one below the other: figures, classes or outputs, confusion, calibration."""
    parts = [f"{figures_table(found)}\n{notes(found)}".rstrip()]
    if found.confusion is not None:
        parts += [classes_table(found), confusion_text(_whole(found.confusion), found.names)]
    elif len(found.names) > 1 and found.each:
        parts.append(outputs_table(found))
    if found.calibration is not None:
        parts.append(calibration_table(found.calibration))
    return "\n\n".join(parts)


def figures_table(found: Assessment) -> str:
    """A row a figure: of the network, its interval, and of the baselines."""
    told = (table(*figures_rows(found, digits)) for digits in (4, 3, 2))
    return next((text for text in told if fits(text)), table(*figures_rows(found, 1)))


def figures_rows(found: Assessment, digits: int = 4) -> Rows:
    """The same, with the ends of the intervals in so many digits."""
    between = ["95 % interval"] if found.intervals else []
    rows = list[list[object]]()
    for name, value in found.figures.items():
        row: list[object] = [name, _rounded(value)]
        if between:
            low, high = found.intervals[name]
            row.append(f"{low:.{digits}g} to {high:.{digits}g}")
        others = (figures.get(name, "") for figures in found.baselines.values())
        rows.append([*row, *map(_rounded, others)])
    return ["", "network", *between, *found.baselines], rows


def notes(found: Assessment) -> str:
    """What the columns beside the network's are."""
    told = []
    if found.resamples:
        told.append(f"95 % interval: {found.resamples:,} bootstrap resamples of the examples")
    elif found.resamples == 0:
        told.append("no intervals: there are too many examples to draw them again and again")
    if found.fitted_to:
        told.append(f"linear: the loss without hidden layers, on {found.fitted_to:,} examples")
    if "majority" in found.baselines:
        told.append("majority: how frequent each class is in training")
    if "mean" in found.baselines:
        told.append("mean: of the numbers in training")
    if "quantiles" in found.baselines:
        told.append("quantiles: of the numbers in training")
    return "\n".join(told)


def classes_table(found: Assessment) -> str:
    """Precision, recall, F1 and support of each class; of many, of those with the lowest F1."""
    return table(*classes_rows(found))


def classes_rows(found: Assessment) -> Rows:
    """The same."""
    return _of_each(found, "class", OF_CLASSES, "f1", _whole(found.support).tolist())


def outputs_table(found: Assessment) -> str:
    """Figures of each output, as many as fit on a line; of many, of those with the lowest R2."""
    told = (table(*outputs_rows(found, count)) for count in range(len(OF_OUTPUTS), 1, -1))
    return next((text for text in told if fits(text)), table(*outputs_rows(found, 1)))


def outputs_rows(found: Assessment, count: int = len(OF_OUTPUTS)) -> Rows:
    """The same, so many figures."""
    figures = [name for name in OF_OUTPUTS if name in found.each][:count]
    return _of_each(found, "output", figures, "r2")


def calibration_table(found: Calibration) -> str:
    """A row for each bin with decisions in it, and the expected calibration error."""
    bins = table(*calibration_rows(found))
    return f"{bins}\nexpected calibration error {found.error:.5g}"


def calibration_rows(found: Calibration) -> Rows:
    """The bins of it."""
    columns = zip(
        found.low,
        found.high,
        _whole(found.weight).tolist(),
        found.probability,
        found.right,
        strict=True,
    )
    rows: list[list[object]] = [
        [f"{low:.1f} to {high:.1f}", weight, float(probability), float(right)]
        for low, high, weight, probability, right in columns
        if weight > 0
    ]
    return ["probability of decision", "decisions", "mean", "right"], rows


def _of_each(
    found: Assessment,
    kind: str,
    figures: Sequence[str],
    by: str,
    examples: Sequence[float] | None = None,
) -> Rows:
    """A row for each class or output; of many, for those that are worst `by` a figure."""
    K = len(found.names)
    shown = list(range(K))
    title = kind
    if K > MOST_CLASSES:
        title = f"{kind} ({MOST_CLASSES} of {K:,}, lowest {by})"
        shown = found.each[by].argsort(kind="stable")[:MOST_CLASSES].tolist()
    rows: list[list[object]] = [
        [
            shortened(found.names[k], LONGEST_NAME),
            *(float(found.each[figure][k]) for figure in figures),
        ]
        + ([examples[k]] if examples is not None else [])
        for k in shown
    ]
    return [title, *figures, *(["examples"] if examples is not None else [])], rows


def _rounded(value: float | str) -> float | str:
    """Without what is only rounding: the R2 of a mean is 0."""
    return 0.0 if isinstance(value, float) and abs(value) < 1e-15 else value


def _whole(values: Array) -> Array:
    """Sums of weights as integers, where they are."""
    return values.astype(np.int64) if (values == np.floor(values)).all() else values


def assessment_json(found: Assessment) -> dict[str, object]:
    """Every number of it; figures by name at the top."""
    told: dict[str, object] = {**found.figures, "examples": found.examples}
    told["intervals"] = {name: list(between) for name, between in found.intervals.items()}
    told["resamples"] = found.resamples
    told["baselines"] = found.baselines
    each = {name: values.tolist() for name, values in found.each.items()}
    if found.confusion is not None:
        told["confusion_matrix"] = _whole(found.confusion).tolist()
        told["class_names"] = list(found.names)
        told["classes"] = {
            name: {
                **{figure: each[figure][k] for figure in each},
                "support": _whole(found.support)[k].item(),
            }
            for k, name in enumerate(found.names)
        }
    elif each:
        told["outputs"] = {
            name: {figure: each[figure][k] for figure in each} for k, name in enumerate(found.names)
        }
    if found.calibration is not None:
        bins = {
            name: getattr(found.calibration, name).tolist()
            for name in ("low", "high", "weight", "probability", "right")
        }
        told["calibration"] = {**bins, "expected_error": found.calibration.error}
    return told
