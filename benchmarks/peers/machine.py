"""What the numbers were measured on."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "mkl",
    "scikit-learn",
    "torch",
    "jax",
    "jaxlib",
    "keras",
    "onnxruntime",
)


def cores() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> float:
    """How many processes wanted a core in the last minute."""
    return round(os.getloadavg()[0], 2)


def machine() -> dict[str, object]:
    """Processor, system, BLAS, versions, date, and the commit of deepnet."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "processor": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": f"{blas.get('name', '?')} {blas.get('version', '?')}",
        "versions": {name: found for name in PACKAGES if (found := installed(name))},
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "load": load(),
    }


def summary(host: dict[str, object]) -> str:
    """The machine in a line."""
    return f"{host['processor']}, {host['cores']} cores, {host['blas']}, {str(host['date'])[:10]}"


def processor() -> str:
    """Its name, as the system tells it."""
    file = Path("/proc/cpuinfo")
    if file.exists():
        for line in file.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return platform.processor() or "?"


def installed(package: str) -> str:
    """Its version; empty where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def commit() -> str:
    """The short name of what is checked out; empty outside a repository."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""
