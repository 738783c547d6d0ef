"""Randomness as a function of (seed, purpose, index): there is no state to save.

Orders are made from the bit generator's raw output, which NumPy keeps the same in every
version (NEP 19), unlike the methods of a Generator.
"""

import zlib

import numpy as np
from numpy.typing import NDArray


def bits(seed: int, purpose: str, index: int = 0) -> np.random.PCG64:
    """A bit generator of its own for each seed, purpose ("shuffle", ...) and index (an epoch)."""
    return np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), index]))


def generator(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """A generator of numbers for one purpose."""
    return np.random.Generator(bits(seed, purpose, index))


def order(seed: int, purpose: str, index: int, n: int) -> NDArray[np.int64]:
    """A uniformly random order of range(n)."""
    return np.argsort(bits(seed, purpose, index).random_raw(n), kind="stable")
