"""Figures of merit for outputs A (K, m) against Y (K, m): a file a family, all by name.

    binary      class 1 where A > 0.5;  precision, recall, F1 and average precision are of class 1;
                of several outputs (multilabel) all entries are taken together
    class       the largest A;  precision, recall and F1 are means over the classes present
                in Y or in the decisions, each class counting once ("macro")
    binary scores, class scores    likewise, but class 1 where A > 0;  what wants probabilities
                is not known of them
    number, count   of each output by itself;  of several outputs the mean
    quantiles   of one number, by the lowest and the highest

The definitions are scikit-learn's, and so is what a weight of an example means.
"""

import re
from collections.abc import Iterable

from deepnet_cli.nn.metrics import decided, numeric, probable, ranked, spanned
from deepnet_cli.nn.metrics.decided import (
    confusion_matrix,
    decisions,
    macro,
    of_class_1,
    unmixed,
)
from deepnet_cli.nn.metrics.numeric import of_outputs
from deepnet_cli.nn.metrics.probable import top_k
from deepnet_cli.nn.metrics.statistic import (
    Figures,
    Metric,
    States,
    drawn_figures,
    figures_of,
    figures_of_each,
    observed,
    of_restored,
    pooled,
    weighted_figures,
)

__all__ = [
    "DEFAULTS",
    "EVERY",
    "HEADLINE",
    "METRICS",
    "SMALLER_IS_BETTER",
    "Figures",
    "Metric",
    "States",
    "chosen",
    "confusion_matrix",
    "decisions",
    "drawn_figures",
    "figures_of",
    "figures_of_each",
    "find",
    "observed",
    "of_restored",
    "pooled",
    "top",
    "unmixed",
    "weighted_figures",
]


def _of_flags(kind: str) -> dict[str, Metric]:
    """Of one output that tells two classes apart, or of several (multilabel)."""
    C, ranks = decided.FLAGS[kind], ranked.FLAGS
    return {
        "accuracy": Metric(C, decided.accuracy),
        "balanced_accuracy": Metric(C, decided.balanced_accuracy),
        "precision": Metric(C, of_class_1(decided.precision), each=decided.precision),
        "recall": Metric(C, of_class_1(decided.recall), each=decided.recall),
        "f1": Metric(C, of_class_1(decided.f1), each=decided.f1),
        "mcc": Metric(C, decided.mcc),
        "cohen_kappa": Metric(C, decided.cohen_kappa),
        "auc": Metric(ranks, ranked.auc),
        "average_precision": Metric(ranks, ranked.average_precision),
    }


CLASSES = {
    "accuracy": Metric(decided.CLASSES, decided.accuracy),
    "top_3": top_k(3),
    "top_5": top_k(5),
    "balanced_accuracy": Metric(decided.CLASSES, decided.balanced_accuracy),
    "precision": Metric(decided.CLASSES, macro(decided.precision), each=decided.precision),
    "recall": Metric(decided.CLASSES, macro(decided.recall), each=decided.recall),
    "f1": Metric(decided.CLASSES, macro(decided.f1), each=decided.f1),
    "mcc": Metric(decided.CLASSES, decided.mcc),
    "cohen_kappa": Metric(decided.CLASSES, decided.cohen_kappa),
    "auc": Metric(ranked.CLASSES, ranked.auc),
    "average_precision": Metric(ranked.CLASSES, ranked.average_precision),
}
COUNTS = {
    "mse": of_outputs(numeric.MOMENTS, numeric.mse, smaller=True),
    "rmse": of_outputs(numeric.MOMENTS, numeric.rmse, smaller=True),
    "mae": of_outputs(numeric.MOMENTS, numeric.mae, smaller=True),
    "medae": of_outputs(numeric.ERRORS, numeric.medae, smaller=True),
    "r2": of_outputs(numeric.MOMENTS, numeric.r2, smaller=False),
    "explained_variance": of_outputs(numeric.MOMENTS, numeric.explained_variance, smaller=False),
}
"""Some are 0: no error is a part of that."""

NUMBERS = COUNTS | {"mape": of_outputs(numeric.MOMENTS, numeric.mape, smaller=True)}
METRICS: dict[str, dict[str, Metric]] = {
    "binary": _of_flags("binary") | probable.FLAGS,
    "class": CLASSES | probable.CLASSES,
    "binary scores": _of_flags("binary scores"),
    "class scores": CLASSES,
    "number": NUMBERS,
    "count": COUNTS,
    "quantiles": {"coverage": spanned.COVERAGE, "width": spanned.WIDTH},
}
"""By the kind of the outputs (Loss.kind).  Of classes there is every top_K besides."""

EVERY = {name: metric for metrics in METRICS.values() for name, metric in metrics.items()}
"""Each name once."""

DECIDED = ("accuracy", "precision", "recall", "f1")
DEFAULTS = {
    "binary": (*DECIDED, "auc"),
    "class": DECIDED,
    "binary scores": (*DECIDED, "auc"),
    "class scores": DECIDED,
    "number": ("mse", "mae", "r2"),
    "count": ("mse", "mae", "r2"),
    "quantiles": ("coverage", "width"),
}
"""Measured where a config asks for none, and in every summary."""

HEADLINE = {
    "binary": "accuracy",
    "class": "accuracy",
    "binary scores": "accuracy",
    "class scores": "accuracy",
    "number": "r2",
    "count": "r2",
    "quantiles": "coverage",
}
"""The one figure shown while training, where the config does not say."""

SMALLER_IS_BETTER = {"cost"} | {name for name, m in EVERY.items() if m.smaller_is_better}


def top(name: str) -> int | None:
    """The K of a name top_K."""
    found = re.fullmatch(r"top_([1-9][0-9]{0,8})", name)
    return int(found[1]) if found else None


def find(kind: str, name: str) -> Metric | None:
    """The metric of a kind of outputs by its name; None where there is none."""
    if METRICS[kind].keys() >= CLASSES.keys() and (k := top(name)):
        return top_k(k)
    return METRICS[kind].get(name)


def chosen(kind: str, names: Iterable[str]) -> dict[str, Metric]:
    """Metrics of a kind by their names, which are known, each once."""
    return {name: metric for name in names if (metric := find(kind, name)) is not None}
