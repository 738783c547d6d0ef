"""What this machine's products can reach: the ceiling that a network's are held against."""

from time import perf_counter

import numpy as np

from deepnet_cli.nn.products import Product

SIZES = (96, 192, 384, 768, 1024)
"""Rows and columns of square matrices; which is the fastest depends on cache and threads."""


def peak(product: Product, dtype: np.dtype[np.generic], seconds: float) -> float:
    """Multiplications and additions a second in the fastest product of squares, of those that some
    seconds have room for; two of each size at least.
    """
    squares = [np.ones((3, n, n), dtype) for n in SIZES]
    end, looks, best = perf_counter() + seconds, 0, 0.0
    while looks < 2 or perf_counter() < end:
        for A, B, out in squares:
            began = perf_counter()
            product(A, B, out)
            best = max(best, 2 * len(A) ** 3 / (perf_counter() - began))
        looks += 1
    return best
