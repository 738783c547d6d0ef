"""A file of the user's own code: read and run because it was named on the command line.

    my_ops.py:12: swish: the derivative: NameError: name 's' is not defined

Whatever goes wrong in it is told at its own line, and is never a bug of ours.
"""

import contextlib
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from traceback import extract_tb
from types import CodeType, ModuleType

from deepnet_cli.errors import CheckError, ConfigError, DeepnetError, one_line, shortened
from deepnet_cli.files import check_readable, read_file
from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.custom import CustomError, registering, told
from deepnet_cli.nn.grid import activation_problem, loss_problem
from deepnet_cli.nn.losses import LOSSES, Loss

MODULE = "deepnet_code"
"""What the file is called as a module."""

LARGEST = 2**20

_ALONE = RLock()


@dataclass(frozen=True)
class Code:
    """A file that was run, and what it registered."""

    file: Path
    sha256: str
    activations: tuple[Activation, ...]
    losses: tuple[Loss, ...]

    @property
    def identity(self) -> dict[str, str]:
        """What tells this code from other code."""
        return {"file": str(self.file), "sha256": self.sha256}

    def check(self) -> None:
        """Hold each derivative against its function.  Raises CheckError."""
        problems = [(g.name, activation_problem(g)) for g in self.activations]
        problems += [(loss.name, loss_problem(loss)) for loss in self.losses]
        lines = [f"{self.file}: {name}: {problem}" for name, problem in problems if problem]
        if lines:
            hint = "mend it, or train without this check: --no-check"
            raise CheckError("\n".join([*lines, hint]))


@contextmanager
def running(file: Path) -> Iterator[Code]:
    """Run a file; what it registers is known inside, and what its functions raise there is
    told.  Names are the process's: another of Python's threads waits here.  Raises ConfigError.
    """
    source = _source(file)
    module = ModuleType(MODULE)
    module.__file__ = str(file)
    with _ALONE, registering(), _telling(file), _imported(module):
        before = {*ACTIVATIONS}, {*LOSSES}
        with _telling_all(file):
            program = _compiled(source, file)
            with contextlib.redirect_stdout(sys.stderr):  # stdout is for results
                exec(program, module.__dict__)
        activations = tuple(g for name, g in ACTIVATIONS.items() if name not in before[0])
        losses = tuple(loss for name, loss in LOSSES.items() if name not in before[1])
        if not activations and not losses:
            raise ConfigError(
                f"{file}: registers nothing; call activation(name, function, derivative) "
                "or loss(name, cost, derivative) of deepnet_cli.custom in it"
            )
        yield Code(file, hashlib.sha256(source).hexdigest(), activations, losses)


def _compiled(source: bytes, file: Path) -> CodeType:
    try:
        return compile(source, str(file), "exec", dont_inherit=True)
    except MemoryError:  # how the parser says it; the machine has plenty
        raise SyntaxError("too deeply nested") from None


def _source(file: Path) -> bytes:
    try:
        if check_readable(file).st_size <= LARGEST:
            return read_file(file)
    except DeepnetError as error:  # whatever the reason: the command line is at fault
        raise ConfigError(f"--code {error}") from None
    raise ConfigError(f"--code {file}: is larger than {LARGEST:,} bytes; name a Python file")


@contextmanager
def _imported(module: ModuleType) -> Iterator[None]:
    """The module under its name, where dataclasses, for one, look for it."""
    sys.modules[MODULE] = module
    try:
        yield
    finally:
        del sys.modules[MODULE]


@contextmanager
def _telling(file: Path) -> Iterator[None]:
    """An error in one of the file's functions, or about them, as a ConfigError."""
    try:
        yield
    except CustomError as error:
        cause = error.__cause__ or error
        raise ConfigError(f"{_place(file, cause)}: {_brief(str(error))}") from None


@contextmanager
def _telling_all(file: Path) -> Iterator[None]:
    """Whatever the file raises while it is run, as a ConfigError."""
    try:
        yield
    except (CustomError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{_place(file, error)}: {_brief(told(error))}") from None


def _place(file: Path, error: BaseException) -> str:
    """`my_ops.py:12`: the line that raised, where the traceback goes through the file."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f"{file}:{error.lineno or 1}"
    lines = [
        frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(file)
    ]
    return f"{file}:{lines[-1]}" if lines else str(file)


def _brief(text: str) -> str:
    return shortened(one_line(text))
