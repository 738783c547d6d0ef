"""W[1] in the coordinates that training moves it in, where there are more features than examples.

    X = Q R                 Q (n[0], m) with orthonormal columns, R (m, m)
    W[1] = V Q^T + u D      V (n[1], m), u (n[1], 1), D (n[1], n[0])

dW[1] = dZ[1] X^T: each row of W[1] moves within the span of the examples.  Outside it, it keeps
the direction D in which it starts, D Q = 0 and of length 1, and no example sees that part:

    Z[1] = W[1] X = V R = [V u] [R; 0]

[V u] is the W[1] of an ordinary network of m + 1 features, the last of them 0 in every
example.  The coordinates of a row are by orthonormal directions, so its gradient is
[dV du] = dW[1] in the same coordinates and the sum of its squares is the same: whatever
commutes with a rotation (gradient descent, momentum, l2) does to [V u] what it does to W[1].
No rank is asked of X: where its columns depend on each other, R is singular and Q is not.
"""

from dataclasses import dataclass

import numpy as np

from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Span:
    """The directions Q (n[0], m) and D (n[1], n[0])."""

    Q: Array
    D: Array

    @classmethod
    def through(cls, Q: Array, W: Array) -> "Span":
        """With the directions outside Q that the rows of W (n[1], n[0]) have; 0 where none."""
        D = W
        for _ in range(2):  # what rounding left of Q in the first, the second takes out
            D = D - (D @ Q) @ Q.T
        length = np.linalg.norm(D, axis=1, keepdims=True)
        return cls(Q, np.divide(D, length, out=np.zeros_like(D), where=length > 0))

    def enter(self, W: Array) -> Array:
        """[V u] (..., n[1], m + 1) of W (..., n[1], n[0])."""
        u = (W * self.D).sum(axis=-1, keepdims=True)
        return np.concatenate([W @ self.Q, u], axis=-1)

    def lift(self, Vu: Array) -> Array:
        """W (..., n[1], n[0]) of [V u] (..., n[1], m + 1)."""
        W: Array = Vu[..., :-1] @ self.Q.T
        W += Vu[..., -1:] * self.D
        return W


def factored(rows: Array) -> tuple[Array, Array]:
    """Q (n[0], m), and the examples as rows [R; 0]^T (m, m + 1), of rows (m, n[0]), m < n[0].

    By Householder reflections in float64, in place on a copy; rounded to the rows' precision.
    """
    from scipy.linalg import qr  # a fifth of a second, for those who need it

    X = rows.T.astype(np.float64, order="F")
    Q, R = qr(X, mode="economic", overwrite_a=True, check_finite=False)
    inside = np.pad(R.T, ((0, 0), (0, 1)))
    return Q.astype(rows.dtype, copy=False), inside.astype(rows.dtype)
