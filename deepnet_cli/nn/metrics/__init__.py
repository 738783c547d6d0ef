"""Figures of merit for outputs A (K, m) against Y (K, m): a file a family, all by name.

    binary   class 1 where A > 0.5;  precision, recall, F1 and average precision are of class 1;
             of several outputs (multilabel) all entries are taken together
    class    the largest A;  precision, recall and F1 are means over the classes present
             in Y or in the decisions, each class counting once ("macro")
    number   of each output by itself;  of several outputs the mean

The definitions are scikit-learn's, and so is what a weight of an example means.
"""

import re
from collections.abc import Iterable

from deepnet_cli.nn.metrics import decided, numeric, probable, ranked
from deepnet_cli.nn.metrics.decided import confusion_matrix, decisions, macro, of_class_1
from deepnet_cli.nn.metrics.numeric import of_outputs
from deepnet_cli.nn.metrics.probable import top_k
from deepnet_cli.nn.metrics.statistic import (
    Figures,
    Metric,
    States,
    figures_of,
    figures_of_each,
    observed,
    pooled,
    weighted_figures,
)

__all__ = [
    "DEFAULTS",
    "HEADLINE",
    "METRICS",
    "SMALLER_IS_BETTER",
    "Figures",
    "Metric",
    "States",
    "chosen",
    "confusion_matrix",
    "decisions",
    "figures_of",
    "figures_of_each",
    "find",
    "observed",
    "pooled",
    "top",
    "weighted_figures",
]

METRICS: dict[str, dict[str, Metric]] = {
    "binary": {
        "accuracy": Metric(decided.FLAGS, decided.accuracy),
        "balanced_accuracy": Metric(decided.FLAGS, decided.balanced_accuracy),
        "precision": Metric(decided.FLAGS, of_class_1(decided.precision), each=decided.precision),
        "recall": Metric(decided.FLAGS, of_class_1(decided.recall), each=decided.recall),
        "f1": Metric(decided.FLAGS, of_class_1(decided.f1), each=decided.f1),
        "auc": Metric(ranked.FLAGS, ranked.auc),
        "average_precision": Metric(ranked.FLAGS, ranked.average_precision),
        "log_loss": Metric(probable.FLAG_LOG_LOSS, probable.mean, smaller_is_better=True),
        "brier": Metric(probable.FLAG_BRIER, probable.mean, smaller_is_better=True),
        "mcc": Metric(decided.FLAGS, decided.mcc),
        "cohen_kappa": Metric(decided.FLAGS, decided.cohen_kappa),
    },
    "class": {
        "accuracy": Metric(decided.CLASSES, decided.accuracy),
        "top_3": top_k(3),
        "top_5": top_k(5),
        "balanced_accuracy": Metric(decided.CLASSES, decided.balanced_accuracy),
        "precision": Metric(decided.CLASSES, macro(decided.precision), each=decided.precision),
        "recall": Metric(decided.CLASSES, macro(decided.recall), each=decided.recall),
        "f1": Metric(decided.CLASSES, macro(decided.f1), each=decided.f1),
        "auc": Metric(ranked.CLASSES, ranked.auc),
        "average_precision": Metric(ranked.CLASSES, ranked.average_precision),
        "log_loss": Metric(probable.CLASS_LOG_LOSS, probable.mean, smaller_is_better=True),
        "brier": Metric(probable.CLASS_BRIER, probable.mean, smaller_is_better=True),
        "mcc": Metric(decided.CLASSES, decided.mcc),
        "cohen_kappa": Metric(decided.CLASSES, decided.cohen_kappa),
    },
    "number": {
        "mse": of_outputs(numeric.MOMENTS, numeric.mse, smaller=True),
        "rmse": of_outputs(numeric.MOMENTS, numeric.rmse, smaller=True),
        "mae": of_outputs(numeric.MOMENTS, numeric.mae, smaller=True),
        "medae": of_outputs(numeric.ERRORS, numeric.medae, smaller=True),
        "r2": of_outputs(numeric.MOMENTS, numeric.r2, smaller=False),
        "explained_variance": of_outputs(
            numeric.MOMENTS, numeric.explained_variance, smaller=False
        ),
        "mape": of_outputs(numeric.MOMENTS, numeric.mape, smaller=True),
    },
}
"""By the target of the loss.  Of classes there is every top_K besides."""

DEFAULTS = {
    "binary": ("accuracy", "precision", "recall", "f1", "auc"),
    "class": ("accuracy", "precision", "recall", "f1"),
    "number": ("mse", "mae", "r2"),
}
"""Measured where a config asks for none, and in every summary."""

HEADLINE = {"binary": "accuracy", "class": "accuracy", "number": "r2"}
"""The one figure shown while training, where the config does not say."""

SMALLER_IS_BETTER = frozenset({"cost"}).union(
    name
    for metrics in METRICS.values()
    for name, metric in metrics.items()
    if metric.smaller_is_better
)


def top(name: str) -> int | None:
    """The K of a name top_K."""
    found = re.fullmatch(r"top_([1-9][0-9]{0,8})", name)
    return int(found[1]) if found else None


def find(target: str, name: str) -> Metric | None:
    """The metric of a target by its name; None where there is none."""
    if target == "class" and (k := top(name)):
        return top_k(k)
    return METRICS[target].get(name)


def chosen(target: str, names: Iterable[str]) -> dict[str, Metric]:
    """Metrics of a target by their names, which are known, each once."""
    return {name: metric for name in names if (metric := find(target, name)) is not None}
