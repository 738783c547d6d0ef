"""`deepnet` and `python -m deepnet_cli`."""

import gc
import os
import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    _open_closed_streams()
    from deepnet_cli.cli.main import run

    code = run()
    gc.freeze()  # the process ends: a search for what to free first would be a tenth of a second
    sys.exit(code)


def _open_closed_streams() -> None:
    """Where a standard stream is closed, the next file opened would take its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


if __name__ == "__main__":
    # `python -m` puts the working directory first: a yaml.py in it must not be run.
    if not sys.flags.safe_path:
        sys.path.pop(0)
    main()
