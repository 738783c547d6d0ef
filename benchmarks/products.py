"""Each product of training by each library: what the rule in deepnet_cli/blas/choice.py is made of.

    python -m pip install '.[mkl,mixed]' threadpoolctl
    python benchmarks/products.py

For a layer of n units with k inputs and batches of m: the three products of a step, in
microseconds, with one thread and with all.  The libraries take turns, the medians are
printed, and how many times as fast as NumPy's OpenBLAS each is.  A library that is not
installed has no column.  Before its turn each waits until the threads of the one before
have stopped spinning.
"""

import os

os.environ.setdefault("KMP_BLOCKTIME", "10")  # ms that MKL's threads spin; 200 by default

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from deepnet_cli.blas.bfloat16 import BFloat16
from deepnet_cli.blas.choice import LEAST
from deepnet_cli.blas.cpu import has_bfloat16
from deepnet_cli.blas.library import UnavailableError
from deepnet_cli.blas.mkl import MKL
from deepnet_cli.blas.onednn import OneDNN
from deepnet_cli.nn.products import NUMPY, Product
from deepnet_cli.nn.types import Array

LAYERS = {
    "tabular": [(64, 30, 64), (32, 64, 64), (1, 32, 64)],
    "course": [(20, 12288, 209), (7, 20, 209)],
    "pictures": [(512, 784, 128), (256, 512, 128), (10, 256, 128)],
    "wide": [(2048, 1024, 512), (2048, 2048, 512), (10, 2048, 512)],
}
"""(n, k, m)"""

ROUNDS = 9
PAUSE = 0.02  # seconds
SECONDS = 0.01  # of a round, at least
ALLOWED = 2**-6  # error relative to |A| |B|, where bfloat16 makes at most 2^-7


def kinds(n: int, k: int, m: int) -> dict[str, tuple[Array, Array]]:
    """The products of a step: X is a transposed window of rows, as in training."""
    rng = np.random.default_rng(0)
    W, dZ = (rng.standard_normal(shape, np.float32) for shape in ((n, k), (n, m)))
    rows = rng.standard_normal((m, k), np.float32)
    return {"W A": (W, rows.T), "dZ A^T": (dZ, rows), "W^T dZ": (W.T, dZ)}


def libraries() -> dict[str, Product]:
    """What there is on this machine, NumPy first; made anew for each number of threads."""
    found: dict[str, Product] = {"NumPy": NUMPY}
    makers: dict[str, Callable[[], Product]] = {"MKL": MKL, "oneDNN": OneDNN}
    if has_bfloat16():
        makers["bfloat16"] = BFloat16
    for name, make in makers.items():
        try:
            found[name] = make()
        except UnavailableError as problem:
            print(problem)
    return found


def timed(products: dict[str, Product], A: Array, B: Array) -> list[float]:
    """Median seconds of A B by each, in turn."""
    out = np.empty((A.shape[0], B.shape[1]), A.dtype)
    exact, size = A.astype(float) @ B, np.abs(A).astype(float) @ np.abs(B)
    repeats = []
    for name, product in products.items():
        assert (np.abs(product(A, B, out) - exact) <= ALLOWED * size).all(), name
        began = time.perf_counter()
        product(A, B, out)
        repeats.append(1 + int(SECONDS / (time.perf_counter() - began)))
    taken: list[list[float]] = [[] for _ in products]
    for _ in range(ROUNDS):
        for product, n, each in zip(products.values(), repeats, taken, strict=True):
            time.sleep(PAUSE)
            product(A, B, out)
            began = time.perf_counter()
            for _ in range(n):
                product(A, B, out)
            each.append((time.perf_counter() - began) / n)
    return [median(each) for each in taken]


def main() -> None:
    """Print a table for each number of threads."""
    libraries()  # loaded, so that their threads can be limited
    for threads in sorted({1, os.cpu_count() or 1}):
        with threadpool_limits(threads):
            products = libraries()
            print(f"\nthreads: {threads}; microseconds, and how many times as fast as NumPy")
            print(f"{'':36}" + "".join(f"{name:>16}" for name in products))
            for name, layers in LAYERS.items():
                for n, k, m in layers:
                    for kind, (A, B) in kinds(n, k, m).items():
                        first, *_ = took = timed(products, A, B)
                        large = "large" if n * k * m >= LEAST else ""
                        row = f"{name:9}{n:5}x{k}x{m}".ljust(24) + f"{kind:7}{large:5}"
                        print(row + "".join(f"{1e6 * t:10.0f} {first / t:5.2f}" for t in took))


if __name__ == "__main__":
    main()
