"""Activations and losses of the user's own, in the registries beside ours.

    activation("swish", swish, swish_derivative)     g(Z) and g'(Z)
    loss("cauchy", cost, cost_derivative)            the cost of each entry, and d/dA of it

A plain function of arrays becomes a kernel here: what it is given it cannot change, what it
returns has the shape and the precision of what it was given, and overflow is quiet.  The
functions are elementwise: a part of a larger array may come, in any shape.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from math import isfinite
from typing import Any

import numpy as np

from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.grid import LABELS, at_label, carries_complex_step
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.types import Array

Function = Callable[..., Any]

LONGEST_NAME = 40
RESERVED = {"auto", "true", "false", "null"}
"""Words that mean something else in a config."""


class CustomError(Exception):
    """What is wrong with something of the user's own; `__cause__` is what it raised itself."""


def activation(
    name: str,
    function: Function,
    derivative: Function,
    *,
    weights: str = "he",
    kinks: Iterable[float] = (),
) -> None:
    """Register g as an activation: `function` g(Z), `derivative` g'(Z), both elementwise.

    `weights` is the initializer that suits it, `kinks` are the z where it has no derivative
    (what `derivative` says there must be one of the two slopes, or between them).
    """
    _check_name(name, "activation", ACTIVATIONS)
    _check_callable(name, function, derivative)
    if weights not in INITIALIZERS:
        known = ", ".join(INITIALIZERS)
        raise CustomError(f"{name}: weights={weights!r}: no such initializer (one of {known})")
    forward = partial(_forward, f"{name}: the function", function)
    g = Activation(
        name,
        forward,
        partial(_backward, f"{name}: the derivative", derivative),
        weights=INITIALIZERS[weights](),
        keeps_Z=True,
        kinks=_numbers(name, kinks),
        complex_step=carries_complex_step(forward),
    )
    ACTIVATIONS[name] = g


def loss(name: str, cost: Function, derivative: Function) -> None:
    """Register a loss: `cost(A, Y)` of each entry, `derivative(A, Y)` of it by A.

    A and Y are (K, m), A under any elementwise output activation; J is the mean of all m K
    costs.  Y are numbers.
    """
    _check_name(name, "loss", LOSSES)
    _check_callable(name, cost, derivative)
    entries = partial(_over_labels, f"{name}: the cost", cost)
    gradient = partial(_over_labels, f"{name}: the derivative", derivative)
    made = Loss(
        name,
        "number",
        ACTIVATIONS["linear"],
        entries,
        gradient,
        gradient,
        over_outputs=True,
    )
    whole = all(carries_complex_step(at_label(made, y)) for y in LABELS)
    LOSSES[name] = replace(made, complex_step=whole)


@contextmanager
def registering() -> Iterator[None]:
    """What is registered inside is forgotten at the end."""
    registries: list[dict[str, Any]] = [ACTIVATIONS, LOSSES]
    before = [dict(registry) for registry in registries]
    try:
        yield
    finally:
        for registry, kept in zip(registries, before, strict=True):
            registry.clear()
            registry.update(kept)


def _forward(what: str, function: Function, Z: Array, out: Array | None = None) -> Array:
    value = _value(what, function, Z)
    return _written(value, out)


def _backward(
    what: str, derivative: Function, dA: Array, Z: Array, out: Array | None = None
) -> Array:
    slope = _value(what, derivative, Z)
    with np.errstate(all="ignore"):
        dZ: Array = np.multiply(dA, slope, out=out)
    return dZ


def _over_labels(
    what: str, function: Function, A: Array, Y: Array, out: Array | None = None
) -> Array:
    value = _value(what, function, A, Y)
    return _written(value, out)


def _written(value: Array, out: Array | None) -> Array:
    """`value` in the buffer `out`, or by itself: it is a copy already."""
    if out is None:
        return value
    out[...] = value
    return out


def _value(what: str, function: Function, *arrays: Array) -> Array:
    """A new array: what a function of the user's makes of arrays that it cannot change, in
    their precision.
    """
    given = [array.view() for array in arrays]
    for array in given:
        array.flags.writeable = False
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(function(*given))
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        hint = "; work on a copy of it" if "read-only" in told(error) else ""
        raise CustomError(f"{what}: {told(error)}{hint}") from error
    first = arrays[0]
    if value.shape != first.shape:
        raise CustomError(
            f"{what} returned an array of shape {value.shape} for one of shape {first.shape}; "
            "it must return a number for each entry"
        )
    if not np.can_cast(value.dtype, first.dtype, "same_kind"):
        raise CustomError(f"{what} returned {value.dtype} for {first.dtype}; expected real numbers")
    with np.errstate(all="ignore"):  # a large float64 is infinite in float32
        same: Array = value.astype(first.dtype)
    return same


def told(error: BaseException) -> str:
    """`NameError: name 's' is not defined`"""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # its own __str__ is wrong, too
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _check_name(name: object, what: str, registry: Iterable[str]) -> None:
    if not isinstance(name, str) or not re.fullmatch(rf"[A-Za-z]\w{{0,{LONGEST_NAME - 1}}}", name):
        raise CustomError(
            f"{name!r} does not serve as a name; expected a word such as 'swish' "
            f"(letters, digits and _, at most {LONGEST_NAME})"
        )
    if name.lower() in RESERVED:
        raise CustomError(f"'{name}' means something else in a config; choose another name")
    if name in registry:
        raise CustomError(f"'{name}' is the name of a known {what}; choose another name")


def _check_callable(name: str, *functions: object) -> None:
    for function in functions:
        if not callable(function):
            raise CustomError(
                f"{name}: expected a function and its derivative, found {function!r:.60}"
            )


def _numbers(name: str, kinks: Iterable[float]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(z) for z in kinks)
    except (TypeError, ValueError):
        numbers = (float("nan"),)
    if not all(map(isfinite, numbers)):
        raise CustomError(f"{name}: kinks={kinks!r:.60}: expected numbers, such as kinks=(0.0,)")
    return numbers
