"""Cross-validation: as many runs as folds, each tested on the fold that it did not see.

DIR/fold-1, ..., DIR/fold-K      runs, each with the config that makes it again
DIR/cv.json                      the figures of each, their means and standard deviations
"""

from math import nan
from pathlib import Path

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import differences, resolved_config
from deepnet_cli.errors import ConfigError, shortened
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.training.kept.inspecting import object_in, text_in
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.resume import check_code, newest_progress
from deepnet_cli.training.kept.run_directory import CONFIG, SUMMARY, RunDirectory
from deepnet_cli.training.run.session import Session
from deepnet_cli.training.run.summary import fingerprints

RESULT = "cv.json"
ENDED = ("completed", "converged", "early", "target", "time")


def held_out(fold: int, of: int, *, stratify: bool, take: str) -> str:
    """The setting that makes a fold the test part."""
    strata = str(stratify).lower()
    return f"data.test={{fold: {fold}, of: {of}, stratify: {strata}, take: {take}}}"


def finished(job: Job, path: Path) -> Figures | None:
    """The test figures of a fold's run that has ended before; None where there is still work.

    Raises ConfigError where the run there is of another config or other data.
    """
    if not (path / CONFIG).exists():
        return None
    old, new = text_in(path / CONFIG), resolved_config(job, path)
    if told := differences(old, new):
        raise ConfigError(
            f"{path}: was trained with another config: {shortened('; '.join(told.values()))}; "
            "choose another --run-dir"
        )
    summary = object_in(text_in(path / SUMMARY))
    if summary.get("stopped") not in ENDED:
        return None
    if summary["data"] != fingerprints(job):
        raise ConfigError(f"{path}: was trained on other data; choose another --run-dir")
    if summary.get("code") != (job.code.identity if job.code is not None else None):
        raise ConfigError(f"{path}: was trained with other --code; choose another --run-dir")
    figures = summary["figures"].get("test", {})
    return {name: nan if value is None else value for name, value in figures.items()}


def session_of(job: Job, path: Path) -> Session:
    """A fold's run, from its start or from where it was left."""
    if not (path / CONFIG).exists():
        return Session(job, RunDirectory.at(path), Progress.start(job))
    directory = RunDirectory.existing(path)
    check_code(path, job.code)
    progress, _ = newest_progress(path, job)
    return Session(job, directory, progress)


def mean_and_deviation(folds: list[Figures]) -> tuple[Figures, Figures]:
    """Of each figure over the folds; the deviation is of a sample, with K - 1 in its root."""
    names = list(folds[0])
    values = np.array([[figures[name] for name in names] for figures in folds])
    mean, deviation = values.mean(axis=0), values.std(axis=0, ddof=1)
    return dict(zip(names, mean.tolist(), strict=True)), dict(
        zip(names, deviation.tolist(), strict=True)
    )
