"""The one place where matrices are multiplied: what a product is, and NumPy's."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from deepnet_cli.fused import gemm, tape
from deepnet_cli.fused.team import Team
from deepnet_cli.nn.types import Array


class Product(Protocol):
    """A B for A (n, k) and B (k, m), written into out (n, m), which is returned.

    A and B are C-contiguous or transposes of such, out is C-contiguous.  While a tape records,
    it is noted there in place of being made, or the tape is broken.
    """

    @property
    def name(self) -> str:
        """What multiplies, for the records of a run."""

    @property
    def team(self) -> Team | None:
        """The threads that multiply, where they can share passes as well."""

    def __call__(self, A: Array, B: Array, out: Array) -> Array: ...


@dataclass(frozen=True)
class NumPy:
    """By NumPy and its BLAS: any dtype, any strides."""

    name: str = "NumPy"
    team: None = None

    def __call__(self, A: Array, B: Array, out: Array) -> Array:
        if tape.recording.tape is None:
            np.matmul(A, B, out=out)
        else:
            gemm.note(tape.recording.tape, A, B, out, gemm.of_numpy(out.dtype.char))
        return out


NUMPY = NumPy()
