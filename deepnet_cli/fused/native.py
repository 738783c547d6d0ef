"""LLVM's language to machine code in this process; what was once compiled is kept on disk.

llvmlite is optional (the extra `fast`).  The code depends on the text, on the processor and on
LLVM's version, and is known by a digest of all three.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

from deepnet_cli.errors import DeepnetError
from deepnet_cli.files import write_file

OLDEST = (20,)
"""The LLVM in whose language the texts are written."""

NAME = "NAME"
"""Stands in a text where the name of its function belongs, which is made of the digest."""


def loads(names: Sequence[str], types: Sequence[str]) -> str:
    """LLVM's text that takes values, by name and type, from the words of a call; %pK is where word
    K stands.
    """
    return "\n".join(
        f"%p{k} = getelementptr i64, ptr %words, i64 {k}\n%{name} = load {type_}, ptr %p{k}"
        for k, (name, type_) in enumerate(zip(names, types, strict=True))
    )


announce: Callable[[], object] = bool
"""Called before something is compiled that was not kept."""


@cache
def version() -> str:
    """What compiles passes here; empty where nothing does."""
    if sys.implementation.name != "cpython":  # passes look into its array objects
        return ""
    try:
        import llvmlite
        from llvmlite.binding import llvm_version_info
    except (ImportError, OSError, RuntimeError):
        return ""
    told = f"LLVM {'.'.join(map(str, llvm_version_info))} by llvmlite {llvmlite.__version__}"
    return told if llvm_version_info >= OLDEST else ""


def available() -> bool:
    """Whether passes can be compiled here."""
    return version() != ""


_TURN = RLock()
"""Of the threads of Python that compile: LLVM's engine is for one at a time."""


def compiled(text: str) -> Callable[[str], int]:
    """A text in machine code: the address of its function NAME + suffix, by the suffix."""
    with _TURN:
        return _compiled(text)


@cache
def _compiled(text: str) -> Callable[[str], int]:
    binding, machine, engine, host = _compiler()
    key = hashlib.sha256(f"{host} {text}".encode()).hexdigest()
    name = f"pass.{key}"
    code = _kept(key)
    if code is None:
        announce()
        code = _translated(binding, machine, text.replace(NAME, name))
        _keep(key, code)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()

    def address(suffix: str) -> int:
        with _TURN:
            return int(engine.get_function_address(name + suffix))

    return address


@cache
def _compiler() -> tuple[Any, Any, Any, str]:
    """llvmlite's binding, a machine to compile for, an engine that holds the code, and what the
    code depends on beside its text.
    """
    import llvmlite.binding as binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    cpu, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()

    def machine() -> Any:
        target = binding.Target.from_default_triple()
        return target.create_target_machine(cpu=cpu, features=features, opt=3, jit=True)

    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine())
    host = f"{binding.llvm_version_info} {binding.get_default_triple()} {cpu} {features}"
    return binding, machine(), engine, host


def _translated(binding: Any, machine: Any, text: str) -> bytes:
    module = binding.parse_assembly(text)
    module.verify()
    tuning = binding.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = True
    builder = binding.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    code: bytes = machine.emit_object(module)
    return code


def _file(key: str) -> Path:
    if sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "deepnet" / f"{key}.o"


def _seal(key: str, code: bytes) -> bytes:
    return hashlib.sha256(key.encode() + code).digest()


def _kept(key: str) -> bytes | None:
    """The code of an earlier run, where the digest in front of it is right."""
    try:
        content = _file(key).read_bytes()
    except (OSError, RuntimeError):
        return None
    seal, code = content[:32], content[32:]
    return code if _seal(key, code) == seal else None


def _keep(key: str, code: bytes) -> None:
    """Write it for later runs; where that cannot be, they compile anew."""
    try:
        file = _file(key)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(file, _seal(key, code) + code)
    except (OSError, RuntimeError, DeepnetError):
        pass
