"""deepnet predict"""

from collections.abc import Iterable
from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_option
from deepnet_cli.cli.say import in_shell, put, say, tell, typed
from deepnet_cli.cli.threads import suit
from deepnet_cli.data.reading.tables import Location
from deepnet_cli.errors import ConfigError
from deepnet_cli.files import json_text, written
from deepnet_cli.report.plan import read_text
from deepnet_cli.training.kept.model import NAME as MODEL
from deepnet_cli.training.kept.model import load_model
from deepnet_cli.training.results.predictions import (
    Predictions,
    as_csv,
    as_lists,
    predictions,
    to_hdf5,
)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="OUT.h5 or OUT.csv; default: stdout."
)
@click.option("--x", metavar="NAME", help="The dataset of examples, where it is not clear.")
@click.option("--force", is_flag=True, help="Replace OUT where it is there.")
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the predictions as one JSON object.")
def predict(
    model: Path, data: Path, output: Path | None, x: str | None, force: bool, as_json: bool
) -> None:
    """Predict for the examples in DATA with a trained MODEL, a run directory or a model file.

    \b
    Example:
        deepnet predict runs/digits-001 new.h5 -o predictions.csv
    """
    if output is not None and output.suffix not in (".h5", ".hdf5", ".csv"):
        raise ConfigError(f"-o {output}: expected a name that ends in .h5 or .csv")
    if output is not None:
        _check_output((data, model, model / MODEL), output, force=force)
    trained = load_model(model)
    table = trained.table(Location(data, x), labelled=False)
    suit(trained.network.sizes, table.m)
    say(read_text(f"read {table.told}"))
    found: Iterable[Predictions] = predictions(trained, table)
    if as_json:
        found = [*found]  # one object has all of them
        tell(json_text(as_lists(found)))
    elif output is None:
        for lines in as_csv(found):
            put(lines)
    if output is not None:
        _write(found, table.m, output)
        say(f"wrote {output}")
    named = in_shell(str(data), *(["--x", x] if x else []))
    say(f"next, where it has labels: {typed('evaluate', model)} {named}")


def _check_output(inputs: Iterable[Path], output: Path, *, force: bool) -> None:
    for given in inputs:
        if output.exists() and given.exists() and output.samefile(given):
            raise ConfigError(f"-o {output}: is what is read; choose another name")
    if output.is_file() and not force:
        raise ConfigError(
            f"-o {output}: is there; add --force to replace it, or choose another name"
        )


def _write(found: Iterable[Predictions], m: int, output: Path) -> None:
    with written(output) as file:
        if output.suffix != ".csv":
            to_hdf5(found, m, file)
            return
        for lines in as_csv(found):
            file.write(lines)
