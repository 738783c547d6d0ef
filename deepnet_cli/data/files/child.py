"""A process of its own for each HDF5 file: where the HDF5 library crashes over a damaged file,
comes to no end or wants all memory, that process ends, and this is a message.

It is there in milliseconds (`process.py`).  It has the file open and nothing else, can open no
other file and write none, takes no more memory than there is (where the system says how much it
has), and no more of the processor's time than what is asked of it needs.
"""

import contextlib
import os
import resource
import signal
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from threading import Lock
from typing import Any, NoReturn

from deepnet_cli import signals
from deepnet_cli.data.files.channel import Channel
from deepnet_cli.data.files.opened import Opened
from deepnet_cli.data.files.process import begun
from deepnet_cli.errors import DataError, DeepnetError, MachineError
from deepnet_cli.memory import available_memory, size_of_process
from deepnet_cli.nn.types import Array

SECONDS, BYTES_A_SECOND = 5.0, 10e6
"""Of the processor's time, for a question, and for the bytes in the file and those that are read to
answer it: many times what that needs.
"""

ROOM, TIMES = 2**27, 16
"""Bytes of memory, and how many times the bytes in the file and of the values that are asked for:
likewise.
"""

CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)
"""How a process ends whose own code is at fault."""


class Child:
    """Answers as `Opened` does, which `open_file` makes there.  Where a question has made it crash,
    the next one is asked of another process: who shares it is not to suffer.  Where it has come to
    no end, none is, or the next might take as long.

    Raises DataError, MachineError.
    """

    def __init__(self, path: str, open_file: Callable[[], Opened]) -> None:
        self._path, self._open_file, self._closed = path, open_file, False
        self._ended_by = 0  # a signal
        self._lock = Lock()  # of the channel
        self._begin()

    def _begin(self) -> None:
        try:
            self._pid, self._channel = begun(partial(_serve, self._path, self._open_file))
        except OSError as error:
            why = (error.strerror or "").lower()
            raise MachineError(f"{self._path}: no process to read it: {why}") from None
        try:
            self._answer()
        except BaseException:
            self._end()
            raise

    def ask(
        self, method: str, *arguments: object, nbytes: int = 0, out: Array | None = None
    ) -> Any:
        """What a method of `Opened` answers; see `Reader`.  One question is asked at a time."""
        with self._lock:
            if not (self._pid or self._closed or self._ended_by == signal.SIGPROF):
                self._begin()
            return self._answer((method, arguments, nbytes), out)

    def close(self) -> None:
        """End the process, whatever it does, for good."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._wait()

    def _answer(self, question: object = None, out: Array | None = None) -> Any:
        try:
            if question is not None:
                self._channel.send(question)
            answer = self._channel.receive(out)
        except (EOFError, OSError):
            raise self._death() from None
        except BaseException:  # the two are out of step
            self._end()
            raise
        if isinstance(answer, DeepnetError):
            raise answer
        if isinstance(answer, tuple):
            return answer[0]
        raise RuntimeError(f"in the process that reads {self._path}:\n{answer}")

    def _death(self) -> DeepnetError:
        if self._pid:
            self._wait()
        number = self._ended_by
        if number not in (0, signal.SIGPROF, *CRASHES):
            killed = number == signal.SIGKILL
            why = "for want of memory perhaps" if killed else signal.strsignal(number)
            return MachineError(f"{self._path}: the process that read it was killed: {why}")
        how = "came to no end" if number == signal.SIGPROF else "crashed"
        return DataError(f"{self._path}: the HDF5 library {how} reading it; the file is damaged")

    def _wait(self) -> None:
        self._channel.end.close()
        status = 0
        with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored none is kept
            _, status = os.waitpid(self._pid, 0)
        self._pid, self._ended_by = 0, os.WTERMSIG(status)


def _serve(path: str, open_file: Callable[[], Opened], channel: Channel) -> NoReturn:
    """Be the child: answer until nobody asks."""
    opened = list[Opened]()

    def begin(allowance: _Allowance) -> None:
        _leave_all(channel.end.fileno())
        for what in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
            resource.setrlimit(what, (0, 0))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        allowance.grant(0)
        opened.append(open_file())
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        allowance.know(opened[0].file.id.get_filesize())

    with contextlib.suppress(BaseException):
        _reply(channel, path, begin, allowance := _Allowance())
        while opened:
            method, arguments, nbytes = channel.receive()
            allowance.grant(nbytes)
            _reply(channel, path, getattr(opened[0], method), *arguments)
    os._exit(0)


class _Allowance:
    """Memory, of which there is never more than is available, and time."""

    def __init__(self) -> None:
        self._begun, hard = size_of_process(), resource.getrlimit(resource.RLIMIT_AS)[1]
        there = self._begun + available_memory()
        self._most = there if hard == resource.RLIM_INFINITY else min(there, hard)
        self._memory = self._begun + ROOM
        self._seconds = SECONDS

    def know(self, size: int) -> None:
        """How many bytes the file has, over whose tables any question may go."""
        self._seconds += size / BYTES_A_SECOND
        self._memory += TIMES * size

    def grant(self, nbytes: int) -> None:
        """What is needed for so many bytes, beside what was."""
        self._memory += TIMES * nbytes
        if self._begun:  # a limit below what there is already would leave nothing
            limit = min(self._memory, self._most)
            resource.setrlimit(resource.RLIMIT_AS, (limit, self._most))
        signal.setitimer(signal.ITIMER_PROF, self._seconds + nbytes / BYTES_A_SECOND)


def _reply(channel: Channel, path: str, asked: Callable[..., object], *arguments: object) -> None:
    """(what it returns,), or the user's error, or the text of another."""
    try:
        channel.send((asked(*arguments),))
    except DeepnetError as error:
        channel.send(error)
    except MemoryError:
        told = f"{path}: reading it takes more memory than it should, or there is"
        channel.send(MachineError(told))
    except Exception:
        channel.send(traceback.format_exc())


def _leave_all(kept: int) -> None:
    """Let go of every file but one, and of the terminal: what the C library says as it dies is not
    for the user.  The signals that end a command are its parent's.
    """
    signals.ignore()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals.ENDING)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    for number in _open_files():
        if number > 2 and number != kept:
            os.closerange(number, number + 1)


def _open_files() -> Iterable[int]:
    """The numbers of files that are open here, and perhaps others."""
    try:
        return [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208
    except OSError:  # all that there could be, which may be a thousand million
        return range(os.sysconf("SC_OPEN_MAX"))
