"""The text of single instructions in LLVM's language, of one lane or of some at a time.

https://llvm.org/docs/LangRef.html
"""

import struct
from collections.abc import Sequence

import numpy as np

TYPES = {"bool": "i1", "number": "double", "float": "float", "double": "double"}
"""Of a Node's kinds."""

ARITHMETIC = ("fadd", "fsub", "fmul", "fdiv")
BITS = {"float": ("i32", 23, 127), "double": ("i64", 52, 1023)}
"""Of a format: an integer of its size, the bits of its fraction, the bias of its exponent."""

ROOT_HALF = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCD}
"""sqrt(1/2), bit for bit."""

Section = tuple[str, int]
"""A part of a function: ("call", 0), before any line; ("line", level); ("entry", loop)."""


class Instructions:
    """The instructions of a function by section; each value has a name of its own."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.declared: set[str] = set()
        self._sections: dict[Section, list[str]] = {}
        self._count = 0

    def applied(self, op: str, kind: str, given: Sequence[str], section: Section) -> str:
        """An operation of a Node on values of one kind (of a select, the first is a bool)."""
        type_ = self.type(kind)
        if op in ARITHMETIC or op.startswith("fcmp"):
            return self.new(section, f"{op} {type_} {given[0]}, {given[1]}")
        if op == "fneg":
            return self.new(section, f"fneg {type_} {given[0]}")
        if op == "select":
            which = f"{self.type('bool')} {given[0]}"
            return self.new(section, f"select {which}, {type_} {given[1]}, {type_} {given[2]}")
        if op == "fma":
            product = self.new(section, f"fmul contract {type_} {given[0]}, {given[1]}")
            return self.new(section, f"fadd contract {type_} {product}, {given[2]}")
        if op == "two_to":
            return self._two_to(given[0], TYPES[kind], section)
        if op in ("exponent", "mantissa"):
            return self._part(op, given[0], TYPES[kind], section)
        return self.new(section, self.intrinsic(op, kind, given))

    def intrinsic(self, name: str, kind: str, given: Sequence[str]) -> str:
        lanes = f"v{self.lanes}" if self.lanes > 1 else ""
        full = f"llvm.{name}.{lanes}{'f32' if kind == 'float' else 'f64'}"
        type_ = self.type(kind)
        self.declared.add(f"declare {type_} @{full}({', '.join([type_] * len(given))})")
        return f"call {type_} @{full}({', '.join(f'{type_} {value}' for value in given)})"

    def _two_to(self, n: str, kind: str, section: Section) -> str:
        """2^n for a whole number n whose power is a normal number."""
        integer, fraction, bias = BITS[kind]
        type_, whole = self.type(kind), self.vector(integer)
        lifted = self.literal(1.5 * 2.0**fraction, kind)  # its last bits then are those of n
        sum_ = self.new(section, f"fadd {type_} {n}, {lifted}")
        bits = self.new(section, f"bitcast {type_} {sum_} to {whole}")
        biased = self.new(section, f"add {whole} {bits}, {self._integer(integer, bias)}")
        placed = self.new(section, f"shl {whole} {biased}, {self._integer(integer, fraction)}")
        return self.new(section, f"bitcast {whole} {placed} to {type_}")

    def _part(self, part: str, u: str, kind: str, section: Section) -> str:
        """Of u = mantissa 2^exponent, the mantissa between sqrt(1/2) and sqrt(2)."""
        integer, fraction, _ = BITS[kind]
        type_, whole = self.type(kind), self.vector(integer)
        bits = self.new(section, f"bitcast {type_} {u} to {whole}")
        above = self.new(section, f"sub {whole} {bits}, {self._integer(integer, ROOT_HALF[kind])}")
        e = self.new(section, f"ashr {whole} {above}, {self._integer(integer, fraction)}")
        if part == "exponent":
            return self.new(section, f"sitofp {whole} {e} to {type_}")
        placed = self.new(section, f"shl {whole} {e}, {self._integer(integer, fraction)}")
        left = self.new(section, f"sub {whole} {bits}, {placed}")
        return self.new(section, f"bitcast {whole} {left} to {type_}")

    def cast(self, value: str, kind: str, to: str, section: Section) -> str:
        old, new = TYPES[kind], TYPES[to]
        if old == new:
            return value
        how = "uitofp" if old == "i1" else "fptrunc" if new == "float" else "fpext"
        return self.new(section, f"{how} {self.type(kind)} {value} to {self.type(to)}")

    def spread(self, value: str, section: Section, kind: str = "double") -> str:
        """One number in every lane."""
        if self.lanes == 1:
            return value
        type_ = self.type(kind)
        one = self.new(section, f"insertelement {type_} poison, {TYPES[kind]} {value}, i64 0")
        mask = f"<{self.lanes} x i32> zeroinitializer"
        return self.new(section, f"shufflevector {type_} {one}, {type_} poison, {mask}")

    def type(self, kind: str) -> str:
        return self.vector(TYPES[kind])

    def vector(self, type_: str) -> str:
        return f"<{self.lanes} x {type_}>" if self.lanes > 1 else type_

    def literal(self, value: float, kind: str) -> str:
        """A number as LLVM writes it: the bits of a double, of one that the kind can hold."""
        with np.errstate(over="ignore"):
            held = float(np.float32(value)) if kind == "float" else value
        return self._splat(TYPES[kind], f"0x{struct.pack('>d', held).hex().upper()}")

    def _integer(self, type_: str, value: int) -> str:
        return self._splat(type_, str(value))

    def _splat(self, type_: str, value: str) -> str:
        return f"splat ({type_} {value})" if self.lanes > 1 else value

    def new(self, section: Section, instruction: str) -> str:
        self._count += 1
        self.add(section, f"%v{self._count} = {instruction}")
        return f"%v{self._count}"

    def add(self, section: Section, line: str) -> None:
        self._sections.setdefault(section, []).append(line)

    def lines(self, section: Section) -> str:
        return "\n".join(self._sections.get(section, []))
