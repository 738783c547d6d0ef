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
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.blas.layouts import Layout, Matmul, Reorder, Wanted
from deepnet_cli.fused import native
from deepnet_cli.fused.tape import Tape

CPU, IN_ORDER = 1, 1  # kinds of engine and of stream
FROM, TO, BY, ROOM = 1, 17, 33, 80  # what a memory is: source, destination, weights, scratchpad
GIVEN = 1  # a scratchpad by who runs a primitive
SCRATCHPAD = 136  # what is asked of a primitive's descriptor
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


ROLES = {Reorder: (FROM, TO, ROOM), Matmul: (FROM, BY, TO, ROOM)}


@dataclass(frozen=True, eq=False)
class Made:
    """A primitive, its own descriptor, that of each memory that it is given, and of how many bytes
    the last of these, its scratchpad, is.
    """

    primitive: c_void_p
    described: c_void_p
    descriptors: list[c_void_p]
    room: int


class Arguments(NamedTuple):
    """What a primitive is given: its memories, and each with its role."""

    made: Made
    memories: list[c_void_p]
    given: CArray[Argument]


class Own(threading.local):
    """What a thread has made, each for a number of threads that multiply: primitives, as long as a
    tape has them; what it runs on no tape; one scratchpad for all, as no two run at once: a tape is
    played by the thread that recorded it.
    """

    def __init__(self) -> None:
        self.made = weakref.WeakValueDictionary[tuple[int, Wanted], Made]()
        self.arguments: dict[tuple[int, Wanted], Arguments] = {}
        self.room = np.empty(0, np.uint8)


class Engine:
    """The library's CPU.  Arrays are given to what is wanted in the order of its layouts; the last
    of them is written.
    """

    def __init__(self, library: CDLL) -> None:
        self._library = library
        library.dnnl_memory_set_data_handle.argtypes = [c_void_p] * 2
        library.dnnl_primitive_desc_query_md.restype = c_void_p
        library.dnnl_memory_desc_get_size.restype = c_size_t
        self._own = Own()
        self._engine = self._new("engine_create", CPU, c_size_t(0))
        self._stream = self._new("stream_create", self._engine, c_uint(IN_ORDER))
        self._how = self._new("primitive_attr_create")
        self._call("primitive_attr_set_scratchpad_mode", self._how, GIVEN)

    def run(self, wanted: Wanted, *arrays: NDArray[Any]) -> None:
        """Raises MemoryError."""
        key, kept = (self._threads, wanted), self._own.arguments
        if key not in kept:
            kept[key] = self._arguments(wanted)
        made = kept[key].made
        given = self._aimed(kept[key], (*arrays, self._room(made)))
        self._call("primitive_execute", made.primitive, self._stream, len(given), given)
        self._call("stream_wait", self._stream)

    def note(self, on: Tape, wanted: Wanted, *arrays: NDArray[Any]) -> None:
        """Have a tape run it, with as many threads as multiply now."""
        arguments = self._arguments(wanted)
        made = arguments.made
        arrays = *arrays, self._room(made)
        given = self._aimed(arguments, arrays)
        names = ("dnnl_primitive_execute", "omp_get_max_threads", "omp_set_num_threads")
        functions = [cast(self._library[name], c_void_p).value or 0 for name in names]
        handles = [made.primitive.value or 0, self._stream.value or 0]
        words = [*functions, self._threads, *handles, len(given), addressof(given)]
        on.add(_execution(), words, (*arrays, arguments))

    @property
    def _threads(self) -> int:
        number: int = self._library.omp_get_max_threads()
        return number

    def _made(self, wanted: Wanted) -> Made:
        key, engine = (self._threads, wanted), self._engine
        made = self._own.made.get(key)
        if made is None:
            descriptors = [self._descriptor(layout) for layout in wanted]
            if isinstance(wanted, Reorder):
                one, other = descriptors
                made = self._primitive("reorder", descriptors, one, engine, other, engine)
            else:
                a, b, out = descriptors
                made = self._primitive("matmul", descriptors, engine, a, b, None, out)
            self._own.made[key] = made
        return made

    def _arguments(self, wanted: Wanted) -> Arguments:
        """Before they are aimed at anything."""
        made = self._made(wanted)
        memories = [
            self._lent("memory", "memory_create", descriptor, self._engine, None)
            for descriptor in made.descriptors
        ]
        roles = ROLES[type(wanted)]
        return Arguments(made, memories, (Argument * len(roles))(*map(Argument, roles, memories)))

    def _aimed(self, arguments: Arguments, arrays: Sequence[NDArray[Any]]) -> CArray[Argument]:
        """At these arrays, which have to outlive the calls."""
        for memory, array in zip(arguments.memories, arrays, strict=True):
            self._call("memory_set_data_handle", memory, array.ctypes.data)
        return arguments.given

    def _descriptor(self, layout: Layout) -> c_void_p:
        shape, strides = Dims(*layout.shape), Dims(*layout.strides)
        maker = "memory_desc_create_with_strides"
        return self._lent("memory_desc", maker, 2, shape, layout.kind, strides)

    def _primitive(self, kind: str, descriptors: list[c_void_p], *arguments: object) -> Made:
        maker = f"{kind}_primitive_desc_create"
        described = self._lent("primitive_desc", maker, *arguments, self._how)
        primitive = self._lent("primitive", "primitive_create", described)
        room = c_void_p(self._library.dnnl_primitive_desc_query_md(described, SCRATCHPAD, 0))
        size = self._library.dnnl_memory_desc_get_size(room)
        return Made(primitive, described, [*descriptors, room], size)

    def _room(self, made: Made) -> NDArray[np.uint8]:
        """For a primitive to work in."""
        own = self._own
        if own.room.size < made.room:
            own.room = np.empty(made.room, np.uint8)
        return own.room

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
