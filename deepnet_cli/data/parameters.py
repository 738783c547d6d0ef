"""Parameters in HDF5: W1 (n[1], n[0]), b1 (n[1], 1), ... at the root or under /parameters."""

from itertools import product
from string import digits
from typing import Any

import numpy as np

from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.errors import DataError, listed
from deepnet_cli.nn.parameters import Layout
from deepnet_cli.nn.types import Array

STEMS = {
    "W": "",
    "b": "",
    "scale": "batch norm or layer norm",
    "shift": "batch norm or layer norm",
    "mean": "batch norm",
    "variance": "batch norm",
    "slope": "prelu",
}
"""What a layer may have, each with the layer's number behind it; and what of the layer has it."""


def write_parameters(file: Any, layout: Layout, theta: Array) -> None:
    """Put each block of theta (P,) into the open h5py file, under /parameters."""
    group = file.create_group("parameters")
    for name, block in layout.views(theta).items():
        group[name] = block


def read_parameters(
    source: Source, layout: Layout, dtype: np.dtype[np.generic], *, part: bool = False
) -> Array:
    """theta (P,) for the layout; b may be (n,) or (n, 1), running statistics may be absent.  The
    file may have more layers where the layout is `part` of its network.

    Raises DataError, naming the tensor, where one is missing, has another shape or type,
    or holds a value that is not finite.
    """
    prefix = "parameters/" if source.has("parameters") else ""
    _check_strangers(source, prefix, layout, 0 if part else 1)
    blocks = {}
    for name, shape in layout.shapes.items():
        if layout.blocks[name].kind == "statistic" and not source.has(prefix + name):
            blocks[name] = np.full(shape, layout.blocks[name].fill)
            continue
        if not source.has(prefix + name):
            found = listed(entry.name.removeprefix(prefix) for entry in source.entries)
            of = STEMS[name.rstrip(digits)]
            whose = f" of a {of}" if of else ""
            raise DataError(f"{source.path}: no parameter '{name}'{whose} (found: {found})")
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
        if name.startswith("variance") and (block < 0).any():
            raise DataError(f"{source.path}: parameter {name} holds a negative number")
        with np.errstate(over="ignore"):
            if not np.isfinite(block.astype(dtype)).all():
                raise DataError(f"{source.path}: parameter {name} does not fit {dtype}")
        blocks[name] = block.reshape(shape)
    return layout.join(blocks, dtype)


def _check_strangers(source: Source, prefix: str, layout: Layout, beyond: int) -> None:
    """Raise DataError for a parameter that the network has no place for, in its layers and in so
    many `beyond`.
    """
    depth = sum(block.kind == "weight" for block in layout.blocks.values())
    for l, stem in product(range(1, depth + beyond + 1), STEMS):
        name = f"{stem}{l}"
        if name in layout.blocks or not source.has(prefix + name):
            continue
        if l > depth:
            why = "a layer more than the network"
        elif stem == "b":
            why = (
                f"but the batch norm of layer {l} cancels it; subtract it from mean{l} and drop it"
            )
        else:
            why = f"but layer {l} of the network has no {STEMS[stem]}"
        raise DataError(f"{source.path}: holds {name}, {why}")
