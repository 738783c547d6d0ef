"""exp, log and their kin as the few operations that a loop over entries is made of.

Each is reduced to a short interval, where some terms of a Taylor series give every digit of
the precision: exp to |r| <= log(2) / 2; log to a mantissa u between sqrt(1/2) and sqrt(2), as
2 artanh((u - 1) / (u + 1)).  After W. J. Cody and W. Waite, Software Manual for the
Elementary Functions (1980), whose split of log(2) makes r exact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from math import factorial, inf, log, log2, nan

import numpy as np

from deepnet_cli.fused.symbols import UFUNCS, Node, apply, compare, constant, where


@dataclass(frozen=True)
class Format:
    """What a series and its reduction need to know of a floating-point format."""

    exp_terms: int
    log_terms: int
    head: float  # log(2) in so few bits that its multiples are exact
    tail: float  # the rest of it
    least: float  # below this exp is 0
    most: float  # above this exp is infinite
    normal: float  # the smallest number with all its digits


SINGLE = Format(7, 5, 0.693359375, -2.1219444005469058e-4, -105.0, 90.0, 2.0**-126)
DOUBLE = Format(13, 11, 0.693145751953125, 1.4286068203094172e-6, -750.0, 715.0, 2.0**-1022)

below, above = compare("olt"), compare("ogt")


def format_of(x: Node) -> Format:
    return SINGLE if x.kind == "float" else DOUBLE


def add(x: Node, y: Node) -> Node:
    return apply("fadd", x, y)


def subtract(x: Node, y: Node) -> Node:
    return apply("fsub", x, y)


def multiply(x: Node, y: Node) -> Node:
    return apply("fmul", x, y)


def divide(x: Node, y: Node) -> Node:
    return apply("fdiv", x, y)


def polynomial(x: Node, coefficients: list[float]) -> Node:
    """sum of coefficients[k] x^k, by Horner's rule."""
    return reduce(
        lambda total, c: apply("fma", total, x, constant(c)),
        reversed(coefficients[:-1]),
        constant(coefficients[-1]),
    )


def reduced(x: Node) -> tuple[Node, Node]:
    """n, a whole number, and exp(r) - 1, with x = n log(2) + r."""
    f = format_of(x)
    n = apply("rint", multiply(x, constant(log2(np.e))))
    r = apply("fma", n, constant(-f.head), x)
    r = apply("fma", n, constant(-f.tail), r)
    series = polynomial(r, [1 / factorial(k) for k in range(1, f.exp_terms + 1)])
    return n, multiply(r, series)


def exp(x: Node) -> Node:
    """2^n exp(r), with 2^n in two factors: it may overflow, or end below the normal numbers."""
    f = format_of(x)
    x = where(below(x, constant(f.least)), constant(f.least), x)
    x = where(above(x, constant(f.most)), constant(f.most), x)
    n, rest = reduced(x)
    half = apply("rint", multiply(n, constant(0.5)))
    value = multiply(add(rest, constant(1)), apply("two_to", half))
    return multiply(value, apply("two_to", subtract(n, half)))


def expm1(x: Node) -> Node:
    """exp(x) - 1 as 2^n (exp(r) - 1) + (2^n - 1), which cancels nothing; above 40 it is exp(x)."""
    f = format_of(x)
    x = where(below(x, constant(-50)), constant(-50), x)
    x = where(above(x, constant(f.most)), constant(f.most), x)
    n, rest = reduced(x)
    half = apply("rint", multiply(n, constant(0.5)))
    first, second = apply("two_to", half), apply("two_to", subtract(n, half))
    scale = multiply(first, second)
    near = apply("fma", scale, rest, subtract(scale, constant(1)))
    return where(
        above(x, constant(40)), multiply(multiply(add(rest, constant(1)), first), second), near
    )


def tanh(x: Node) -> Node:
    """-e / (e + 2) with e = exp(-2 |x|) - 1, and the sign of x."""
    size = apply("fabs", x)
    y = multiply(where(above(size, constant(20)), constant(20), size), constant(-2))
    n, rest = reduced(y)
    scale = apply("two_to", n)
    e = apply("fma", scale, rest, subtract(scale, constant(1)))
    t = divide(e, add(e, constant(2)))
    return where(below(x, constant(0)), t, apply("fneg", t))


def log_of_normal(u: Node) -> Node:
    """log u for u that is positive, finite and not below the normal numbers."""
    f = format_of(u)
    e, mantissa = apply("exponent", u), apply("mantissa", u)
    s = divide(subtract(mantissa, constant(1)), add(mantissa, constant(1)))
    series = polynomial(multiply(s, s), [2 / (2 * k + 1) for k in range(f.log_terms)])
    tail = apply("fma", e, constant(f.tail), multiply(s, series))
    return apply("fma", e, constant(f.head), tail)


def natural_log(x: Node) -> Node:
    """log x, of any x."""
    f = format_of(x)
    tiny = below(x, constant(f.normal))
    u = where(tiny, multiply(x, constant(2.0**60)), x)
    value = subtract(log_of_normal(u), where(tiny, constant(60 * log(2)), constant(0)))
    return _at_the_ends(x, value)


def log1p(x: Node) -> Node:
    """log u + (x - (u - 1)) / u with u = 1 + x, which is rounded."""
    u = add(x, constant(1))
    lost = divide(subtract(x, subtract(u, constant(1))), u)
    return _at_the_ends(u, add(log_of_normal(u), lost))


def _at_the_ends(u: Node, value: Node) -> Node:
    """log u where u is 0, negative, infinite or no number, else the value."""
    value = where(above(u, constant(0)), value, constant(nan))
    value = where(compare("oeq")(u, constant(0)), constant(-inf), value)
    return where(compare("oeq")(u, constant(inf)), u, value)


ELEMENTARY: dict[np.ufunc, Callable[[Node], Node]] = {
    np.exp: exp,
    np.expm1: expm1,
    np.tanh: tanh,
    np.log: natural_log,
    np.log1p: log1p,
}

UFUNCS.update(ELEMENTARY)
