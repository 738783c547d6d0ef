"""deepnet inspect"""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from deepnet_cli.cli.say import say, typed
from deepnet_cli.data.inspection import inspect_data
from deepnet_cli.files import json_text
from deepnet_cli.report.dataset import data_text


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--x", metavar="NAME", help="The dataset of examples, where it is not clear.")
@click.option("--y", metavar="NAME", help="The dataset of labels, where it is not clear.")
@click.option("--all", "everything", is_flag=True, help="Every dataset, class and column.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object.")
def inspect(file: Path, x: str | None, y: str | None, everything: bool, as_json: bool) -> None:
    """Say what is in a data set, a model or a run.

    \b
    Example:
        deepnet inspect data/digits.h5
        deepnet inspect runs/digits-001
    """
    found = inspect_data(file, x, y, lambda a, b: bool)
    click.echo(data_text(found, everything=everything, block="#"))
    if found.problem:
        raise found.problem
    say(f"next: {typed('init', file)}")
