"""Which product a network is trained with: a fixed function of the processor, of what is
installed, of the precision and the sizes, and, for each pair of matrices, of their type and
shape.  So results repeat.  benchmarks/products.py measures what the rule is made of.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from deepnet_cli.blas.bfloat16 import bfloat16
from deepnet_cli.blas.cpu import has_avx512, has_bfloat16, is_amd, is_intel
from deepnet_cli.blas.library import UnavailableError
from deepnet_cli.blas.mkl import mkl
from deepnet_cli.blas.onednn import onednn
from deepnet_cli.fused.team import Team
from deepnet_cli.nn.products import NUMPY, Product
from deepnet_cli.nn.types import Array
from deepnet_cli.threads import LARGE, largest

LEAST = 2**20
"""Multiplications in a product from which on a call to another library pays."""

SHARED = 2**18
"""Those that NumPy's OpenBLAS makes in one thread at most.  Where all others are another library's,
the threads of the two are not in each other's way.
"""


class Typed(Product, Protocol):
    """A product of some types alone."""

    @property
    def dtypes(self) -> Set[np.dtype[Any]]: ...


@dataclass(frozen=True)
class Large:
    """Large products of the types that it takes by one library, all others by NumPy."""

    product: Typed
    least: int

    @property
    def name(self) -> str:
        return f"{self.product.name} from {self.least:,} multiplications on, else {NUMPY.name}"

    @property
    def team(self) -> Team | None:
        return self.product.team

    def __call__(self, A: Array, B: Array, out: Array) -> Array:
        chosen: Product = self.product if self.takes(A, B) else NUMPY
        return chosen(A, B, out)

    def takes(self, A: Array, B: Array) -> bool:
        """Whether A B is large, and of a type and order that the library takes."""
        (n, k), m = A.shape, B.shape[1]
        return (
            n * k * m >= self.least
            and A.dtype == B.dtype
            and A.dtype in self.product.dtypes
            and A.itemsize in A.strides
            and B.itemsize in B.strides
        )


def product(precision: str, sizes: Sequence[int], m: int) -> Product:
    """What multiplies in training layers of n[0], ..., n[L] with batches of m examples.

    Raises UnavailableError where `mixed` cannot be had.
    """
    if precision == "mixed":
        return Large(_bfloat16(), SHARED)
    most = largest(sizes, m)
    try:
        if is_intel() and most >= LEAST:
            return Large(mkl(), LEAST)
        if is_amd() and has_avx512() and precision == "float32" and most >= LARGE:
            return Large(onednn(), SHARED)
    except UnavailableError:
        pass
    return NUMPY


def check_precision(precision: str) -> None:
    """Raises UnavailableError where it cannot be had."""
    if precision == "mixed":
        _bfloat16()


def _bfloat16() -> Typed:
    if not has_bfloat16():
        raise UnavailableError(
            "needs a processor that multiplies in bfloat16 (AVX512_BF16 or AMX, seen on Linux); "
            "this one does not: use float32"
        )
    try:
        return bfloat16()
    except UnavailableError as problem:
        raise UnavailableError(f"needs oneDNN, but {problem}; or train anew in float32") from None
