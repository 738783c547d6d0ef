"""deepnet runs"""

import time
from pathlib import Path

import click

from deepnet_cli.cli.say import in_shell, say, tell, warn
from deepnet_cli.errors import DataError
from deepnet_cli.files import json_text
from deepnet_cli.report.runs import best, by, runs_json, runs_text
from deepnet_cli.training.results.listing import runs_in


@click.command()
@click.argument("directories", nargs=-1, metavar="[DIR]...", type=click.Path(path_type=Path))
@click.option(
    "--sort",
    metavar="KEY",
    default="when",
    show_default=True,
    help="A figure such as test.accuracy, a key such as training.l2, or a column.",
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object.")
def runs(directories: tuple[Path, ...], sort: str, reverse: bool, as_json: bool) -> None:
    """List runs: what differed between them, and what came of it.

    Each DIR (default: runs) is a run or holds runs.  Keys of the config that all runs have alike
    are left out.  The folds of a cross-validation are one line, with the means of their figures.

    \b
    Example:
        deepnet runs
        deepnet runs --sort validation.accuracy
        deepnet runs runs/digits-00* --sort training.learning_rate --json
    """
    places = directories or (Path("runs"),)
    found = [run for place in places for run in runs_in(place)]
    if not found:
        where = in_shell(*map(str, places))
        raise DataError(f"{where}: no runs there; 'deepnet train CONFIG' writes one")
    warn([run.problem for run in found if run.problem])
    found = by(sort, found, reverse=reverse)
    tell(json_text(runs_json(found)) if as_json else runs_text(found, time.time()))
    first = [str(run.path) for run in best(found)[:2]]
    if len(first) == 2:
        say(f"next: deepnet compare {in_shell(*first)}")
    else:
        say(f"next: deepnet inspect {in_shell(str(found[-1].path))}")
