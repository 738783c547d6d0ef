"""oneDNN's primitives: made once for the layouts of what they work on, and given arrays then.

https://uxlfoundation.github.io/oneDNN/dev_guide_basic_concepts.html
"""

import threading
import weakref
from collections.abc import Sequence
from ctypes import (
    CDLL,
    Structure,
    addressof,
    byref,
    c_int,
    c_int64,
    c_size_t,
    c_uint,
    c_void_p,
    cast,
)
from ctypes import Array as CArray
from functools import cache
from typing import Any, NamedTuple

from numpy.typing import NDArray

from deepnet_cli.fused import native
from deepnet_cli.fused.tape import Tape
from deepnet_cli.nn.types import Array

CPU, IN_ORDER = 1, 1  # kinds of engine and of stream
BFLOAT16, FLOAT32 = 2, 3
FROM, TO, BY = 1, 17, 33  # what a memory is to a primitive: source, destination, weights
OUT_OF_MEMORY = 1
Dims = c_int64 * 12

EXECUTION = """
define void @NAME(ptr %words) {{
{loads}
%before = call i32 %max_threads()
call void %set_threads(i32 %threads)
%status = call i32 %execute(ptr %primitive, ptr %stream, i32 %count, ptr %arguments)
call void %set_threads(i32 %before)
%failed = icmp ne i32 %status, 0
br i1 %failed, label %without, label %done
without:
call void @llvm.trap()
unreachable
done:
ret void
}}
declare void @llvm.trap()
"""
"""It fails where it gets no memory: nothing is trained with what was not multiplied."""


WORDS = {"execute": "ptr", "max_threads": "ptr", "set_threads": "ptr", "threads": "i32"}
WORDS |= {"primitive": "ptr", "stream": "ptr", "count": "i32", "arguments": "ptr"}


class Argument(Structure):
    """dnnl_exec_arg_t"""

    _fields_ = (("role", c_int), ("memory", c_void_p))


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

ROLES = {Reorder: (FROM, TO), Matmul: (FROM, BY, TO)}


class Made(NamedTuple):
    """A primitive, and the descriptor of each matrix that it is given."""

    primitive: c_void_p
    descriptors: list[c_void_p]


class Arguments(NamedTuple):
    """What a primitive is given: its memories, and each with its role."""

    memories: list[c_void_p]
    given: CArray[Argument]


class Own(threading.local):
    """What a thread has made, each for a number of threads that multiply: the scratch memory of a
    primitive is for its thread, and for that many.
    """

    def __init__(self) -> None:
        self.made: dict[tuple[int, Wanted], Made] = {}
        self.arguments: dict[tuple[int, Wanted], Arguments] = {}


class Engine:
    """The library's CPU.  Arrays are given to what is wanted in the order of its layouts; the last
    of them is written.
    """

    def __init__(self, library: CDLL) -> None:
        self._library = library
        library.dnnl_memory_set_data_handle.argtypes = [c_void_p] * 2
        self._own = Own()
        self._engine = self._new("engine_create", CPU, c_size_t(0))
        self._stream = self._new("stream_create", self._engine, c_uint(IN_ORDER))

    def run(self, wanted: Wanted, *arrays: NDArray[Any]) -> None:
        """Raises MemoryError."""
        key, kept = (self._threads, wanted), self._own.arguments
        made = self._made(wanted)
        if key not in kept:
            kept[key] = self._arguments(wanted, made)
        given = self._aimed(kept[key], arrays)
        self._call("primitive_execute", made.primitive, self._stream, len(given), given)
        self._call("stream_wait", self._stream)

    def note(self, on: Tape, wanted: Wanted, *arrays: NDArray[Any]) -> None:
        """Have a tape run it, with as many threads as multiply now."""
        made = self._made(wanted)
        arguments = self._arguments(wanted, made)
        given = self._aimed(arguments, arrays)
        names = ("dnnl_primitive_execute", "omp_get_max_threads", "omp_set_num_threads")
        functions = [cast(self._library[name], c_void_p).value or 0 for name in names]
        handles = [made.primitive.value or 0, self._stream.value or 0]
        words = [*functions, self._threads, *handles, len(given), addressof(given)]
        on.add(_execution(), words, (*arrays, arguments, made))

    @property
    def _threads(self) -> int:
        number: int = self._library.omp_get_max_threads()
        return number

    def _made(self, wanted: Wanted) -> Made:
        made, key, engine = self._own.made, (self._threads, wanted), self._engine
        if key not in made:
            descriptors = [self._descriptor(layout) for layout in wanted]
            if isinstance(wanted, Reorder):
                one, other = descriptors
                primitive = self._primitive("reorder", one, engine, other, engine, None)
            else:
                a, b, out = descriptors
                primitive = self._primitive("matmul", engine, a, b, None, out, None)
            made[key] = Made(primitive, descriptors)
        return made[key]

    def _arguments(self, wanted: Wanted, made: Made) -> Arguments:
        """Before they are aimed at anything."""
        memories = [
            self._lent("memory", "memory_create", descriptor, self._engine, None)
            for descriptor in made.descriptors
        ]
        roles = ROLES[type(wanted)]
        return Arguments(memories, (Argument * len(roles))(*map(Argument, roles, memories)))

    def _aimed(self, arguments: Arguments, arrays: Sequence[NDArray[Any]]) -> CArray[Argument]:
        """At these arrays, which have to outlive the calls."""
        for memory, array in zip(arguments.memories, arrays, strict=True):
            self._call("memory_set_data_handle", memory, array.ctypes.data)
        return arguments.given

    def _descriptor(self, layout: Layout) -> c_void_p:
        shape, strides = Dims(*layout.shape), Dims(*layout.strides)
        maker = "memory_desc_create_with_strides"
        return self._lent("memory_desc", maker, 2, shape, layout.kind, strides)

    def _primitive(self, kind: str, *arguments: object) -> c_void_p:
        described = self._lent("primitive_desc", f"{kind}_primitive_desc_create", *arguments)
        return self._lent("primitive", "primitive_create", described)

    def _lent(self, kind: str, maker: str, *arguments: object) -> c_void_p:
        """What `dnnl_maker` makes, given back when nobody has it any more; not at the process's
        end: a daemon thread may be playing a tape with it.
        """
        handle = self._new(maker, *arguments)
        destroy = self._library[f"dnnl_{kind}_destroy"]
        weakref.finalize(handle, destroy, c_void_p(handle.value)).atexit = False
        return handle

    def _new(self, maker: str, *arguments: object) -> c_void_p:
        """What `dnnl_maker` makes."""
        handle = c_void_p()
        self._call(maker, byref(handle), *arguments)
        return handle

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._library, f"dnnl_{name}")(*arguments)
        if status == OUT_OF_MEMORY:
            raise MemoryError
        if status:
            raise RuntimeError(f"dnnl_{name} returned {status}")


@cache
def _execution() -> int:
    loads = native.loads([*WORDS], [*WORDS.values()])
    return native.compiled(EXECUTION.format(loads=loads))("")
