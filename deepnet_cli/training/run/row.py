"""What a row of the history tells beside its cost."""

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.nn.metrics import Figures, figures_of
from deepnet_cli.training.figures.evaluation import figures
from deepnet_cli.training.kept.progress import Progress


def row_figures(job: Job, progress: Progress, rate: float) -> Figures:
    """Of the last update, made at a learning rate, and of the parameters after it."""
    history, told = progress.history, dict[str, float]()
    if history.states:
        with np.errstate(all="ignore"):
            told |= figures_of(job.running_metrics, history.states)
    if (part := job.dataset.parts.get("validation")) is not None:
        measured = figures(job.objective, progress.theta, part, job.metrics)
        told |= {f"val_{name}": value for name, value in measured.items()}
    if job.rule.sees == "gradient":
        told["learning_rate"] = rate
    told["gradient_norm"] = history.gradient_norm
    if job.clippings:
        told["clipped"] = history.clipped_share
    return told
