"""What the last bits of a result depend on beside the job: versions, and how this machine
multiplies.
"""

import platform
from collections.abc import Mapping
from functools import cache

import h5py
import numpy as np

from deepnet_cli import __version__
from deepnet_cli.config.job import Job
from deepnet_cli.fused import native
from deepnet_cli.threads import pool

Environment = Mapping[str, object]


def environment(job: Job) -> Environment:
    """As summary.json and the checkpoints hold it; in the course of the training."""
    threads, core = pool()
    return versions() | {
        "passes": native.version() or "NumPy",
        "products": job.network.layers[0].multiply.name,
        "threads": threads,
        "core": core,
    }


@cache
def versions() -> dict[str, object]:
    """Of the programs that are used."""
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


def changes(then: Environment, now: Environment) -> list[str]:
    """'threads 2, now 1', for each that differs."""
    return [
        f"{name} {then.get(name, 'unknown')}, now {now.get(name, 'unknown')}"
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]
