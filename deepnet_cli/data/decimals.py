"""Floats as decimal text: the fewest digits that give each back in its own precision.

A float32 v is D 10^-k for the smallest k at which D = rint(v 10^k) does: from nine digits,
which always do, downwards while they still do.  In float64 that is exact for every float32 from
SMALLEST up to LARGEST (each was held against C++'s to_chars); all others are told one by one.
"""

import numpy as np

from deepnet_cli.nn.types import Array

WIDTH = 28
"""Bytes that a text has room for."""

SMALLEST, LARGEST = 1e-13, 1e6
DIGITS = 9
POINTED = 1e-4
"""From here on digits are written with a point only, below as 1.5e-05."""

_POWERS = 10.0 ** np.arange(23)
"""Each is exact in float64."""


def decimals(values: Array) -> Array:
    """Bytes (m, WIDTH) for floats (m,): in each row a text, with zero bytes in between."""
    size = np.abs(values)
    quick = (size >= SMALLEST) & (size < LARGEST) & (values.dtype == np.float32)
    text = _written(*_shortest(np.where(quick, size, np.float32(1))), values)
    others = np.flatnonzero(~quick)
    told = np.array([decimal(v) for v in values[others]], f"S{WIDTH}")
    text[others] = told.view(np.uint8).reshape(-1, WIDTH)
    return text


def decimal(value: np.floating) -> str:
    """The text of one float."""
    if POINTED <= abs(value) < LARGEST:
        return np.format_float_positional(value, trim="-")
    return str(value)


def _shortest(size: Array) -> tuple[Array, Array]:
    """D and k (m,) for positive float32 (m,)."""
    exact = size.astype(np.float64)
    k = np.maximum(DIGITS - 1 - np.floor(np.log10(exact)).astype(np.int64), 0)
    D = np.rint(exact * _POWERS[k])
    left = np.flatnonzero(k)
    while len(left):
        fewer = k[left] - 1
        d = np.rint(exact[left] * _POWERS[fewer])
        same = (d / _POWERS[fewer]).astype(np.float32) == size[left]
        left, fewer = left[same], fewer[same]
        D[left], k[left] = d[same], fewer
        left = left[fewer > 0]
    return D.astype(np.int64), k


def _written(D: Array, k: Array, values: Array) -> Array:
    """The bytes of D 10^-k with the signs of `values`: -0.0015, 1.5, 120000 or 1.5e-05.

    Columns: the sign, zeros in front, each digit and what may be a point behind it, the exponent.
    """
    text = np.zeros((len(D), WIDTH), np.uint8)
    count = np.searchsorted(_POWERS, D, side="right").astype(np.int8)
    exponent = count - 1 - k.astype(np.int8)
    below = np.abs(values) < POINTED
    zeros = np.where((exponent < 0) & ~below, 1 - exponent, 0)
    point = np.where(below, 0, exponent)
    aligned = (D * 10 ** (DIGITS - count.astype(np.int64))).astype(np.uint32)
    text[:, 0] = (values < 0) * ord("-")
    for j, character in enumerate(b"0.000"):
        text[:, 1 + j] = (zeros > j) * character
    for j in range(DIGITS):
        text[:, 6 + 2 * j] = (aligned // 10 ** (DIGITS - 1 - j) % 10 + ord("0")) * (count > j)
        text[:, 7 + 2 * j] = ((point == j) & (count > j + 1)) * ord(".")
    tens, ones = np.divmod(-exponent, 10)
    text[:, 24] = below * ord("e")
    text[:, 25] = below * ord("-")
    text[:, 26] = below * (ord("0") + tens)
    text[:, 27] = below * (ord("0") + ones)
    return text
