"""A damaged model file is seen to be one."""

from pathlib import Path

import numpy as np

from deepnet_cli.errors import DataError
from deepnet_cli.randomness import generator
from deepnet_cli.training.kept.sealed import check_seal, sealed
from deepnet_cli.training.selftest.finding import OK, WRONG, Finding

FLIPS, CUTS = 2000, 500


def check_damage() -> Finding:
    """Bits that are turned over and ends that are cut off, each alone."""
    rng = generator(0, "damage")

    def fill(file: object) -> None:
        file["values"] = rng.normal(size=1000)  # type: ignore[index] # an h5py.File

    whole = sealed("model", fill)
    check_seal(whole, Path("model.h5"), "model")
    unseen = 0
    for bit in rng.integers(8 * len(whole), size=FLIPS):
        turned = bytearray(whole)
        turned[bit // 8] ^= 1 << int(bit) % 8
        unseen += _passes(bytes(turned))
    for end in np.linspace(0, len(whole) - 1, CUTS).astype(int):
        unseen += _passes(whole[:end])
    tried = FLIPS + CUTS
    figures = {"tried": tried, "unseen": unseen}
    if unseen:
        return Finding(WRONG, f"{unseen} of {tried} damaged files were taken for whole", figures)
    return Finding(OK, f"{tried} of {tried} damaged files were refused", figures)


def _passes(content: bytes) -> bool:
    try:
        check_seal(content, Path("model.h5"), "model")
    except DataError:
        return False
    return True
