"""deepnet reproduce"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_given, code_option
from deepnet_cli.cli.progress import Display
from deepnet_cli.cli.say import last_words, say, tell, typed, warn
from deepnet_cli.cli.threads import suit_training
from deepnet_cli.config.job import load_job
from deepnet_cli.files import json_text
from deepnet_cli.folders import temporary_folder
from deepnet_cli.report.plan import outline
from deepnet_cli.report.reproduction import reproduction_json, reproduction_text
from deepnet_cli.threads import limited
from deepnet_cli.training.kept.record import SETTINGS, Record
from deepnet_cli.training.kept.resume import check_code
from deepnet_cli.training.kept.run_directory import CONFIG, RunDirectory, check_begun
from deepnet_cli.training.run.listening import Listening
from deepnet_cli.training.run.reproducing import Reproduction
from deepnet_cli.training.run.session import Session

EXIT = {True: 0, False: 1, None: 5}


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--until", type=click.IntRange(1), metavar="N", help="Make the first N updates only.")
@click.option("--run-dir", type=click.Path(path_type=Path), help="Keep what is made, here.")
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.pass_context
def reproduce(
    ctx: click.Context,
    run: Path,
    until: int | None,
    run_dir: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train RUN again from what it recorded, and say if it is the same.

    Every row of its history, the state in each checkpoint and the parameters of its model are
    compared bit for bit.  Where they differ: the first of each, by how much, and what has changed
    since.  Exit code 0: identical; 1: different; 3: the data are not those; 5: cannot tell.

    \b
    Example:
        deepnet reproduce runs/digits-001
        deepnet reproduce runs/digits-001 --until 100
    """
    check_begun(run)
    code = code_given()
    check_code(run, code)
    record = Record.of(run)
    warn(record.damaged)
    job = load_job(run / CONFIG, SETTINGS, code)
    if record.threads is None:
        suit_training(job)
    else:
        ctx.with_resource(limited(record.threads))
    changed = record.changes(job)
    with Listening() as interruption, _place(run_dir) as place:
        interruption.go_on = typed("reproduce", run)
        directory = RunDirectory.at(place)
        ctx.call_on_close(directory.close)
        session = Session(job, directory, record.start(job))
        session.late = interruption.late
        made = Reproduction(record, session, changed, until)
        if not quiet:
            say(outline(job))
        session.begin()
        with Display(session, quiet=quiet, updates=made.last) as display:
            for event in interruption.stop(made.steps()):
                display.show(event)
        made.finish()
        with last_words(needed=True):
            tell(json_text(reproduction_json(made)) if as_json else reproduction_text(made))
        if interruption.signal is not None:
            say(f"again: {interruption.go_on}")
            ctx.exit(128 + interruption.signal)
    if made.identical is False and run_dir is None:
        say(f"next: {typed('reproduce', run)} --run-dir DIR  (keeps it, to be compared)")
    elif run_dir is not None:
        say(f"next: {typed('inspect', run_dir)}")
    else:
        say(f"next: {typed('report', run)}")
    ctx.exit(EXIT[made.identical])


@contextmanager
def _place(run_dir: Path | None) -> Iterator[Path]:
    """Where the files go: where they are wanted, or where they are soon gone."""
    if run_dir is not None:
        yield run_dir
        return
    with temporary_folder("deepnet-") as folder:
        yield folder
