"""`deepnet` and `python -m deepnet_cli`."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` puts the working directory first: a yaml.py in it must not be run.
    sys.path.pop(0)

import gc
import os
from io import TextIOWrapper

from deepnet_cli import signals


def main() -> None:
    """Run the command line and end the process with its exit code."""
    signals.handle(signals.leave)
    _open_closed_streams()
    if isinstance(sys.stdout, TextIOWrapper):  # may know ASCII only; stderr is so already
        sys.stdout.reconfigure(errors="backslashreplace")
    from deepnet_cli.cli.main import run

    code = run()
    signals.ignore()
    gc.freeze()  # the process ends: a search for what to free first would be a tenth of a second
    sys.exit(code)


def _open_closed_streams() -> None:
    """Where a standard stream is closed, the next file opened would take its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
            mode = "r" if number == 0 else "w"
            stream = os.fdopen(number, mode, errors="backslashreplace", closefd=False)
            setattr(sys, name, stream)


if __name__ == "__main__":
    main()
