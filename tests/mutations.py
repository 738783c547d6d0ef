"""Bytes that are nearly right: what a bad disk, a bad copy or a bad neighbour makes of a file."""

from collections.abc import Sequence

import numpy as np

Rng = np.random.Generator

WORDS = (
    *(bytes([value]) * n for value in (0x00, 0x01, 0x7F, 0x80, 0xFF) for n in (1, 2, 4, 8)),
    *((2**k).to_bytes(8, "little") for k in (8, 16, 31, 32, 40, 62, 63)),
    *(np.array(v, "<f8").tobytes() for v in (np.nan, np.inf, -0.0, 1e300, 5e-324)),
    *(np.array(v, "<f4").tobytes() for v in (np.nan, np.inf, 3e38, 1e-45)),
)
"""What programs mistake: sizes, addresses and numbers at the ends of their ranges."""


def flip(data: bytearray, at: int, rng: Rng, words: Sequence[bytes]) -> None:
    data[at] ^= 1 << int(rng.integers(8))


def byte(data: bytearray, at: int, rng: Rng, words: Sequence[bytes]) -> None:
    data[at] = int(rng.integers(256))


def overwrite(data: bytearray, at: int, rng: Rng, words: Sequence[bytes]) -> None:
    word = words[int(rng.integers(len(words)))]
    data[at : at + len(word)] = word


def insert(data: bytearray, at: int, rng: Rng, words: Sequence[bytes]) -> None:
    data[at:at] = words[int(rng.integers(len(words)))]


def delete(data: bytearray, at: int, rng: Rng, words: Sequence[bytes]) -> None:
    del data[at : at + stretch(data, rng)]


def copy(data: bytearray, at: int, rng: Rng, words: Sequence[bytes]) -> None:
    """A stretch from elsewhere, put in between."""
    start = int(rng.integers(len(data)))
    data[at:at] = data[start : start + stretch(data, rng)]


def copy_over(data: bytearray, at: int, rng: Rng, words: Sequence[bytes]) -> None:
    """A stretch from elsewhere in place of what is there."""
    start = int(rng.integers(len(data)))
    piece = data[start : start + stretch(data, rng)]
    data[at : at + len(piece)] = piece


def truncate(data: bytearray, at: int, rng: Rng, words: Sequence[bytes]) -> None:
    del data[at:]


MUTATIONS = (flip, byte, overwrite, insert, delete, copy, copy_over, truncate)
"""Each changes bytes in place, somewhere at `at`."""

OF_TEXT = (2, 2, 4, 6, 3, 2, 2, 0.5)
OF_BINARY = (8, 4, 6, 0.5, 0.5, 0.5, 2, 0.3)
"""How often each is made: in a binary file most is read on where nothing is moved."""


def stretch(data: bytearray, rng: Rng) -> int:
    """A length, mostly a short one."""
    return 1 + int(min(len(data), 2 ** rng.uniform(0, 10)))


def mutated(
    content: bytes,
    rng: Rng,
    words: Sequence[bytes] = WORDS,
    often: Sequence[float] = OF_BINARY,
    start: int = 0,
) -> bytes:
    """The content with a change or a few, none before `start`."""
    data = bytearray(content)
    for k in rng.choice(len(MUTATIONS), rng.geometric(0.6), p=np.divide(often, sum(often))):
        if len(data) > start:
            MUTATIONS[k](data, int(rng.integers(start, len(data))), rng, words)
    return bytes(data)
