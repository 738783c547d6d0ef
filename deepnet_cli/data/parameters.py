"""Parameters in HDF5: W1 (n[1], n[0]), b1 (n[1], 1), ... at the root or under /parameters."""

from typing import Any

import numpy as np

from deepnet_cli.data.hdf5 import Source
from deepnet_cli.errors import DataError, listed
from deepnet_cli.nn.parameters import Layout
from deepnet_cli.nn.types import Array


def write_parameters(file: Any, layout: Layout, theta: Array) -> None:
    """Put each block of theta (P,) into the open h5py file, under /parameters."""
    group = file.create_group("parameters")
    for name, block in layout.views(theta).items():
        group[name] = block


def read_parameters(source: Source, layout: Layout, dtype: np.dtype[np.generic]) -> Array:
    """theta (P,) for the layout; b may be (n,) or (n, 1).

    Raises DataError, naming the tensor, where one is missing, has another shape or type,
    or holds a value that is not finite.
    """
    prefix = "parameters/" if source.has("parameters") else ""
    depth = sum(block.kind == "weight" for block in layout.blocks.values())
    for extra in (f"W{depth + 1}", f"b{depth + 1}"):
        if source.has(prefix + extra):
            raise DataError(f"{source.path}: holds {extra}, a layer more than the network")
    blocks = {}
    for name, shape in layout.shapes.items():
        if layout.blocks[name].kind == "statistic" and not source.has(prefix + name):
            blocks[name] = np.full(shape, layout.blocks[name].fill)
            continue
        if not source.has(prefix + name):
            found = listed(entry.name.removeprefix(prefix) for entry in source.entries())
            raise DataError(f"{source.path}: no parameter '{name}' (found: {found})")
        block = source.read(prefix + name)
        if block.dtype.kind != "f":
            raise DataError(f"{source.path}: parameter {name} is {block.dtype}, expected floats")
        if block.shape not in (shape, shape[:1] if layout.blocks[name].kind != "weight" else shape):
            raise DataError(
                f"{source.path}: parameter {name} has shape {block.shape}, "
                f"the network's has {shape}"
            )
        if not np.isfinite(block).all():
            kind = "NaN" if np.isnan(block).any() else "infinity"
            raise DataError(f"{source.path}: parameter {name} holds {kind}")
        with np.errstate(over="ignore"):
            if not np.isfinite(block.astype(dtype)).all():
                raise DataError(f"{source.path}: parameter {name} does not fit {dtype}")
        blocks[name] = block.reshape(shape)
    return layout.join(blocks, dtype)
