"""A traced formula as a function in LLVM's language that does some lines, rows or columns, of
arrays (n, m).

Sums are made in float64, those along rows in any order, so that they run in vectors; all
else is rounded as NumPy rounds it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deepnet_cli.fused.instructions import TYPES, Instructions, Section
from deepnet_cli.fused.symbols import Node

LENGTH = Node("length")
"""How many entries a line has, as a number."""


@dataclass(frozen=True)
class Argument:
    """What a pass is given: an array of (n, m) entries, one number for each line, one for each
    place in a line, or one number; and its kind, as a Node's.
    """

    shape: str  # "entries", "lines", "places", "number"
    kind: str

    def node(self, index: int) -> Node:
        """The value of argument number `index`."""
        space = {"lines": "line", "number": "call"}.get(self.shape, "entry")
        return Node("argument", kind=self.kind, space=space, index=index)


class Lines(Instructions):
    """The text of a function that does the lines i, begin <= i < end, some lanes at a time.

    The values of a line at level l are known when l loops along it have run.  Loop l makes the
    sums of level l + 1, and writes what is known at level l; where a later loop still reads
    what that would overwrite, the last loop writes everything.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[Argument],
        outputs: Mapping[int, Node],
        *,
        columns: bool,
        lanes: int = 1,
    ) -> None:
        super().__init__(lanes)
        self.name, self.arguments, self.columns = name, arguments, columns
        entries = {k: x for k, x in outputs.items() if arguments[k].shape == "entries"}
        self.results = {k: x for k, x in outputs.items() if arguments[k].shape == "lines"}
        loops = range(1 + max(x.level for x in outputs.values()))
        found = [x for x in reach(outputs.values(), beyond=True) if x.op in REDUCTIONS]
        self.reductions = [[x for x in found if x.level == loop + 1] for loop in loops]
        self.stores = [{k: x for k, x in entries.items() if x.level == loop} for loop in loops]
        for loop in loops:
            if any(self.stores[loop].keys() & self._read(later) for later in loops[loop + 1 :]):
                self.stores = [{} for _ in loops[1:]] + [entries]
        self._known: dict[tuple[Node, Section], str] = {}

    def text(self) -> str:
        """The function."""
        loops = {loop: self._loop(loop) for loop in range(len(self.stores)) if self._roots(loop)}
        for k, x in self.results.items():
            section = ("line", x.level)
            self._store(section, k, x, f"%p{k}")
        lines, before = [self.lines(("line", 0))], "line"
        for loop in range(len(self.stores)):
            if loop in loops:
                lines.append(loops[loop].replace("BEFORE", before))
                before = f"after{loop}"
            lines.append(self.lines(("line", loop + 1)))
        step, length = ("1", "%n") if self.columns else ("%m", "%m")
        return f"""define internal void @{self.name}({", ".join(self._parameters())}) {{
start:
%length = sitofp i64 {length} to double
{self.lines(("call", 0))}
%some = icmp slt i64 %begin, %end
%long = icmp sgt i64 {length}, 0
%any = and i1 %some, %long
br i1 %any, label %line, label %done
line:
%i = phi i64 [%begin, %start], [%i.next, %{before}]
%first = mul nsw i64 %i, {step}
{self._pointers()}
{chr(10).join(lines)}
%i.next = add nsw i64 %i, {self.lanes}
%more = icmp slt i64 %i.next, %end
br i1 %more, label %line, label %done
done:
ret void
}}"""

    def _parameters(self) -> list[str]:
        kinds = {"number": "double"}
        given = [
            f"{kinds.get(argument.shape, 'ptr noalias')} %a{k}"
            for k, argument in enumerate(self.arguments)
        ]
        return [*given, "i64 %n", "i64 %m", "i64 %begin", "i64 %end"]

    def _pointers(self) -> str:
        """Where the numbers of each array stand that belong to line i."""
        first = {"entries": "%first", "lines": "%i", "places": "0"}
        return "\n".join(
            f"%p{k} = getelementptr {TYPES[given.kind]}, ptr %a{k}, i64 {first[given.shape]}"
            for k, given in enumerate(self.arguments)
            if given.shape != "number"
        )

    def _loop(self, loop: int) -> str:
        """One loop along a line; the block in front of it is still called BEFORE."""
        section: Section = ("entry", loop)
        places = "%m" if self.columns else "1"
        self.add(section, f"%e{loop} = mul nsw i64 %j{loop}, {places}")
        totals = [self._operand(x.args[0], _total(x), section) for x in self.reductions[loop]]
        for x in self.stores[loop].values():
            self._value(x, section)  # everything is read before anything is written
        for k, x in self.stores[loop].items():
            self._store(section, k, x, self._place(k, section))
        running = []
        for s, (x, value) in enumerate(zip(self.reductions[loop], totals, strict=True)):
            total, type_ = f"%total{loop}.{s}", self.type(_total(x))
            start = self.literal(REDUCTIONS[x.op], _total(x))
            running.append(f"{total} = phi {type_} [{start}, %BEFORE], [{total}.next, %loop{loop}]")
            if x.op == "sum":
                free = "" if self.columns else "reassoc "
                self.add(section, f"{total}.next = fadd {free}{type_} {total}, {value}")
            else:
                called = self.intrinsic("maximum", _total(x), [total, value])
                self.add(section, f"{total}.next = {called}")
            after: Section = ("line", loop + 1)
            self._known[x, after] = self.cast(f"{total}.next", _total(x), x.kind, after)
        length = "%n" if self.columns else "%m"
        return f"""br label %loop{loop}
loop{loop}:
%j{loop} = phi i64 [0, %BEFORE], [%j{loop}.next, %loop{loop}]
{chr(10).join(running)}
{self.lines(section)}
%j{loop}.next = add nsw i64 %j{loop}, 1
%again{loop} = icmp slt i64 %j{loop}.next, {length}
br i1 %again{loop}, label %loop{loop}, label %after{loop}
after{loop}:"""

    def _roots(self, loop: int) -> list[Node]:
        return [*self.stores[loop].values(), *(x.args[0] for x in self.reductions[loop])]

    def _read(self, loop: int) -> set[int]:
        return {x.index for x in reach(self._roots(loop)) if x.op == "argument"}

    def _value(self, x: Node, asked: Section) -> str:
        """The name of x's value, made in the section of x's own space."""
        own = {"call": ("call", 0), "line": ("line", x.level), "entry": asked}[x.space]
        if (x, own) not in self._known:
            self._known[x, own] = self._made(x, own)
        return self._known[x, own]

    def _operand(self, x: Node, kind: str, asked: Section) -> str:
        """The name of x's value as one of another kind."""
        if x.op == "constant":
            return self.literal(x.value, kind)
        return self.cast(self._value(x, asked), x.kind, kind, asked)

    def _made(self, x: Node, own: Section) -> str:
        if x.op == "constant":
            return self.literal(x.value, x.kind)
        if x.op == "length":
            return self.spread("%length", own)
        if x.op == "argument":
            return self._loaded(x.index, own)
        kind = _common(x.args) if x.kind == "bool" else x.kind
        kinds = ["bool", kind, kind] if x.op == "select" else [kind] * len(x.args)
        given = [self._operand(arg, k, own) for arg, k in zip(x.args, kinds, strict=True)]
        return self.applied(x.op, kind, given, own)

    def _loaded(self, k: int, own: Section) -> str:
        given = self.arguments[k]
        if given.shape == "number":
            return self.spread(f"%a{k}", own)
        if given.shape == "lines":
            return self.new(own, f"load {self.type(given.kind)}, ptr %p{k}, align 1")
        if given.shape == "places" and self.lanes > 1:
            where = self._place(k, own)
            one = self.new(own, f"load {TYPES[given.kind]}, ptr {where}")
            return self.spread(one, own, given.kind)
        type_ = self.type(given.kind)
        align = ", align 1" if self.lanes > 1 else ""
        return self.new(own, f"load {type_}, ptr {self._place(k, own)}{align}")

    def _place(self, k: int, section: Section) -> str:
        step = "%e" if self.arguments[k].shape == "entries" else "%j"
        kind = TYPES[self.arguments[k].kind]
        return self.new(section, f"getelementptr {kind}, ptr %p{k}, i64 {step}{section[1]}")

    def _store(self, section: Section, k: int, x: Node, where: str) -> None:
        kind = self.arguments[k].kind
        value = self._operand(x, kind, section)
        align = ", align 1" if self.lanes > 1 else ""
        self.add(section, f"store {self.type(kind)} {value}, ptr {where}{align}")


REDUCTIONS = {"sum": 0.0, "max": -np.inf}
"""What a reduction along a line starts from."""


def reach(roots: Iterable[Node], *, beyond: bool = False) -> list[Node]:
    """Every node that the roots are computed from, up to reductions, or beyond them."""
    found: dict[Node, None] = {}
    waiting = list(roots)
    while waiting:
        x = waiting.pop()
        if x not in found:
            found[x] = None
            waiting += x.args if beyond or x.op not in REDUCTIONS else ()
    return list(found)


def _total(x: Node) -> str:
    """The kind in which a reduction is made."""
    return "double" if x.op == "sum" else x.args[0].kind


def _common(args: Sequence[Node]) -> str:
    order = ("number", "float", "double")
    return max((arg.kind for arg in args if arg.kind != "bool"), key=order.index)
