"""A process at the other end of a channel: a fork, which is there in milliseconds; or, where other
threads of this process may be multiplying, whose products a fork would take the workers from, a new
Python, which takes a tenth of a second.
"""

import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable
from mmap import mmap
from socket import socket, socketpair
from tempfile import TemporaryFile

from deepnet_cli import signals
from deepnet_cli.data.files.channel import WINDOW, Channel
from deepnet_cli.threads import alone

Serve = Callable[[Channel], object]
"""What the process does with its end of the channel.  It does not return."""

BEGIN = (
    "import sys; _, end, window, *sys.path = sys.argv; "
    "from deepnet_cli.data.files.process import begin; begin(int(end), int(window))"
)


def begun(serve: Serve) -> tuple[int, Channel]:
    """A process that serves, and the channel to it.  In it the signals that end a command are
    blocked.  Raises OSError.
    """
    here, there = socketpair()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals.ENDING)
    try:
        with alone() as nobody_multiplies:
            started = _fork(serve, there) if nobody_multiplies else None
        pid, window = started or _spawn(serve, here, there)
        return pid, Channel(here, window)
    except BaseException:
        here.close()
        raise
    finally:
        there.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _fork(serve: Serve, there: socket) -> tuple[int, mmap]:
    window = mmap(-1, WINDOW)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: BLAS has some
        pid = os.fork()
    if not pid:
        serve(Channel(there, window))
    return pid, window


def _spawn(serve: Serve, here: socket, there: socket) -> tuple[int, mmap]:
    """It finds modules where this process does, and nowhere else."""
    told = pickle.dumps(serve)
    with TemporaryFile() as file, there:
        file.truncate(WINDOW)
        numbers = there.fileno(), file.fileno()
        for number in numbers:
            os.set_inheritable(number, True)
        command = [sys.executable, "-I", "-c", BEGIN, *map(str, numbers), *sys.path]
        pid = os.posix_spawn(sys.executable, command, os.environ)
        window = mmap(file.fileno(), WINDOW)
    try:
        here.sendall(told)
    except OSError:
        os.waitpid(pid, 0)
        raise
    return pid, window


def begin(end: int, window: int) -> None:
    """Be the new Python, with files of these numbers."""
    there = socket(fileno=end)
    with there.makefile("rb") as sent:  # all of it: nothing more comes before an answer
        serve: Serve = pickle.load(sent)
    serve(Channel(there, mmap(window, WINDOW)))
