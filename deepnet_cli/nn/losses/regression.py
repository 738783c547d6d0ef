"""Losses of numbers, by the error A - Y; they take any output activation but softmax and exp."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import log
from operator import lt

import numpy as np

from deepnet_cli.nn.activations.piecewise import LINEAR
from deepnet_cli.nn.losses.loss import Loss
from deepnet_cli.nn.types import Array, Kernel


def mean_squared_error(A: Array, Y: Array, out: Array | None = None) -> Array:
    """(A - Y)^2, without the 1/2 of some books."""
    error: Array = np.subtract(A, Y, out=out)
    error *= error
    return error


def mean_squared_error_gradient(A: Array, Y: Array, out: Array | None = None) -> Array:
    error: Array = np.subtract(A, Y, out=out)
    error *= 2
    return error


def mean_absolute_error(A: Array, Y: Array, out: Array | None = None) -> Array:
    """|A - Y|"""
    error: Array = np.subtract(A, Y, out=out)
    error *= np.sign(error.real)
    return error


def mean_absolute_error_gradient(A: Array, Y: Array, out: Array | None = None) -> Array:
    """0 where A = Y."""
    dA: Array = np.sign(A - Y, out=out)
    return dA


def huber(delta: float, A: Array, Y: Array, out: Array | None = None) -> Array:
    """e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), e = A - Y (Huber, 1964)"""
    size = mean_absolute_error(A, Y)
    near = size.real <= delta
    costs: Array = np.where(near, 0.5 * size * size, delta * (size - 0.5 * delta))
    return np.positive(costs, out=out)


def huber_gradient(delta: float, A: Array, Y: Array, out: Array | None = None) -> Array:
    """e, but at least -delta and at most delta."""
    error = A - Y
    dA: Array = np.minimum(np.maximum(error, -delta), delta, out=out)
    return dA


def log_cosh(A: Array, Y: Array, out: Array | None = None) -> Array:
    """log cosh e, e = A - Y: near 0 as log(1 + u^2 / (2 + 2u)), u = exp(-|e|) - 1, in all digits,
    and else as |e| + log(1 + exp(-2 |e|)) - log 2, without overflow.
    """
    size = mean_absolute_error(A, Y)
    near = size.real < 1
    u = np.expm1(-np.where(near, size, 0))
    far = size + np.log1p(np.exp(-2 * size)) - log(2)
    costs: Array = np.where(near, np.log1p(u * u / (2 + 2 * u)), far)
    return np.positive(costs, out=out)


def log_cosh_gradient(A: Array, Y: Array, out: Array | None = None) -> Array:
    dA: Array = np.tanh(A - Y, out=out)
    return dA


def quantile(tau: float, A: Array, Y: Array, out: Array | None = None) -> Array:
    """tau (Y - A) where Y > A, else (1 - tau) (A - Y) (Koenker and Bassett, 1978)"""
    error = A - Y
    costs: Array = np.where(error.real < 0, -tau * error, (1 - tau) * error)
    return np.positive(costs, out=out)


def quantile_gradient(tau: float, A: Array, Y: Array, out: Array | None = None) -> Array:
    """-tau where Y > A, else 1 - tau."""
    below = np.sign(np.minimum(A - Y, 0))  # -1 or 0
    dA: Array = np.add(below, 1 - tau, out=out)
    return dA


def _regression(
    name: str,
    entries: Callable[..., Array],
    gradient: Callable[..., Array],
    formula: str,
    start: str,
) -> Loss:
    """A loss of A itself, whose start is its gradient."""
    return Loss(
        name,
        "number",
        LINEAR,
        entries,
        gradient,
        gradient,
        over_outputs=True,
        formula=formula,
        start_formula=start,
    )


MEAN_SQUARED_ERROR = _regression(
    "mean_squared_error",
    mean_squared_error,
    mean_squared_error_gradient,
    "(A - Y)^2",
    "2 (A - Y)",
)
MEAN_ABSOLUTE_ERROR = _regression(
    "mean_absolute_error",
    mean_absolute_error,
    mean_absolute_error_gradient,
    "|A - Y|",
    "sign(A - Y)",
)
LOG_COSH = _regression("log_cosh", log_cosh, log_cosh_gradient, "log cosh(A - Y)", "tanh(A - Y)")


@dataclass(frozen=True)
class Huber:
    """e^2 / 2 where |e| <= delta, else delta (|e| - delta/2), e = A - Y;
    dA = e, but at least -delta and at most delta
    """

    delta: float = field(default=1.0, metadata={"gt": 0.0})

    def loss(self) -> Loss:
        d = f"{self.delta:g}"
        return _regression(
            "huber",
            partial(huber, self.delta),
            partial(huber_gradient, self.delta),
            f"e^2 / 2 where |e| <= {d}, else {d} (|e| - {d}/2), e = A - Y",
            f"A - Y, but at least -{d} and at most {d}",
        )


@dataclass(frozen=True)
class Quantile:
    """tau (Y - A) where Y > A, else (1 - tau) (A - Y); dA = -tau where Y > A, else 1 - tau

    Of several tau, which ascend, each output has one.
    """

    tau: float | tuple[float, ...] = field(default=0.5, metadata={"gt": 0.0, "lt": 1.0})

    def __post_init__(self) -> None:
        if isinstance(self.tau, tuple):
            if len(self.tau) < 2:
                raise ValueError("a list is of several tau, as [0.1, 0.5, 0.9]; one stands alone")
            if not all(map(lt, self.tau, self.tau[1:])):
                raise ValueError("several tau must ascend, as in [0.1, 0.5, 0.9]")

    def loss(self) -> Loss:
        if isinstance(self.tau, tuple):
            return _quantiles(self.tau)
        above, under = f"{self.tau:g}", f"{1 - self.tau:g}"
        return _regression(
            "quantile",
            partial(quantile, self.tau),
            partial(quantile_gradient, self.tau),
            f"{above} (Y - A) where Y > A, else {under} (A - Y)",
            f"-{above} where Y > A, else {under}",
        )


def _quantiles(taus: tuple[float, ...]) -> Loss:
    """A tau for each output, all of the same number: the rows of Y are equal."""
    column = np.array(taus)[:, np.newaxis]

    def of(kernel: Callable[..., Array]) -> Kernel:
        return lambda A, Y, **out: kernel(column.astype(A.real.dtype), A, Y, **out)

    told = ", ".join(f"{tau:g}" for tau in taus)
    loss = _regression(
        "quantile",
        of(quantile),
        of(quantile_gradient),
        f"tau (Y - A) where Y > A, else (1 - tau) (A - Y), tau = {told}",
        f"-tau where Y > A, else 1 - tau, tau = {told}",
    )
    names = tuple(f"quantile_{tau:g}" for tau in taus)
    return replace(loss, target="quantiles", columns=names)
