"""Decimal text to floats, many cells at a time: the way back of `data/decimals.py`.

A cell such as -12.345 is two whole numbers, I = 12 and F = 345 with k = 3 digits, and

    value = -(I 10^k + F) / 10^k

With 15 digits at most and k <= 15, both sides of the division are exact in float64, so its one
rounding is the right one.  A whole number is the sum of its digits times powers of ten, and the
sums of all are taken as one running sum, of which differences are exact modulo 2^64.  A cell of
any other form (an exponent, more digits, text, nothing) is left to `number`.
"""

from typing import NamedTuple

import numpy as np

from deepnet_cli.nn.types import Array

DIGITS = 15
"""Of a cell that is read here."""

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-"})
"""What stands in a cell where there is no value, whatever its case."""

_WHOLE = 10 ** np.arange(DIGITS + 1)
_POWERS = 10.0 ** np.arange(DIGITS + 1)
_DIGIT = np.zeros(256, np.int64)
_DIGIT[ord("0") : ord("9") + 1] = np.arange(10)


class Cells(NamedTuple):
    """Where each of the cells stands in a text, and what it says where it is plain decimal."""

    starts: Array  # (cells,)
    ends: Array
    values: Array  # float64
    plain: Array  # bool


def read_cells(text: bytes, separator: bytes, point: bytes = b".") -> Cells:
    """The cells of lines that end with a line feed, in which a separator is between cells."""
    b = np.frombuffer(text, np.uint8)
    known = np.zeros(256, bool)
    known[[*b"0123456789+-\n", *separator, *point]] = True
    stopping = np.zeros(256, bool)
    stopping[[*b"\n", *separator, *point]] = True

    stops = np.flatnonzero(stopping[b])
    behind = np.repeat(stops.astype(np.int32), np.diff(stops, prepend=-1))
    behind -= np.arange(1, len(b) + 1, dtype=np.int32)  # the digits between here and the next stop
    running = _DIGIT[b]
    running *= _WHOLE.take(np.minimum(behind, DIGITS, out=behind), mode="clip")
    np.cumsum(running, out=running)
    whole = np.diff(running[stops], prepend=0)

    pointed = b[stops] == point[0]
    points, ends = stops[pointed], stops[~pointed]
    starts = np.concatenate([[0], ends[:-1] + 1])
    values = whole[~pointed].astype(np.float64)
    digits = ends - starts
    plain = np.ones(len(ends), bool)

    cell = np.flatnonzero(pointed) - np.arange(len(points))
    power = _POWERS.take(ends[cell] - points - 1, mode="clip")
    values[cell] = (whole[pointed] * power + values[cell]) / power
    np.subtract.at(digits, cell, 1)
    plain[cell[1:][np.diff(cell) == 0]] = False

    signs = np.flatnonzero((b == ord("-")) | (b == ord("+")))
    cell = np.searchsorted(ends, signs)
    digits[cell] -= 1
    plain[cell[starts[cell] != signs]] = False
    values[cell[b[signs] == ord("-")]] *= -1

    plain &= (digits > 0) & (digits <= DIGITS)
    plain[np.searchsorted(ends, np.flatnonzero(~known[b]))] = False
    return Cells(starts, ends, values, plain)


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
