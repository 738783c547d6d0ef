"""deepnet cv"""

from contextlib import closing
from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_given, code_option
from deepnet_cli.cli.say import in_shell, last_words, say, tell, typed, warn
from deepnet_cli.cli.threads import suit_training
from deepnet_cli.config.data_schema import MOST_FOLDS, DataFile, NamedRows
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.config.load import resolved
from deepnet_cli.config.overrides import Implied
from deepnet_cli.files import json_text
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.report.figures import figures_text
from deepnet_cli.training.kept.run_directory import RunDirectory
from deepnet_cli.training.run.folds import (
    RESULT,
    finished,
    held_out,
    mean_and_deviation,
    session_of,
)
from deepnet_cli.training.run.listening import Listening
from deepnet_cli.training.run.running import finish, run_to_end
from deepnet_cli.training.run.session import Session
from deepnet_cli.training.run.stopping import Interruption


@click.command(no_args_is_help=True)
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--folds",
    "of",
    type=click.IntRange(2, MOST_FOLDS),
    metavar="K",
    default=5,
    show_default=True,
    help="How many parts, each of which is the test part once.",
)
@click.option("--groups", metavar="NAME", help="The dataset that says which rows stay together.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
@click.option(
    "--run-dir", type=click.Path(path_type=Path), help="Write the runs here, or go on with them."
)
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.pass_context
def cv(
    ctx: click.Context,
    config: Path,
    of: int,
    groups: str | None,
    settings: tuple[str, ...],
    run_dir: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Cross-validate CONFIG: train on all folds but one, test on that, K times.

    Each class gives its share to every fold; whatever is fitted to data, scaling too, is fitted to
    what a fold is trained on.  Where the config knows an order of time the folds follow it: each
    is tested on what came after all that it is trained on.

    \b
    Example:
        deepnet cv config.yaml --folds 5
        deepnet cv config.yaml --groups patient --run-dir cv
    """
    code = code_given()
    if code is not None:
        code.check()
    if groups is not None:
        implied = Implied(f"data.train.groups={groups}", f"--groups {in_shell(groups)}")
        settings = (*settings, implied)
    whole = load_job(config, settings, code)
    warn(whole.warnings)
    data = whole.config.data
    named = isinstance(data.test, NamedRows) and data.train.rows is not None
    if named or isinstance(data.test, DataFile):
        say("data.test is left alone: each fold is the test part in its turn")
    elif data.test is not None:
        say("data.test, a part of the training examples, is in the folds with the others")
    in_order = data.knows_order
    stratify = whole.dataset.encoding.classes is not None and not in_order

    def job_of(fold: int) -> Job:
        take = "last" if in_order else "random"
        setting = Implied(held_out(fold, of, stratify=stratify, take=take), f"--folds {of}")
        return load_job(config, (*settings, setting), code)

    job_of(1)  # what there is to be refused is, before anything is made
    with Listening() as interruption:
        place = _place(ctx, whole, run_dir)
        again = typed("cv", config, settings)
        interruption.go_on = f"{again} --folds {of} --run-dir {in_shell(str(place.path))}"
        if not quiet:
            whose = " of whole groups" * (data.train.groups is not None)
            kind = f"{of} {'stratified ' * stratify}folds{whose}{' in order of time' * in_order}"
            say(f"{whole.config.name}: {kind}, writing to {place.path}")
        found: list[Figures] = []
        for fold in range(1, of + 1):
            job = job_of(fold)
            figures = _figures(job, place.path / f"fold-{fold}", interruption)
            if figures is None:
                break
            found.append(figures)
            if not quiet:
                name, m = job.headline, job.dataset.parts["test"].m
                shared = job.dataset.shared["test"]["train"]
                also = f", {shared} of them in the training part too" if shared else ""
                say(f"fold {fold}: {name} {figures[name]:.4g} of {m} examples{also}")
        else:
            mean, deviation = mean_and_deviation(found)
            told = {"folds": found, "mean": mean, "std": deviation, "directory": str(place.path)}
            place.write_json(RESULT, told)
    if interruption.signal is not None and len(found) < of:
        say(f"go on: {interruption.go_on}")
        ctx.exit(128 + interruption.signal)
    with last_words(needed=True):
        if as_json:
            tell(json_text(told))
        else:
            rows = {f"fold {k}": figures for k, figures in enumerate(found, 1)}
            tell(figures_text(rows | {"mean": mean, "std": deviation}))
    say(f"next: {typed('train', config, settings)}")


def _figures(job: Job, path: Path, interruption: Interruption) -> Figures | None:
    """The test figures of a fold, trained before or now; None where a signal came first."""
    figures = finished(job, path)
    if figures is not None or interruption.signal is not None:
        return figures
    suit_training(job)
    session = session_of(job, path)
    with closing(session.directory):
        _train(session, interruption)
    return session.figures["test"] if session.ending.stopped != "interrupted" else None


def _train(session: Session, interruption: Interruption) -> None:
    """Train a fold and write its files.  Raises DivergedError."""
    diverged = run_to_end(session, interruption, lambda _: None)
    finish(session)
    if diverged is not None:
        raise diverged


def _place(ctx: click.Context, job: Job, run_dir: Path | None) -> RunDirectory:
    """The directory of all folds: a new one, or that of a command that was not finished."""
    if run_dir is None:
        base = resolved(job.config.output.directory, job.directory)
        place = RunDirectory.create(base, f"{job.config.name}-cv")
    elif (run_dir / "fold-1").is_dir():
        place = RunDirectory(run_dir)
    else:
        place = RunDirectory.at(run_dir)
    ctx.call_on_close(place.close)
    return place
