"""How matrices stand in memory, and what oneDNN can be asked to do with matrices that stand so."""

from typing import NamedTuple

from deepnet_cli.nn.types import Array

BFLOAT16, FLOAT32 = 2, 3  # oneDNN's names of kinds of numbers


class Layout(NamedTuple):
    """How a matrix stands: its shape, its strides in numbers, the kind of these."""

    shape: tuple[int, int]
    strides: tuple[int, int]
    kind: int

    @classmethod
    def of(cls, M: Array) -> "Layout":
        """That of an array of float32."""
        (rows, columns), (row, column) = M.shape, (stride // M.itemsize for stride in M.strides)
        return cls((rows, columns), (row, column), FLOAT32)

    @property
    def turned(self) -> bool:
        """Whether its columns are what stands together."""
        return self.strides[0] < self.strides[1]

    @property
    def rounded(self) -> "Layout":
        """In bfloat16, in the same order and without gaps."""
        rows, columns = self.shape
        return Layout(self.shape, (1, rows) if self.turned else (columns, 1), BFLOAT16)


class Reorder(NamedTuple):
    """A matrix written in another layout."""

    given: Layout
    wanted: Layout


class Matmul(NamedTuple):
    """A B of matrices in these layouts."""

    A: Layout
    B: Layout
    out: Layout


Wanted = Reorder | Matmul
