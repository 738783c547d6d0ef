"""The group of commands, and the one place where errors become messages and exit codes."""

import contextlib
import gc
import importlib
import os
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import click

from deepnet_cli import __version__
from deepnet_cli.cli.say import discard, say
from deepnet_cli.errors import DeepnetError, MachineError, did_you_mean, one_line
from deepnet_cli.files import cannot, write_file
from deepnet_cli.memory import lacking, secure_products

GROUPS = {
    "Start": {
        "init": "Write a first config for DATA, with the reason for each value.",
        "check": "Say in some seconds whether training CONFIG is likely to work.",
        "lr-find": "Suggest a learning rate: let it grow, see where the cost falls.",
    },
    "Train": {
        "train": "Train the network that CONFIG describes, or go on with a run.",
        "cv": "Cross-validate CONFIG: train on all folds but one, test on that.",
    },
    "Use": {
        "evaluate": "Measure the cost and metrics of a trained MODEL on labelled DATA.",
        "predict": "Predict for the examples in DATA with a trained MODEL.",
    },
    "Look": {
        "report": "Write all that is known of a RUN as one HTML page.",
        "plot": "Draw curves and pictures of what was trained.",
        "inspect": "Say what is in a data file, a model or a run.",
        "runs": "List runs: what differed between them, and what came of it.",
        "compare": "Say what differs between two runs, and whether one is better.",
    },
    "Trust": {
        "gradcheck": "Prove the backward pass against numerical derivatives.",
        "explain": "Show one real iteration in the course's symbols and its numbers.",
        "reproduce": "Train RUN again from what it recorded, and say if it is the same.",
        "replay": "Repeat the last updates of a RUN that diverged.",
        "selftest": "Show on this machine that deepnet keeps its promises.",
    },
    "Tools": {
        "convert": "Convert other formats to HDF5, and HDF5 to CSV, NPZ or NPY.",
        "time": "Time a training step layer by layer, against this machine's peak.",
        "schema": "Print the config's vocabulary as a JSON Schema.",
    },
}
"""Each command and its one sentence, in the order in which a person wants them; its module is
imported when it is called.
"""

COMMANDS = {name: told for group in GROUPS.values() for name, told in group.items()}

SIGPIPE_EXIT = 141


def command_named(name: str) -> click.Command:
    """One of COMMANDS, from the module of its name."""
    identifier = name.replace("-", "_")
    module = importlib.import_module(f"deepnet_cli.cli.{identifier}")
    command: click.Command = getattr(module, identifier)
    return command


class Commands(click.Group):
    """Loads a command's module when it is needed, so that `deepnet --help` is instant."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        secure_products()
        gc.disable()  # what is imported stays: there is nothing to collect
        command = command_named(name)
        gc.freeze()
        gc.enable()
        command.short_help = COMMANDS[name]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no command '{one_line(args[0])}'{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        with _reader_may_leave():  # --version prints here
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> object:
        with _reader_may_leave():
            return super().invoke(ctx)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), told) for name, told in group.items()])


def unguarded(_: click.Context, __: click.Parameter, given: bool) -> None:
    """Read HDF5 files without a process for each."""
    if given:
        from deepnet_cli.data.files import hdf5

        hdf5.guarded = False


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="deepnet")
@click.option(
    "--unguarded",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=unguarded,
    help="Read HDF5 files in this process: faster by milliseconds, but a damaged one may crash it.",
)
def cli() -> None:
    """Train dense neural networks from a YAML file on HDF5 data.

    \b
    Example:
        deepnet init data/digits.h5
        deepnet train digits.yaml
        deepnet report runs/digits-001
    """


@contextlib.contextmanager
def _reader_may_leave() -> Iterator[None]:
    """End as other programs do where a pipe is broken; click would end with 1."""
    try:
        yield
    except BrokenPipeError:
        discard(1)
        raise click.exceptions.Exit(SIGPIPE_EXIT) from None


NO_ROOM = MachineError("not enough memory; use a smaller network, batch or data set")


def run() -> int:
    """Run the command line; its exit code."""
    code = _run()
    try:
        sys.stderr.flush()
    except OSError:
        discard(2)
    return code


def _run() -> int:
    try:
        code = cli.main(prog_name="deepnet", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        text = StringIO()
        error.show(file=text)
        say(text.getvalue().rstrip())
        return error.exit_code
    except DeepnetError as error:
        return _told(error)
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        return 130
    except MemoryError:
        return _told(NO_ROOM)
    except ImportError as error:
        if not lacking(error):
            return _crashed(error)
        return _told(MachineError("not enough memory to load what is needed; raise the limit"))
    except OSError as error:
        if lacking(error):
            return _told(NO_ROOM)
        discard(1)
        place = Path(str(error.filename or "standard output"))
        return _told(cannot("write" if error.filename is None else "use", place, error))
    except Exception as error:
        return _crashed(error)


def _told(error: DeepnetError) -> int:
    say(str(error))
    return error.exit_code


def _crashed(error: Exception) -> int:
    import tempfile
    import traceback

    about = f"deepnet {__version__}, Python {sys.version}\n"
    text = about + "".join(traceback.format_exception(error))
    name = f"deepnet-crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        try:
            write_file(folder / name, text.encode("utf-8", "backslashreplace"))
        except MachineError:
            continue
        where = f"; the details are in {folder / name}"
        break
    else:
        where = ""
    message = f"a bug of deepnet's own: {type(error).__name__}{where}; please report it"
    say(message)
    return DeepnetError.exit_code
