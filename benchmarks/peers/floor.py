"""The floor: nothing but the matrix products of a step, by NumPy's BLAS into buffers.

Z[l] = W[l] A[l-1],    dW[l] = dZ[l] A[l-1]^T,    dA[l-1] = W[l]^T dZ[l] for l > 1

No bias, no activation, no loss, no update, no gathering of the batch.
"""

from pathlib import Path

import numpy as np

from benchmarks.peers.cases import Prediction, Training, read_initial, read_rows
from benchmarks.peers.reference import Array


class Floor:
    """The products of one step as (left, right, out)."""

    def __init__(self, case: Training, directory: Path) -> None:
        rng = np.random.default_rng(0)
        A = [rng.standard_normal((case.batch, case.sizes[0]), np.float32).T]
        A += [rng.standard_normal((n, case.batch), np.float32) for n in case.sizes[1:]]
        self.steps = case.steps
        self.products: list[tuple[Array, Array, Array]] = []
        dA = [np.empty_like(a) for a in A]
        W = [p for name, p in sorted(read_initial(directory).items()) if name.startswith("W")]
        for l in range(1, len(A)):
            self.products.append((W[l - 1], A[l - 1], np.empty_like(A[l])))
        for l in range(len(W), 0, -1):
            self.products.append((A[l], A[l - 1].T, np.empty_like(W[l - 1])))
            if l > 1:
                self.products.append((W[l - 1].T, A[l], dA[l - 1]))

    def run(self, times: int) -> None:
        for _ in range(times * self.steps):
            for left, right, out in self.products:
                np.matmul(left, right, out=out)

    def outcome(self) -> dict[str, Array]:
        return {}


class ForwardFloor:
    """The products of predicting: Z[l] = W[l] A[l-1], batch after batch."""

    def __init__(self, case: Prediction, directory: Path) -> None:
        self.x, self.batch, p = read_rows(directory), case.batch, read_initial(directory)
        self.W = [p[f"W{l}"] for l in range(1, len(case.sizes))]
        self.A = [np.empty((n, self.batch), np.float32) for n in case.sizes[1:]]

    def run(self, times: int) -> None:
        for first in [*range(0, len(self.x), self.batch)] * times:
            A = self.x[first : first + self.batch].T
            for W, buffer in zip(self.W, self.A, strict=True):
                A = np.matmul(W, A, out=buffer[:, : A.shape[1]])

    def outcome(self) -> dict[str, Array]:
        return {}
