"""The row of the history that the last update has: its cost, and what is told beside it."""

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.nn.metrics import Figures, figures_of
from deepnet_cli.training.figures.evaluation import Late, figures
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.loop.history import Row


def due(job: Job, progress: Progress) -> bool:
    """Whether the last update should have a regular row by now: a signal did not wait for it."""
    last = progress.state.iteration - 1
    return last % job.log_every == 0 and progress.history.batches > 0


def row_of(job: Job, progress: Progress, late: Late) -> Row:
    """The row, if it is not late for it.  Raises TooLateError."""
    last = progress.state.iteration - 1
    told = _told(job, progress, last, late)
    return progress.history.next_row(last, last // job.batches.per_epoch, told)


def _told(job: Job, progress: Progress, last: int, late: Late) -> Figures:
    """Of the last update, and of the parameters after it."""
    history, told = progress.history, dict[str, float]()
    if history.states:
        with np.errstate(all="ignore"):
            told |= figures_of(job.running_metrics, history.states)
    if (part := job.dataset.parts.get("validation")) is not None:
        measured = figures(job.objective, progress.theta, part, job.metrics, late)
        told |= {f"val_{name}": value for name, value in measured.items()}
    if job.rule.sees == "gradient":
        told["learning_rate"] = job.rate(last, progress.reductions.made)
    told["gradient_norm"] = history.gradient_norm
    if job.clippings:
        told["clipped"] = history.clipped_share
    return told
