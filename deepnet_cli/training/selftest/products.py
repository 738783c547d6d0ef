"""Matrix products: right, the same each time, and how fast."""

from itertools import product as pairs
from typing import Any

import numpy as np

from deepnet_cli.blas.choice import product
from deepnet_cli.nn.products import Product
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import generator
from deepnet_cli.threads import effective
from deepnet_cli.training.selftest.finding import NOTE, OK, WRONG, Finding
from deepnet_cli.training.timing.peak import peak

SHAPES = ((1, 7, 1), (3, 1, 5), (33, 65, 17), (128, 100, 64), (300, 257, 129))
"""n, k and m of A (n, k) times B (k, m)."""

SECONDS = 1.0
"""That the speed of a precision is looked for."""

SLOW = 4e9
"""Multiplications and additions a second of one thread, in float32: vectors do many more."""


def check_products() -> Finding:
    """Every shape and order in either precision against sums of products, and twice the same."""
    *_, (n, k, m) = SHAPES  # one that is large
    multiply, threads = product("float32", (k, n), m), effective()
    cases = pairs(("float32", "float64"), SHAPES, (False, True), (False, True))
    wrong = [told for case in cases if (told := _compared(multiply, *case))]
    speeds = {name: peak(multiply, np.dtype(name), SECONDS) for name in ("float32", "float64")}
    rates = {name: speed / 1e9 for name, speed in speeds.items()}
    figures: dict[str, Any] = {"threads": threads, "gflops": rates, "wrong": wrong}
    if wrong:
        return Finding(WRONG, f"of {multiply.name}: {wrong[0]}", figures)
    fast = ", ".join(f"{rate:.3g} GFLOP/s in {name}" for name, rate in rates.items())
    told = f"right, and the same each time; {fast}, threads: {threads}"
    if speeds["float32"] < SLOW * threads:
        slow = "slow: a BLAS without vector instructions, or a machine that is busy"
        return Finding(NOTE, f"{told}; {slow}", figures)
    return Finding(OK, told, figures)


def _compared(multiply: Product, dtype: str, shape: tuple[int, int, int], a: bool, b: bool) -> str:
    """What is wrong with a product, of transposes where `a` and `b` say so; or nothing.

    Each of its entries is off by k eps (|A| |B|) at most (Higham, Accuracy and Stability, 3.5).
    """
    n, k, m = shape
    rng = generator(n * k * m, "products")
    A, B = (rng.normal(size=size).astype(dtype) for size in ((n, k), (k, m)))
    A, B = (A.T.copy().T if a else A), (B.T.copy().T if b else B)
    first, second = (multiply(A, B, np.empty((n, m), dtype)) for _ in range(2))
    bound = (k + 2) * np.finfo(dtype).eps * _summed(np.abs(A), np.abs(B))
    if not (np.abs(first - _summed(A, B)) <= bound).all():
        return f"a product of ({n}, {k}) and ({k}, {m}) in {dtype} is wrong"
    if first.tobytes() != second.tobytes():
        return f"a product of ({n}, {k}) and ({k}, {m}) in {dtype} is another the second time"
    return ""


def _summed(A: Array, B: Array) -> Array:
    """A B in float64, by no library of products."""
    total: Array = np.einsum("nk,km->nm", A.astype("float64"), B.astype("float64"))
    return total
