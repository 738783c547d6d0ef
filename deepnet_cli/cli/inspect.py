"""deepnet inspect"""

from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_option
from deepnet_cli.cli.going_on import going_on
from deepnet_cli.cli.reading import watched
from deepnet_cli.cli.say import in_shell, say, speaks_utf8, tell, typed
from deepnet_cli.data.describing.inspection import Found, inspect_data
from deepnet_cli.files import json_text
from deepnet_cli.report.dataset import data_text
from deepnet_cli.report.dataset_json import data_json
from deepnet_cli.report.model import model_json, model_text
from deepnet_cli.report.run import checkpoint_json, checkpoint_text, run_json, run_text
from deepnet_cli.report.spark import HEIGHTS, PLAIN
from deepnet_cli.training.kept.inspecting import inspect_checkpoint, inspect_model, inspect_run
from deepnet_cli.training.kept.run_directory import CHECKPOINTS
from deepnet_cli.training.kept.sealed import kind_of


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--x", metavar="NAME", help="The dataset of examples, where it is not clear.")
@click.option("--y", metavar="NAME", help="The dataset of labels, where it is not clear.")
@click.option("--all", "everything", is_flag=True, help="Show every dataset, class and column.")
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object.")
def inspect(file: Path, x: str | None, y: str | None, everything: bool, as_json: bool) -> None:
    """Say what is in a data file, a model or a run.

    \b
    Example:
        deepnet inspect data/digits.h5
        deepnet inspect runs/digits-001
    """
    kind = "run" if file.is_dir() else kind_of(file)
    if kind is not None and (x or y):
        raise click.UsageError(f"--x and --y go with a data file; {file} is a {kind}")
    if kind == "run":
        _run(file, as_json=as_json)
    elif kind == "model":
        model = inspect_model(file)
        _print(model_json(model) if as_json else model_text(model, everything=everything))
        say(f"next: {typed('evaluate', file)} DATA.h5")
    elif kind == "checkpoint":
        held = inspect_checkpoint(file)
        _print(checkpoint_json(held) if as_json else checkpoint_text(held, _heights()))
        if file.parent.name == CHECKPOINTS:
            say(f"go on: {typed('train --resume', file.parent.parent)}")
    else:
        found = inspect_data(file, x, y, watched)
        block = _heights()[-1]
        _print(data_json(found) if as_json else data_text(found, block, everything=everything))
        if found.problem is not None:
            raise found.problem
        if told := _to_start(found.found[0], file, x, y):
            say(f"next: {told}")


def _to_start(train: Found, file: Path, x: str | None, y: str | None) -> str:
    """The command that begins with this data, with the names that it takes; none without a y."""
    if not train.y and not train.likely:
        return ""
    named = {"--x": x, "--y": y if train.y else train.likely}
    options = [in_shell(option, name) for option, name in named.items() if name]
    return " ".join([typed("init", file), *options])


def _run(directory: Path, *, as_json: bool) -> None:
    run = inspect_run(directory)
    _print(run_json(run) if as_json else run_text(run, _heights()))
    if told := going_on(run, directory):
        say(told)
    elif run.state == "ended":
        data = in_shell(str(run.data)) if run.data else "DATA.h5"
        say(f"next: {typed('evaluate', directory)} {data}")


def _print(told: dict[str, object] | str) -> None:
    tell(told if isinstance(told, str) else json_text(told))


def _heights() -> str:
    """What curves and bars are made of."""
    return HEIGHTS if speaks_utf8() else PLAIN
