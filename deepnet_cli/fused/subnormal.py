"""Numbers smaller than the smallest normal one (1.2e-38 in float32) as 0, in LLVM's language.

The processor's flags FTZ and DAZ say so; they are a thread's own.  A network that is sure of its
examples makes many such numbers, and Intel's processors take many times as long for one as for
others.
"""

import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Flushing:
    """What is declared in a text, and what stands before and after what it holds for."""

    declared: str = ""
    before: str = ""
    after: str = ""


X86 = Flushing(
    "declare void @llvm.x86.sse.stmxcsr(ptr)\ndeclare void @llvm.x86.sse.ldmxcsr(ptr)",
    """%control.before = alloca i32
%control.inside = alloca i32
call void @llvm.x86.sse.stmxcsr(ptr %control.before)
%control = load i32, ptr %control.before
%control.flushing = or i32 %control, 32832
store i32 %control.flushing, ptr %control.inside
call void @llvm.x86.sse.ldmxcsr(ptr %control.inside)""",
    "call void @llvm.x86.sse.ldmxcsr(ptr %control.before)",
)
"""32832 is FTZ and DAZ; other processors need none of it."""

FLUSHING = X86 if platform.machine() in ("x86_64", "AMD64") else Flushing()
