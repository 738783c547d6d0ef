"""Training in Python: a new run, or one that goes on."""

import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from deepnet_cli.api.given import ConfigGiven, PathGiven, code_of, path_of, settings_of, source_of
from deepnet_cli.api.run import Run
from deepnet_cli.config.job import load_job
from deepnet_cli.report.curves import drawn_in_room
from deepnet_cli.training.kept.run_directory import check_free
from deepnet_cli.training.loop.state import Event
from deepnet_cli.training.run import beginning
from deepnet_cli.training.run.running import finish, run_to_end
from deepnet_cli.training.run.session import Session
from deepnet_cli.training.run.stopping import Interruption

Settings = Mapping[str, Any] | None


class DeepnetWarning(UserWarning):
    """What is likely a mistake in a config or in data, or what a run went without."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or a notebook's stop, after all was saved: `run` is what there is of it."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"all is saved; go on: deepnet.resume({str(run.path)!r})")
        self.run = run


class CtrlC(Interruption):
    """While it is open, a first Ctrl-C asks for an end after the step under way, and a second one
    is the KeyboardInterrupt that it ever was.  Only the main thread hears of it.
    """

    def __init__(self) -> None:
        super().__init__()
        main = threading.current_thread() is threading.main_thread()
        self.heard = (signal.SIGINT,) if main else ()

    def leave(self, _: int) -> None:
        raise KeyboardInterrupt


def train(
    config: ConfigGiven,
    *,
    set: Settings = None,  # noqa: A002  # as --set
    run_dir: PathGiven | None = None,
    code: PathGiven | None = None,
    progress: bool = False,
) -> Run:
    """Train the network that a config describes, a file or nested dicts, and write a run directory,
    as `deepnet train` does; paths in dicts are relative to the working directory.

    `set` overrides keys, {"training.learning_rate": 0.05}; `run_dir` and `code` are as --run-dir
    and --code; with `progress` stderr has what the command shows.

    Raises ConfigError, DataError and MachineError, DivergedError where the cost was not finite any
    more, and Interrupted.
    """
    with ExitStack() as held:
        if (directory := None if run_dir is None else path_of(run_dir)) is not None:
            check_free(directory)  # before data are read
        its_code = held.enter_context(code_of(code))
        job = load_job(source_of(config), settings_of(set), its_code)
        return _run(beginning.new(job, held), directory, held, progress=progress)


def resume(
    run: Run | PathGiven,
    *,
    set: Settings = None,  # noqa: A002
    code: PathGiven | None = None,
    strict: bool = False,
    progress: bool = False,
) -> Run:
    """Go on with a run where it stopped, bit for bit, as `deepnet train --resume` does.

    `set` makes it longer, {"training.iterations": 5000}.  Raises what `train` raises, and
    ConfigError where the run has come to its end.
    """
    with ExitStack() as held:
        its_code = held.enter_context(code_of(code))
        begun = beginning.resumed(path_of(run), settings_of(set), its_code, held, strict=strict)
        return _run(begun, None, held, progress=progress)


def _run(
    begun: beginning.Beginning, run_dir: Path | None, held: ExitStack, *, progress: bool
) -> Run:
    for told in begun.warnings:
        warnings.warn(told, DeepnetWarning, stacklevel=3)
    with CtrlC() as interruption:
        session = begun.session(run_dir, held)
        interruption.go_on = f"deepnet.resume({str(session.directory.path)!r})"
        with _shown(session, progress=progress) as show:
            diverged = run_to_end(session, interruption, show)
        lacking = list[str]()
        draw = drawn_in_room(lacking.append)
        finish(session, draw if session.job.config.output.plots else None)
    for told in lacking:
        warnings.warn(told, DeepnetWarning, stacklevel=3)
    if diverged is not None:
        raise diverged
    run = Run(session.directory.path)
    if session.ending.stopped == "interrupted":
        raise Interrupted(run)
    return run


@contextmanager
def _shown(session: Session, *, progress: bool) -> Iterator[Callable[[Event], None]]:
    if not progress:
        yield lambda _: None
        return
    from deepnet_cli.cli.progress import Display

    with Display(session, quiet=False) as display:
        yield display.show
