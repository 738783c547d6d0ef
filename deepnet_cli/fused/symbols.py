"""What a formula computes, found by running it on symbols in place of arrays.

A formula is plain NumPy code: operators, ufuncs with or without `out`, np.where, and sums and
means along a row.  Called with a Symbol for each array it leaves in each symbol the
expression that would stand in the array.  Nothing is said twice: the code that computes is
the code that is compiled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

KINDS = ("bool", "number", "float", "double")
"""What a value is: true or false; a number of the code or of the call, which is a double that
takes the precision of what it meets; in float32; in float64."""

SPACES = ("call", "line", "entry")
"""Where a value changes: never in a call, from line to line (a row, or a column), from entry to
entry."""


class UntraceableError(Exception):
    """The formula does what symbols cannot follow; NumPy runs it."""


@dataclass(frozen=True, eq=False)
class Node:
    """One operation on the values of others."""

    op: str
    args: tuple["Node", ...] = ()
    kind: str = "number"
    space: str = "call"
    level: int = 0  # how many reductions of a line stand below it
    value: float = 0.0  # of a constant
    index: int = -1  # of an argument


def constant(value: float, kind: str = "number") -> Node:
    return Node("constant", kind=kind, value=float(value))


def apply(op: str, *args: Node, kind: str = "") -> Node:
    """An operation entry by entry; bools take part as numbers 0 and 1."""
    space = max((arg.space for arg in args), key=SPACES.index)
    return Node(op, args, kind or widest(*args), space, max(arg.level for arg in args))


def widest(*args: Node) -> str:
    """The kind of what is computed from numbers."""
    return max("number", *(arg.kind for arg in args), key=KINDS.index)


def reduction(op: str, x: Node) -> Node:
    """The sum or the largest of each line; a sum is made in float64."""
    return Node(op, (x,), x.kind, "line", x.level + 1)


class Symbol(NDArrayOperatorsMixin):
    """Stands for an array; `node` is what is in it now."""

    def __init__(self, node: Node, dtype: np.dtype[Any], axis: int, length: Node) -> None:
        self.node, self.dtype = node, dtype
        self._axis, self._length = axis, length  # of a line, and its number of entries

    @property
    def real(self) -> "Symbol":
        return self

    def __bool__(self) -> bool:
        raise UntraceableError("a decision for all entries at once")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # so that NumPy's own questions get their usual answer
        raise UntraceableError(name)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise UntraceableError("a conversion to an array")

    def astype(self, dtype: Any) -> "Symbol":
        if dtype != np.float64:
            raise UntraceableError("another precision")
        wide = apply("fmul", self.node, constant(1, "double"))
        return Symbol(wide, np.dtype(dtype), self._axis, self._length)

    def sum(self, **options: Any) -> "Symbol":
        return self._along("sum", **options)

    def max(self, **options: Any) -> "Symbol":
        return self._along("max", **options)

    def mean(self, out: Any = None, **options: Any) -> "Symbol":
        return self._placed(apply("fdiv", self.sum(**options).node, self._length), out)

    def _along(
        self, op: str, axis: Any = None, keepdims: bool = False, out: Any = None, **others: Any
    ) -> "Symbol":
        if others or (axis, keepdims) != (self._axis, True):
            raise UntraceableError(
                "a reduction that is not along a line, or does not keep its axis"
            )
        return self._placed(reduction(op, self.node), out)

    def _placed(self, node: Node, out: Any) -> "Symbol":
        if out is None:
            return Symbol(node, self.dtype, self._axis, self._length)
        if not isinstance(out, Symbol):
            raise UntraceableError("an array that is not an argument")
        out.node = node
        return out

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = (None,), **options: Any
    ) -> "Symbol":
        if method != "__call__" or ufunc not in UFUNCS or set(options) - {"casting"}:
            raise UntraceableError(f"{ufunc}.{method}")
        return self._placed(UFUNCS[ufunc](*map(_node, inputs)), out[0])

    def __array_function__(self, function: Any, _: Any, args: Any, options: Any) -> "Symbol":
        if function is np.where and len(args) == 3:
            condition, x, y = map(_node, args)
            return self._placed(where(condition, x, y), None)
        if function in (np.sum, np.mean):
            summed: Symbol = getattr(args[0], function.__name__)(**options)
            return summed
        raise UntraceableError(function.__name__)


def _node(value: Any) -> Node:
    """The node of an operand.  A Python number takes the precision of what it meets."""
    if isinstance(value, Symbol):
        return value.node
    if isinstance(value, (bool, int, float)) and type(value) is not np.float64:
        return constant(value)
    if isinstance(value, np.float32):
        return constant(float(value), "float")
    if isinstance(value, np.float64):
        return constant(float(value), "double")
    raise UntraceableError(f"{type(value).__name__} as an operand")


def where(condition: Node, x: Node, y: Node) -> Node:
    if condition.kind != "bool":
        raise UntraceableError("a choice by a number")
    return apply("select", condition, x, y, kind=widest(x, y))


def compare(how: str) -> Callable[[Node, Node], Node]:
    return lambda x, y: apply(f"fcmp {how}", x, y, kind="bool")


def operation(op: str) -> Callable[..., Node]:
    return lambda *args: apply(op, *args)


def power(x: Node, y: Node) -> Node:
    """x ** y for numbers of the call, and for squares; entries are not raised to powers."""
    if y.op == "constant" and y.value == 2:
        return apply("fmul", x, x)
    if (x.space, y.space) != ("call", "call"):
        raise UntraceableError("a power of entries")
    return apply("pow", x, y)


def sign(x: Node) -> Node:
    below = where(compare("olt")(x, constant(0)), constant(-1), apply("fmul", x, constant(0)))
    return where(compare("ogt")(x, constant(0)), constant(1), below)


UFUNCS: dict[Any, Callable[..., Node]] = {
    np.add: operation("fadd"),
    np.subtract: operation("fsub"),
    np.multiply: operation("fmul"),
    np.divide: operation("fdiv"),
    np.floor_divide: lambda x, y: apply("floor", apply("fdiv", x, y)),
    np.negative: operation("fneg"),
    np.positive: lambda x: x,
    np.square: lambda x: apply("fmul", x, x),
    np.sqrt: operation("sqrt"),
    np.absolute: operation("fabs"),
    np.maximum: operation("maximum"),
    np.minimum: operation("minimum"),
    np.sign: sign,
    np.power: power,
    np.greater: compare("ogt"),
    np.greater_equal: compare("oge"),
    np.less: compare("olt"),
    np.less_equal: compare("ole"),
    np.equal: compare("oeq"),
    np.not_equal: compare("une"),
}
"""What is done with each ufunc; elementary.py adds exp, log and their kin."""
