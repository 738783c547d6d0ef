"""Products in bfloat16 by oneDNN: A and B are rounded to bfloat16, sums are of float32.

bfloat16 is the upper half of a float32: its sign, its exponent, and 7 bits of its fraction.
Three primitives of oneDNN's make a product of float32 arrays: two reorders that round, and
a matmul.  They are made once for each pair of shapes and number of threads.
https://uxlfoundation.github.io/oneDNN/dev_guide_matmul.html
"""

from ctypes import Array as CArray
from ctypes import Structure, byref, c_int, c_int64, c_size_t, c_uint, c_void_p
from dataclasses import dataclass
from functools import cache
from threading import Lock

import numpy as np

from deepnet_cli.blas.onednn import library
from deepnet_cli.fused import tape
from deepnet_cli.fused.team import Team
from deepnet_cli.nn.types import Array

CPU, IN_ORDER = 1, 1  # kinds of engine and of stream
BFLOAT16, FLOAT32 = 2, 3
FROM, TO, BY = 1, 17, 33  # what a memory is to a primitive: source, destination, weights
OUT_OF_MEMORY = 1
Dims = c_int64 * 12


class Argument(Structure):
    """dnnl_exec_arg_t"""

    _fields_ = (("role", c_int), ("memory", c_void_p))


Step = tuple[c_void_p, int, CArray[Argument]]
"""A primitive, and how many memories it is given, and which."""


@dataclass(frozen=True)
class Plan:
    """What multiplies a pair of shapes, step by step, and the memories that it works on."""

    steps: list[Step]
    memories: list[c_void_p]  # of A, B, out, and of A and B rounded


class BFloat16:
    """A B in bfloat16 with float32 sums, of float32 into float32.  What it works on is the
    process's: threads multiply one after the other.
    """

    dtypes = frozenset({np.dtype(np.float32)})

    def __init__(self) -> None:
        """Raises UnavailableError."""
        self._library, version = library()
        self.team = Team.of(self._library)
        self._library.dnnl_memory_set_data_handle.argtypes = [c_void_p, c_void_p]
        self.name = f"bfloat16 by {version}"
        self._engine = self._new("engine_create", CPU, c_size_t(0))
        self._stream = self._new("stream_create", self._engine, c_uint(IN_ORDER))
        self._plans: dict[object, Plan] = {}
        self._rounded = [np.empty(0, np.uint16), np.empty(0, np.uint16)]
        self._lock = Lock()

    def __call__(self, A: Array, B: Array, out: Array) -> Array:
        if tape.recording.tape is not None:
            tape.recording.tape.broken = True
            return out
        with self._lock:
            self._multiply(A, B, out)
        return out

    def _multiply(self, A: Array, B: Array, out: Array) -> None:
        threads = self._library.omp_get_max_threads()
        key = threads, A.shape, A.strides, B.shape, B.strides, out.strides
        if key not in self._plans:
            self._plans[key] = self._plan(A, B, out)
            self._rounded = [
                room if room.size >= M.size else np.empty(M.size, np.uint16)
                for room, M in zip(self._rounded, (A, B), strict=True)
            ]
        plan = self._plans[key]
        for memory, array in zip(plan.memories, (A, B, out, *self._rounded), strict=True):
            self._call("memory_set_data_handle", memory, array.ctypes.data)
        for primitive, count, arguments in plan.steps:
            self._call("primitive_execute", primitive, self._stream, count, arguments)
        self._call("stream_wait", self._stream)

    def _plan(self, A: Array, B: Array, out: Array) -> Plan:
        engine = self._engine
        given = [self._descriptor(M, _strides(M), FLOAT32) for M in (A, B, out)]
        rounded = [self._descriptor(M, _dense(M), BFLOAT16) for M in (A, B)]
        a, b, c, ra, rb = memories = [
            self._new("memory_create", descriptor, engine, None) for descriptor in given + rounded
        ]
        round_a, round_b = (
            self._primitive("reorder", full, engine, half, engine, None)
            for full, half in zip(given, rounded, strict=False)
        )
        matmul = self._primitive("matmul", engine, *rounded, None, given[2], None)
        steps = [
            _step(round_a, (FROM, a), (TO, ra)),
            _step(round_b, (FROM, b), (TO, rb)),
            _step(matmul, (FROM, ra), (BY, rb), (TO, c)),
        ]
        return Plan(steps, memories)

    def _descriptor(self, M: Array, strides: tuple[int, int], kind: int) -> c_void_p:
        shape = Dims(*M.shape)
        return self._new("memory_desc_create_with_strides", 2, shape, kind, Dims(*strides))

    def _primitive(self, kind: str, *arguments: object) -> c_void_p:
        return self._new("primitive_create", self._new(f"{kind}_primitive_desc_create", *arguments))

    def _new(self, kind: str, *arguments: object) -> c_void_p:
        """What `dnnl_kind` makes: it is kept as long as the process lives."""
        handle = c_void_p()
        self._call(kind, byref(handle), *arguments)
        return handle

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._library, f"dnnl_{name}")(*arguments)
        if status == OUT_OF_MEMORY:
            raise MemoryError
        if status:
            raise RuntimeError(f"dnnl_{name} returned {status}")


@cache
def bfloat16() -> BFloat16:
    """The one of this process.  Raises UnavailableError."""
    return BFloat16()


def _step(primitive: c_void_p, *memories: tuple[int, c_void_p]) -> Step:
    arguments = (Argument(role, memory) for role, memory in memories)
    return primitive, len(memories), (Argument * len(memories))(*arguments)


def _strides(M: Array) -> tuple[int, int]:
    """In numbers, not bytes."""
    row, column = (stride // M.itemsize for stride in M.strides)
    return row, column


def _dense(M: Array) -> tuple[int, int]:
    """The strides of an array of its own that stands in the order of M."""
    row, column = _strides(M)
    return (1, M.shape[0]) if row < column else (M.shape[1], 1)
