"""From what stands in y to the matrix Y (n[L], m) of the equations, and back to names.

Labels are integers, bools, floats that hold integers, byte strings or text, as (m,),
(m, 1), (1, m) or one-hot (m, K): all mean the same.  Anything ambiguous is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepnet_cli.errors import ConfigError, DataError, listed, one_line
from deepnet_cli.nn.types import Array

Label = int | str

LEARNED = "use a linear output and mean_squared_error"
NO_CLASS = -1


class ClassCountError(ConfigError):
    """The labels and the network's output do not fit each other."""


class RowError(DataError):
    """One row of y cannot be used.  `told` says so of where y is, and of the row's number there."""

    def __init__(self, told: Callable[[str, int], str], where: str, row: int) -> None:
        super().__init__(told(where, row))
        self.told, self.row = told, row


@dataclass(frozen=True)
class Classes:
    """The classes by index: the values that stand in y, and the names to show for them."""

    values: tuple[Label, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def by_name(self) -> dict[str, int]:
        """The index of each name; empty where they are but the numbers in y, or not distinct."""
        named = self.names != tuple(map(str, self.values)) or isinstance(self.values[0], str)
        of = {name: k for k, name in enumerate(self.names)}
        return of if named and len(of) == len(self) else {}

    def labels(self, indices: Array) -> Array:
        """The values (m,) for class indices (m,), in the type that y has."""
        return np.array(self.values)[indices]


def examples_first(
    y: Array, m: int, where: str, *, last: bool = False, features: int | None = None
) -> Array:
    """y as (m,) or (m, K), K > 1, for m examples of x.

    `last`: the file counts examples on the last axis; `features`, what x has on its other one,
    tells whether it would fit if it counted them there.  Raises DataError.
    """
    if y.size == m == max(y.shape, default=0):
        return y.reshape(m)
    single = y.size == max(y.shape, default=1)
    turned = y.size if single else y.shape[0 if last else -1]
    if last and y.ndim > 1:
        y = np.moveaxis(y, -1, 0)
    if y.ndim > 1 and len(y) == m:
        return y.reshape(m, -1)
    counted = y.size if single else len(y)
    hint = ""
    if turned == features:
        axis = "first" if last else "last"
        hint = f"; where x counts them on its {axis} axis, set data.examples: {axis}"
    raise DataError(f"{where} has {counted} examples (shape {y.shape}) but x has {m}{hint}")


def targets(y: Array, where: str) -> Array:
    """Y (K, m) in float64 for numbers y (m,) or (m, K).  Raises DataError."""
    if y.dtype.kind not in "biuf":
        raise DataError(f"{where} holds text; a network with this loss needs numbers")
    y = y.astype(np.float64)
    bad = ~np.isfinite(y)
    if bad.any():
        said = f"({bad.sum()} in total); remove such rows"
        raise RowError(
            lambda where, row: f"{where}: {y[bad].flat[0]} at row {row} {said}",
            where,
            int(np.argwhere(bad)[0][0]),
        )
    return np.ascontiguousarray(np.atleast_2d(y.T))


def counts(y: Array, where: str) -> Array:
    """The same for numbers that are never below 0."""
    Y = targets(y, where)
    if len(rows := np.argwhere(Y.T < 0)):
        first, k = rows[0]
        said = f"({len(rows)} below 0 in total); this loss counts, and takes numbers >= 0"
        raise RowError(
            lambda where, row: f"{where}: {Y[k, first]:g} at row {row} {said}", where, int(first)
        )
    return Y


def class_values(y: Array, where: str, K: int | None = None, instead: str = LEARNED) -> Array:
    """The labels (m,) as integers or text; a one-hot y becomes its column numbers.  `instead` is
    what to do where y holds numbers.

    Raises DataError, and ClassCountError where a one-hot y has other than K columns.
    """
    if y.dtype.kind in "OSUT":
        if y.ndim == 1:
            return np.array([_text(label) for label in y])
        raise DataError(f"{where}: text labels must be one a row, found shape {y.shape}")
    if y.dtype.kind == "f":
        _refuse_fractions(y, where, instead)
    if y.dtype.kind == "u" and y.size and int(y.max()) > np.iinfo(np.int64).max:
        raise RowError(
            lambda where, row: f"{where}: label {int(y.max())} at row {row} is out of range",
            where,
            int(np.unravel_index(y.argmax(), y.shape)[0]),
        )
    whole = y.astype(np.int64)
    if whole.ndim == 1:
        return whole
    if ((whole == 0) | (whole == 1)).all() and (whole.sum(axis=1) == 1).all():
        if K is not None and whole.shape[1] != K:
            raise ClassCountError(
                f"{where} is one-hot with {whole.shape[1]} columns "
                f"but the network tells {K} classes apart"
            )
        hot: Array = whole.argmax(axis=1)
        return hot
    bad = int(np.argmax((whole.sum(axis=1) != 1) | ((whole != 0) & (whole != 1)).any(axis=1)))
    said = f"has {whole.shape[1]} columns and is not one-hot"
    raise RowError(lambda where, row: f"{where} {said}: row {row} is {whole[bad]}", where, bad)


def find_classes(
    labels: Array,
    outputs: int,
    names: tuple[str, ...],
    where: str,
    values: tuple[int, ...] = (),
) -> Classes:
    """The classes of training labels (m,) for a network with `outputs` classes (2 if binary).

    `names` come from the file (list_classes) and may be empty; they are those of `values`, or
    of 0, 1, ...  Raises ClassCountError.
    """
    seen: list[Label] = sorted(set(labels.tolist()))
    known = list(values if len(values) == outputs else range(outputs))
    whole = labels.dtype.kind == "i"
    if whole and set(seen) <= set(known):
        seen = [*known]  # some class may have no example here
    if len(seen) != outputs:
        shown = listed(str(value) for value in seen)
        raise ClassCountError(
            f"{where} holds {len(seen)} classes ({shown}) but the network tells {outputs} apart"
        )
    named: dict[Label, str] = dict(zip(values or range(outputs), names, strict=False))
    if whole and (values or len(names) == outputs) and named.keys() >= {*seen}:
        return Classes(tuple(seen), tuple(named[value] for value in seen))
    return Classes(tuple(seen), tuple(str(value) for value in seen))


def class_indices(
    labels: Array, classes: Classes, where: str, names: Mapping[int, str] | None = None
) -> Array:
    """The index (m,) of each label; `names` are those that the file has for its own labels.

    By name where both sides have names, else by value.  Raises DataError at the first that is no
    class.
    """
    whole = labels.dtype.kind == "i"
    names = names if whole and names else {}
    by_name = classes.by_name if names or not whole else {}
    if not by_name and whole != isinstance(classes.values[0], int):
        raise DataError(
            f"{where} holds labels such as {labels[0].item()!r}; "
            f"the classes are {listed(map(repr, classes.values))}"
        )
    known: dict[Any, int] = by_name or {value: k for k, value in enumerate(classes.values)}
    if by_name and whole:
        known = {value: by_name.get(name, NO_CLASS) for value, name in names.items()}
    values = np.array(sorted(known))
    found = np.array([known[value] for value in values.tolist()])
    at = np.searchsorted(values, labels).clip(max=len(values) - 1)
    indices = np.where(values[at] == labels, found[at], NO_CLASS)
    if (wrong := indices == NO_CLASS).any():
        first = int(np.argmax(wrong))
        label = f"{labels[first]!s}"
        if by_name and whole:
            name = names.get(int(labels[first]))
            label += ", which the file does not name," if name is None else f" ('{one_line(name)}')"
        every = f"{len(classes)} classes ({listed(map(str, by_name or classes.values))})"
        raise RowError(
            lambda where, row: f"{where}: label {label} at row {row} is none of the {every}",
            where,
            first,
        )
    return indices


def one_hot(indices: Array, K: int) -> Array:
    """Y (K, m) with a 1 at (indices[i], i)."""
    Y = np.zeros((K, len(indices)))
    Y[indices, np.arange(len(indices))] = 1
    return Y


def multilabel(y: Array, K: int, where: str) -> Array:
    """Y (K, m) for y (m, K) of zeros and ones."""
    if y.ndim != 2 or y.shape[1] != K:
        found = 1 if y.ndim == 1 else y.shape[1]
        raise ClassCountError(
            f"{where} has {found} columns but the network has {K} outputs for labels that do not "
            "exclude each other; for classes that do use softmax, or loss multi_margin"
        )
    Y = targets(y, where)
    if len(rows := np.argwhere((Y.T != 0) & (Y.T != 1))):
        first, k = rows[0]
        said = "each label of a multilabel y must be 0 or 1"
        raise RowError(
            lambda where, row: f"{where}: {Y[k, first]:g} at row {row}; {said}", where, int(first)
        )
    return Y


def _refuse_fractions(y: Array, where: str, instead: str) -> None:
    y = y.astype(np.float64)
    bad = ~np.isfinite(y) | (y != np.floor(y)) | (np.abs(y) > 2**53)
    if bad.any():
        value = y[bad].flat[0]
        said = f"is not a class label; for numbers {instead}"
        if np.isnan(value):
            said = f"is a missing label ({np.isnan(y).sum()} in total); remove such rows"
        raise RowError(
            lambda where, row: f"{where}: {value} at row {row} {said}",
            where,
            int(np.argwhere(bad)[0][0]),
        )


def _text(label: Any) -> str:
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)
