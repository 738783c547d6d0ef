"""summary.json: what was trained, on what, where, and how well it does."""

import hashlib
import math
import platform

import h5py
import numpy as np

from deepnet_cli import __version__
from deepnet_cli.config.job import Job
from deepnet_cli.data.batches import Part
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.nn.types import Array
from deepnet_cli.training.checkpoint import Progress


def summary(
    job: Job, progress: Progress, figures: dict[str, Figures], stopped: str, seconds: float
) -> dict[str, object]:
    """The content of summary.json, `figures` by part as those of the model that was kept."""
    made = progress.state.iteration
    epochs = made / job.batches.per_epoch
    watch = progress.watch
    best = {}
    if watch is not None and progress.best_theta is not None:
        best = {"best": {"monitor": watch.figure, "iteration": watch.iteration}}
    return {
        "name": job.config.name,
        "seed": job.config.seed,
        "parameters": job.network.layout.size,
        "iterations": made,
        "epochs": int(epochs) if epochs == int(epochs) else round(epochs, 3),
        "seconds": round(seconds, 3),
        "stopped": stopped,
        **best,
        "figures": {part: finite(values) for part, values in figures.items()},
        "data": {part: _fingerprint(values) for part, values in job.dataset.parts.items()},
        "environment": environment(),
    }


def finite(figures: Figures) -> dict[str, float | None]:
    """Figures as JSON can hold them: one that is not finite is null."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def environment() -> dict[str, str]:
    """The versions that a result may depend on."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "deepnet": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "hdf5": h5py.version.hdf5_version,
        "blas": f"{blas.get('name', '?')} {blas.get('version', '?')}",
        "machine": platform.machine(),
        "system": platform.system(),
    }


def _fingerprint(part: Part) -> dict[str, object]:
    """Of the examples as the network sees them: scaled, in its precision."""
    return {
        "examples": part.m,
        "features": part.rows.shape[1],
        "x_sha256": _digest(part.rows),
        "y_sha256": _digest(part.Y),
    }


def _digest(array: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
