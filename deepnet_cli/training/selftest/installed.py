"""What is installed: the versions that a result depends on, and the extras."""

from importlib.metadata import PackageNotFoundError, version

from deepnet_cli.fused import native
from deepnet_cli.training.kept.environment import versions
from deepnet_cli.training.selftest.finding import NOTE, OK, Finding

EXTRAS = {
    "fast": "llvmlite",
    "mkl": "mkl",
    "onednn": "onednn_cpu_gomp",
    "arrow": "pyarrow",
    "images": "pillow",
    "tensorboard": "tensorboard",
    "sklearn": "scikit-learn",
}
"""Each extra, and the package that it brings."""


def check_versions() -> Finding:
    """Of the programs that are used."""
    found = versions()
    v = {name: str(told) for name, told in found.items()}
    told = (
        f"deepnet {v['deepnet']}, Python {v['python']}, NumPy {v['numpy']} with {v['blas']}, "
        f"h5py {v['h5py']} with HDF5 {v['hdf5']}, {v['system']} {v['machine']}"
    )
    return Finding(OK, told, {"versions": found})


def check_extras() -> Finding:
    """Which are there, and whether what is compiled can be."""
    found = {extra: _version(package) for extra, package in EXTRAS.items()}
    there = [f"{extra} ({EXTRAS[extra]} {v})" for extra, v in found.items() if v]
    missing = [extra for extra, v in found.items() if not v]
    told = ", ".join(there) or "none"
    if missing:
        told += f"; not installed: {', '.join(missing)}"
    if native.available():
        return Finding(OK, told, {"extras": found})
    why = "llvmlite cannot be used here" if found["fast"] else "pip install 'deepnet-cli[fast]'"
    told = f"{told}; NumPy runs what could be compiled, which takes longer: {why}"
    return Finding(NOTE, told, {"extras": found})


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
