"""Decimal text to floats, many cells at a time: the way back of `data/decimals.py`.

The digits of a cell such as -12.345 are a whole number D = 12345, k = 3 of them behind the point:

    value = -(D / 10^k)

With 15 digits at most both are exact in float64, so the one rounding of their quotient is right.
Up to 19 digits they are exact in extended precision, where there is such a thing; what is rounded
to that first is then right in float64 too, unless it lies halfway between two floats.  Such cells,
and all of any other form (an exponent, more digits, text, nothing), are left to `number`.
"""

from typing import NamedTuple

import numpy as np

from deepnet_cli.nn.types import Array

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-"})
"""What stands in a cell where there is no value, whatever its case."""

DIGITS = 15
EXTENDED = 19 if np.finfo(np.longdouble).nmant >= 63 else DIGITS
"""Digits of a cell that is read here."""

_POWERS = 10.0 ** np.arange(EXTENDED + 1)
_LONG_POWERS = np.longdouble(10) ** np.arange(EXTENDED + 1)
_WHOLE = 10 ** np.arange(EXTENDED, dtype=np.uint64)


class Cells(NamedTuple):
    """Where each of the cells stands in a text, and what it says where it is plain decimal."""

    starts: Array  # (cells,)
    ends: Array
    values: Array  # float64
    plain: Array  # bool


def read_cells(text: bytes, separators: bytes, point: bytes = b".") -> Cells:
    """The cells of lines that end with a line feed, with one of the separators between cells."""
    between, within = separators + b"\n", point + b"+-"
    b = np.frombuffer(text, np.uint8)
    stops = np.flatnonzero(_among(text, between + within)).astype(np.int32)
    last = _member(between)[b[stops]]
    ends = stops[last]
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int32)
    plain = np.ones(len(ends), bool)

    inside = np.flatnonzero(~last)  # the points and signs
    cell, marks = inside - np.arange(len(inside)), stops[inside]
    bare = text.translate(None, within) if len(inside) else text
    at = ends - np.cumsum(np.bincount(cell, minlength=len(ends))).astype(np.int32)
    digits = np.diff(at, prepend=-1) - 1
    values = _whole(bare, at, digits, DIGITS, _POWERS)

    pointed = b[marks] == point[0]
    k = np.zeros(len(ends), np.int32)
    k[cell[pointed]] = (ends[cell] - marks - 1)[pointed]
    plain[cell[pointed][1:][np.diff(cell[pointed]) == 0]] = False
    values /= _POWERS.take(k, mode="clip")

    if len(long := np.flatnonzero((digits > DIGITS) & (digits <= EXTENDED))):
        D = _whole(bare, at[long], digits[long], EXTENDED, _WHOLE)
        exact = D.astype(np.longdouble) / _LONG_POWERS.take(k[long], mode="clip")
        values[long] = exact
        halfway = 2 * np.abs(exact - values[long]) == np.spacing(values[long])
        plain[long[halfway]] = False

    signs = ~pointed
    plain[cell[signs & (starts[cell] != marks)]] = False
    minus = cell[b[marks] == ord("-")]
    values[minus] = -values[minus]

    plain &= (digits > 0) & (digits <= EXTENDED)
    if text.translate(None, b"0123456789" + between + within):
        strange = ~_among(text, b"0123456789" + between + within)
        plain[np.searchsorted(ends, np.flatnonzero(strange))] = False
    return Cells(starts, ends, values, plain)


def _whole(text: bytes, ends: Array, digits: Array, most: int, powers: Array) -> Array:
    """The whole numbers that so many digits before each of `ends` are, `most` at most."""
    b = np.frombuffer(text, np.uint8)
    D, at = np.zeros(len(ends), powers.dtype), ends - 1
    for j in range(min(most, int(digits.max(initial=0)))):
        digit = b.take(at, mode="clip")
        digit -= ord("0")
        digit *= digits > j
        D += digit * powers[j]
        at -= 1
    return D


def _member(characters: bytes) -> Array:
    """Whether each of the 256 bytes is one of them."""
    table = np.zeros(256, bool)
    table[[*characters]] = True
    return table


def _among(text: bytes, characters: bytes) -> Array:
    """Whether each byte of a text is one of them."""
    return np.frombuffer(text.translate(_member(characters).tobytes()), np.bool_)


def number(cell: str, point: str = ".", missing: frozenset[str] = MISSING) -> float | None:
    """What one cell says: NaN where there is no value, None where it holds other text."""
    cell = cell.strip()
    if cell.casefold() in missing:
        return float("nan")
    values = all_numbers([cell], point)
    return None if values is None else float(values[0])


def all_numbers(cells: list[str], point: str = ".") -> Array | None:
    """The numbers (m,) that all of the cells hold, or None where one holds anything else."""
    text = " ".join(cells)
    if "_" in text or not text.isascii():  # Python would read 1_000, and digits of other scripts
        return None
    if point != ".":
        if "." in text:
            return None
        cells = [cell.replace(point, ".") for cell in cells]
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
