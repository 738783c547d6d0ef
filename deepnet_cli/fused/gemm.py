"""A product of matrices as a call on a tape: cblas_?gemm of a BLAS, such as NumPy's own."""

import ctypes
import sys
from functools import cache
from typing import Any

from numpy.typing import NDArray

from deepnet_cli.fused import native
from deepnet_cli.fused.tape import Tape

SPELLINGS = ("scipy_cblas_{}gemm64_", "cblas_{}gemm64_", "cblas_{}gemm")
"""How builds of NumPy call it; those that end in 64_ take integers of 64 bits."""

LETTERS = {"f": "s", "d": "d"}

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112

CALL = """
define void @NAME.words(ptr %words) {{
{loads}
call void %x0(i32 {order}, i32 %ta, i32 %tb, {int} %m, {int} %n, {int} %k, {float} 1.0, ptr %x6,
  {int} %lda, ptr %x7, {int} %ldb, {float} 0.0, ptr %x8, {int} %ldc)
ret void
}}
"""


Gemm = tuple[int, int]
"""The address of a cblas_?gemm, and that of what calls it with words."""


def note(
    tape: Tape, A: NDArray[Any], B: NDArray[Any], out: NDArray[Any], found: Gemm | None
) -> None:
    """Put out = A B on a tape, for A (n, k), B (k, m) and out (n, m), by a function that was
    found for their type; or break it.
    """
    a, b = stored(A), stored(B)
    same = A.dtype == B.dtype == out.dtype and out.flags.c_contiguous
    fits = same and all(M.itemsize in M.strides for M in (A, B))
    if tape.broken or found is None or not fits:
        tape.broken = True
        return
    function, thunk = found
    (n, k), m = A.shape, B.shape[1]
    addresses = [x.ctypes.data for x in (A, B, out)]
    sizes = [a[1], b[1], max(1, m)]
    tape.add(thunk, [function, a[0], b[0], n, m, k, *addresses, *sizes], (A, B, out))


def stored(M: NDArray[Any]) -> tuple[int, int]:
    """Whether M (r, c) stands in memory as it is or transposed, and how far apart its lines are."""
    (row, column), c = (stride // M.itemsize for stride in M.strides), M.shape[1]
    return (TRANSPOSED, column) if row < column else (PLAIN, max(row, c))


@cache
def of_numpy(char: str) -> Gemm | None:
    """That of the BLAS that NumPy is linked to, for a type; None where none is to be found."""
    blas = _library()
    for spelling in SPELLINGS:
        if letter := LETTERS.get(char):
            function = getattr(blas, spelling.format(letter), None)
            if function is not None:
                return of(function, char, wide=spelling.endswith("64_"))
    return None


def of(function: Any, char: str, *, wide: bool = False) -> Gemm | None:
    """That of a function for a type; `wide`: its integers are of 64 bits."""
    address = ctypes.cast(function, ctypes.c_void_p).value
    if address is None or not native.available():
        return None
    return address, _thunk(LETTERS[char], wide)


def _library() -> ctypes.CDLL | None:
    """NumPy's extension module: in it are found the functions of all that it is linked to."""
    names = ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath")
    module = next((sys.modules[name] for name in names if name in sys.modules), None)
    try:
        return ctypes.CDLL(str(module.__file__)) if module is not None else None
    except OSError:
        return None


def _thunk(letter: str, wide: bool) -> int:
    names = ["x0", "ta", "tb", "m", "n", "k", "x6", "x7", "x8", "lda", "ldb", "ldc"]
    integer = "i64" if wide else "i32"
    types = ["ptr", "i32", "i32", *[integer] * 3, *["ptr"] * 3, *[integer] * 3]
    loads = native.loads(names, types)
    kind = "float" if letter == "s" else "double"
    text = CALL.format(loads=loads, order=ROW_MAJOR, int=integer, float=kind)
    return native.compiled(text)(".words")
