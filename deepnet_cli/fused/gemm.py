"""A product of matrices as a call on a tape: ?gemm of a library, such as NumPy's own BLAS."""

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from numpy.typing import NDArray

from deepnet_cli.fused import native
from deepnet_cli.fused.tape import Tape

SPELLINGS = ("scipy_cblas_{}gemm64_", "cblas_{}gemm64_", "cblas_{}gemm")
"""How builds of NumPy call it; those that end in 64_ take integers of 64 bits."""

LETTERS = {"f": "s", "d": "d"}

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112


@dataclass(frozen=True)
class Convention:
    """What a ?gemm is called with before the sizes, and what is done about what it returns."""

    order: str  # the type of what says how a matrix stands
    orders: tuple[int, int]  # as it is, transposed
    call: str
    end: str = "ret void"
    declared: str = ""


CBLAS = Convention("i32", (PLAIN, TRANSPOSED), f"call void %x0(i32 {ROW_MAJOR}, i32 %ta, i32 %tb")

ONEDNN = Convention(
    "i8",
    (ord("N"), ord("T")),
    "%status = call i32 %x0(i8 signext %ta, i8 signext %tb",
    """%failed = icmp ne i32 %status, 0
br i1 %failed, label %without, label %done
without:
call void @llvm.trap()
unreachable
done:
ret void""",
    "declare void @llvm.trap()",
)
"""It fails where it gets no memory for its buffers.  An OpenBLAS ends the process then: nothing is
trained with what was not multiplied.
"""

CALL = """
{how.declared}
define void @NAME.words(ptr %words) {{
{loads}
{how.call}, {int} %m, {int} %n, {int} %k, {float} 1.0, ptr %x6,
  {int} %lda, ptr %x7, {int} %ldb, {float} 0.0, ptr %x8, {int} %ldc)
{how.end}
}}
"""


class Gemm(NamedTuple):
    """The address of a ?gemm, that of what calls it with words, and how it is told the order of a
    matrix: as it is, transposed.
    """

    function: int
    thunk: int
    orders: tuple[int, int]


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
    (n, k), m = A.shape, B.shape[1]
    orders = [found.orders[transposed] for transposed, _ in (a, b)]
    addresses = [x.ctypes.data for x in (A, B, out)]
    sizes = [a[1], b[1], max(1, m)]
    tape.add(found.thunk, [found.function, *orders, n, m, k, *addresses, *sizes], (A, B, out))


def stored(M: NDArray[Any]) -> tuple[bool, int]:
    """Whether M (r, c) stands in memory transposed, and how far apart its lines are."""
    (row, column), c = (stride // M.itemsize for stride in M.strides), M.shape[1]
    return (True, column) if row < column else (False, max(row, c))


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


def of(function: Any, char: str, how: Convention = CBLAS, *, wide: bool = False) -> Gemm | None:
    """That of a function for a type; `wide`: its integers are of 64 bits."""
    address = ctypes.cast(function, ctypes.c_void_p).value
    if address is None or not native.available():
        return None
    return Gemm(address, _thunk(LETTERS[char], how, wide), how.orders)


def _library() -> ctypes.CDLL | None:
    """NumPy's extension module: in it are found the functions of all that it is linked to."""
    names = ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath")
    module = next((sys.modules[name] for name in names if name in sys.modules), None)
    try:
        return ctypes.CDLL(str(module.__file__)) if module is not None else None
    except OSError:
        return None


def _thunk(letter: str, how: Convention, wide: bool) -> int:
    names = ["x0", "ta", "tb", "m", "n", "k", "x6", "x7", "x8", "lda", "ldb", "ldc"]
    integer = "i64" if wide else "i32"
    types = ["ptr", *[how.order] * 2, *[integer] * 3, *["ptr"] * 3, *[integer] * 3]
    loads = native.loads(names, types)
    kind = "float" if letter == "s" else "double"
    return native.compiled(CALL.format(loads=loads, how=how, int=integer, float=kind))(".words")
